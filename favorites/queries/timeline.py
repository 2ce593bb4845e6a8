"""What happened to a session request, in one plain sentence a step. All its words stand here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from favorites.models import Audience, Customer, FallbackReason, Kind, Mechanic, RequestEvent, SessionRequest, Workshop

YOU = "You"
EVERYONE = "Everyone was asked"
ASKED_AT_ONCE = {"workshop": "The mechanics of {workshop} were asked"}
ASKED_AFTER = {
    FallbackReason.NO_RESPONSE: "{first} did not answer in time, so everyone was asked",
    FallbackReason.CUSTOMER_OPENED: "{customer} asked everyone",
    FallbackReason.UNAVAILABLE: "{first} became unavailable, so everyone was asked",
    FallbackReason.ERROR: "{first} could not be reached, so everyone was asked",
}
ASKED_AGAIN = {
    "customer": "{customer} asked everyone again",
    "mechanic": "{who} gave it back, so everyone else was asked",
    "admin": "{who} became unavailable, so everyone else was asked",
}
SENTENCES = {
    Kind.REQUEST_OFFERED: "{who} {was} asked first",
    Kind.REQUEST_DECLINED: "{who} declined",
    Kind.REQUEST_ACCEPTED: "{who} accepted",
    Kind.REQUEST_STARTED: "The consultation started",
    Kind.REQUEST_COMPLETED: "The consultation was completed",
    Kind.REQUEST_EXPIRED: "Nobody took it in time",
}
CANCELLED = {"customer": "{customer} cancelled it", "admin": "The owner cancelled it"}


class Entry(NamedTuple):
    """One step: when, and a sentence without its full stop."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Names:
    """What the reader calls those who take part; who is not in `mechanics` stays nameless."""

    customer: str
    workshop: str
    mechanics: dict[UUID, str]
    nameless: str

    def mechanic(self, key: object) -> str:
        """The first name of the mechanic with this id, as payloads hold it."""
        return self.mechanics.get(UUID(str(key)), self.nameless) if key else self.nameless


class Step(NamedTuple):
    """An event for the customer, with what the first event of its transition says of all of them."""

    event: RequestEvent
    actor: str
    first_payload: dict[str, object]


def timeline(
    session: Session, request_id: UUID, viewer: UUID | None = None, *, is_for_owner: bool = False
) -> list[Entry]:
    """The steps, oldest first; who reads it is "You". `viewer`: the mechanic, who learns no other mechanic's name;
    None: the customer, or the owner, who learns all names."""
    rows = session.scalars(
        select(RequestEvent).where(RequestEvent.session_request_id == request_id).order_by(RequestEvent.id)
    ).all()
    names = _names(session, request_id, rows, viewer, is_for_owner)
    first = names.nameless
    entries = []
    for step in _steps(rows):
        if step.event.kind == Kind.REQUEST_OFFERED:
            first = names.mechanic(step.event.payload.get("mechanic_id"))
        if text := _sentence(step):
            who = names.mechanic(step.event.payload.get("mechanic_id") or step.first_payload.get("mechanic_id"))
            words = {"who": who, "first": first, "customer": names.customer, "workshop": names.workshop}
            words["was"] = "were" if who == YOU else "was"
            entries.append(Entry(step.event.at, text.format_map(words)))
    return entries


def _steps(rows: Iterable[RequestEvent]) -> Iterable[Step]:
    """Of the events of a transition the customer's tells the step, the first one who did it."""
    actor, first_payload = "", {}
    for row in rows:
        if row.actor:
            actor, first_payload = row.actor.partition(":")[0], row.payload
        if row.audience == Audience.CUSTOMER:
            yield Step(row, actor, first_payload)


def _sentence(step: Step) -> str:
    if step.event.kind == Kind.REQUEST_BROADCAST:
        return _asked(step)
    if step.event.kind == Kind.REQUEST_CANCELLED:
        return CANCELLED.get(step.actor, "It was cancelled")
    return SENTENCES.get(Kind(step.event.kind), "")


def _asked(step: Step) -> str:
    reason = str(step.event.payload.get("reason", ""))
    if reason == FallbackReason.RELEASED:
        return ASKED_AGAIN.get(step.actor, ASKED_AGAIN["admin"])
    return ASKED_AT_ONCE.get(reason) or {str(key): text for key, text in ASKED_AFTER.items()}.get(reason, EVERYONE)


def _names(
    session: Session, request_id: UUID, rows: Iterable[RequestEvent], viewer: UUID | None, is_for_owner: bool
) -> Names:
    row = session.execute(
        select(Customer.first_name, Workshop.name)
        .select_from(SessionRequest)
        .join(Customer, Customer.id == SessionRequest.customer_id)
        .outerjoin(Workshop, Workshop.id == SessionRequest.workshop_id)
        .where(SessionRequest.id == request_id)
    ).one()
    workshop = row[1] or "the workshop"
    if viewer is not None:
        return Names(row[0], workshop, {viewer: YOU}, "Another mechanic")
    ids = {UUID(str(key)) for event in rows if (key := event.payload.get("mechanic_id"))}
    known = select(Mechanic.id, Mechanic.first_name).where(Mechanic.id.in_(ids))
    mechanics = {key: name for key, name in session.execute(known)}
    if is_for_owner:
        return Names(row[0], workshop, mechanics, "A former mechanic")
    return Names(YOU, workshop, mechanics, "Your mechanic")
