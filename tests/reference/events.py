"""What is told and written down: the events of session requests, what streams say beside them, and the owner's acts."""

from collections.abc import Iterator
from typing import NamedTuple

from favorites.models import Kind, OwnerKind
from tests.reference.markdown import code, table

HEAD = """Every transition of a session request writes its events in its own transaction, as rows of `request_events`:
one for each audience. The same rows are the audit trail, the outbox and the live feed
(why: [one table](../explanation/one-table.md)).

Streams are Server-Sent Events: `GET /mechanic/events`, `GET /customer/requests/{request_id}/events`, and for owners
`GET /admin/events`, which says of each that something happened and nothing else. Each event has an `id`, the row's;
`data` is one line of ASCII JSON, filled in from the rows as they are then. Resume by `Last-Event-ID` or `?after=`. At
least once to every open page; on replay, what the reader may no longer see is left out."""
WISH = "`request` (id, customer_first_name, session_type, plan_code, plan_name, price_cents, currency, minutes,"
WISH += " vehicle, concern, urgent, created_at, expires_at)"
TO_CUSTOMER, TO_MECHANICS = "`request_id`, `reason`, `at`", "`request_id`, and `reason` where there is one"
SAW = "those who could see it: every eligible mechanic, the workshop's, or the preferred one"


class Heard(NamedTuple):
    """Who hears a kind of event: the audiences of its rows, in words what that means, and the data of the frame."""

    kind: Kind
    audiences: tuple[str, ...]
    who: str
    when: str
    data: str


HEARD = (
    Heard(
        Kind.PRIORITY_SESSION_REQUEST,
        ("mechanic",),
        "the preferred mechanic alone",
        "a priority window opens",
        f"{WISH}, `target_mechanic_id`, `priority_window_minutes`, `expires_at` (of the window), `message`",
    ),
    Heard(
        Kind.NEW_REQUEST,
        ("mechanics", "workshop"),
        "every eligible mechanic, or the workshop's while that alone is asked",
        "everyone is asked: at once, after a window, or again after a release",
        f"{WISH}, `routing_type`, `fallback_reason` (null, `priority_timeout` for a lapse, or the reason)",
    ),
    Heard(
        Kind.REQUEST_ACCEPTED,
        ("customer", "mechanics", "workshop", "mechanic"),
        f"its customer; {SAW}, without who it was",
        "a mechanic has it",
        f"{TO_CUSTOMER}; mechanics: {TO_MECHANICS}",
    ),
    Heard(
        Kind.REQUEST_CANCELLED,
        ("customer", "mechanics", "workshop", "mechanic"),
        f"its customer; {SAW}",
        "the customer or the owner withdraws it",
        f"{TO_CUSTOMER}; mechanics: {TO_MECHANICS}",
    ),
    Heard(
        Kind.REQUEST_EXPIRED,
        ("customer", "mechanics", "workshop", "mechanic"),
        f"its customer; {SAW}",
        "nobody took it in time",
        f"{TO_CUSTOMER}; mechanics: {TO_MECHANICS}",
    ),
    Heard(
        Kind.REQUEST_WITHDRAWN,
        ("mechanic",),
        "a mechanic who may no longer see it while it is pending",
        "they declined in another tab, were suspended, or it was taken back from them",
        TO_MECHANICS,
    ),
    Heard(Kind.REQUEST_OFFERED, ("customer",), "its customer", "the preferred mechanic is asked first", TO_CUSTOMER),
    Heard(Kind.REQUEST_DECLINED, ("customer",), "its customer", "the preferred mechanic said no", TO_CUSTOMER),
    Heard(Kind.REQUEST_BROADCAST, ("customer",), "its customer", "everyone is asked, and why", TO_CUSTOMER),
    Heard(
        Kind.REQUEST_RELEASED,
        (),
        "nobody",
        "kept for a release that is told by `request_withdrawn` and `request_broadcast`",
        "",
    ),
    Heard(
        Kind.REQUEST_STARTED,
        ("customer", "mechanic"),
        "the two",
        "the mechanic pressed Start",
        f"{TO_CUSTOMER}; mechanics: {TO_MECHANICS}",
    ),
    Heard(
        Kind.REQUEST_COMPLETED,
        ("customer", "mechanic"),
        "the two",
        "the consultation is over",
        f"{TO_CUSTOMER}; mechanics: {TO_MECHANICS}",
    ),
    Heard(
        Kind.REQUEST_DELIVERED,
        ("customer",),
        "its customer",
        "a device of the preferred mechanic says that it shows the offer",
        TO_CUSTOMER,
    ),
    Heard(
        Kind.REQUEST_EXTENDED,
        ("customer", "mechanic"),
        "its customer and the preferred mechanic",
        "the preferred mechanic takes five minutes more, once",
        f"{TO_CUSTOMER}; mechanics: {TO_MECHANICS}",
    ),
    Heard(
        Kind.REQUEST_PROLONGED,
        ("customer", "mechanics", "workshop", "mechanic"),
        f"its customer; {SAW}",
        "the customer waits one lifetime more, once",
        f"{TO_CUSTOMER}; mechanics: {TO_MECHANICS}",
    ),
    Heard(
        Kind.REQUEST_ASSIGNED,
        ("mechanic",),
        "the mechanic who has it now",
        "the owner gave it to them",
        TO_MECHANICS,
    ),
    Heard(
        Kind.REQUEST_UNATTENDED,
        ("record",),
        "owners, by mail and as `news`",
        "nobody takes it, or nobody who could is on shift: once",
        "",
    ),
    Heard(
        Kind.MESSAGE_SENT,
        ("customer", "mechanic"),
        "the two",
        "a message, a photo or the summary is there; the words are read by the page",
        f"{TO_CUSTOMER}; mechanics: {TO_MECHANICS}",
    ),
)
BESIDE = (
    ("ping", "everyone, every 15 s", "`at` (the server's time); repeats the last id delivered"),
    ("reset", "a reader whose `after` is too old, too far behind, or newer than the newest", "`at`: reload your state"),
    ("typing", "the other of the two, if they listen just now; it is kept nowhere", "`request_id`"),
)
# Codes, ids and times; never words of or about a person.
PAYLOAD = {
    "rule": "by which rule; on the first row of a transition, with `actor`",
    "reason": "why everyone is asked, or why it is withdrawn: a code",
    "fallback_reason": "as `new_request` carries it",
    "routing_type": "who is asked: broadcast, priority_broadcast, workshop_only or hybrid",
    "mechanic_id": "whom it is about",
    "minutes": "how long the window is",
    "preferred": "whom the customer named, as it was sent",
    "why": "the mechanic's reason for a decline: busy, not_my_work or done_for_today",
    "message_id": "which message",
    "workshop_id": "of which workshop",
}
ACTS = {
    OwnerKind.REQUEST_ASSIGNED: "gave a session request to a mechanic",
    OwnerKind.REQUEST_OPENED: "asked everyone",
    OwnerKind.REQUEST_RELEASED: "took it back from a mechanic",
    OwnerKind.REQUEST_COMPLETED: "completed it",
    OwnerKind.REQUEST_CANCELLED: "cancelled it",
    OwnerKind.MECHANIC_APPROVED: "approved an application",
    OwnerKind.MECHANIC_REFUSED: "refused it",
    OwnerKind.MECHANIC_SUSPENDED: "suspended a mechanic",
    OwnerKind.MECHANIC_RESTORED: "let a suspended mechanic help again",
    OwnerKind.WORKSHOP_ADDED: "added a workshop",
    OwnerKind.WORKSHOP_CHANGED: "changed its name, link or routing",
    OwnerKind.WORKSHOP_JOINED: "put a mechanic into a workshop, or out of it",
    OwnerKind.CREDITS_GRANTED: "gave credits",
    OwnerKind.CREDITS_CORRECTED: "corrected credits",
    OwnerKind.CREDITS_REFUNDED: "gave the credits of a session request back",
    OwnerKind.PAYMENT_REFUNDED: "gave the payment of one back",
    OwnerKind.FLAG_SET: "switched a feature flag",
    OwnerKind.SETTING_CHANGED: "changed a setting at run time",
    OwnerKind.SENDING_RETRIED: "sent a mail or a notification once more, or asked for a refund again",
    OwnerKind.DATA_EXPORTED: "took a copy of somebody's data",
    OwnerKind.PERSON_ERASED: "erased somebody; or they erased themselves",
}


def lines() -> Iterator[str]:
    """The stream's events, what is stored of them, and the owner's acts."""
    yield from (HEAD, "", "## On the streams", "")
    heard = ((code(one.kind.value), one.who, one.when, one.data) for one in HEARD)
    yield from table(("event", "who hears it", "when", "data"), heard)
    yield from ("Beside them, and without a row:", "")
    yield from table(("event", "who hears it", "data"), ((code(name), *words) for name, *words in BESIDE))
    yield from ("## In the rows", "", "`audience` is whom the row is for; `record` is for nobody, and only kept.", "")
    stored = ((code(one.kind.value), ", ".join(one.audiences) or "none today") for one in HEARD)
    yield from table(("kind", "audiences"), stored)
    yield from ("`payload` holds codes, ids and times, never words of or about a person:", "")
    yield from table(("key", "what it is"), ((code(key), words) for key, words in PAYLOAD.items()))
    yield from ("## What the owner did", "", "Rows of `owner_events`, each with who, when, to whom, and why.", "")
    yield from table(("kind", "the owner …"), ((code(kind.value), words) for kind, words in ACTS.items()))
