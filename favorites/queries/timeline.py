"""What happened to a session request, in one plain sentence a step."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from favorites.db import Session
from favorites.models import Audience, Customer, FallbackReason, Kind, Mechanic, RequestEvent, SessionRequest, Workshop
from favorites.queries.sentences import (
    ANOTHER,
    ASKED_AFTER,
    ASKED_AGAIN,
    ASKED_AT_ONCE,
    ASKED_AT_ONCE_FOR_THE_OWNER,
    ASSIGNED,
    CANCELLED,
    EVERYONE,
    FORMER,
    OF_A_WORKSHOP,
    OPENED_BY_THE_OWNER,
    SENTENCES,
    YOU,
    YOURS,
    filled,
)


class Entry(NamedTuple):
    """One step: when, a sentence without its full stop, and the kind of its event."""

    at: datetime
    text: str
    kind: str


@dataclass(frozen=True)
class Reader:
    """What the reader calls those who take part, who is not in `mechanics` being nameless; and why not the favorite."""

    customer: str
    workshop: str
    mechanics: dict[UUID, str]
    nameless: str
    at_once: Mapping[str, str]

    def mechanic(self, key: object) -> str:
        """The first name of the mechanic with this id, as payloads hold it."""
        return self.mechanics.get(id_, self.nameless) if (id_ := _uuid(key)) else self.nameless


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
        select(RequestEvent)
        .where(RequestEvent.session_request_id == request_id, RequestEvent.kind != Kind.MESSAGE_SENT)
        .order_by(RequestEvent.id)
    ).all()
    reader = _reader(session, request_id, rows, viewer, is_for_owner)
    first = reader.mechanic(next(_preferred(rows), None))
    entries = []
    for step in _steps(rows):
        who = reader.mechanic(step.event.payload.get("mechanic_id") or step.first_payload.get("mechanic_id"))
        text = filled(_text(step, reader), who, reader.customer, first=first, workshop=reader.workshop)
        if text:
            entries.append(Entry(step.event.at, text, step.event.kind))
    return entries


def _preferred(rows: Iterable[RequestEvent]) -> Iterator[object]:
    """The favorite: who was asked first, or was to be."""
    return (
        row.payload.get("mechanic_id") or row.payload.get("preferred")
        for row in rows
        if row.kind == Kind.REQUEST_OFFERED or row.payload.get("preferred")
    )


def _steps(rows: Iterable[RequestEvent]) -> Iterable[Step]:
    """Of the events of a transition the customer's tells the step, the first one who did it."""
    actor, first_payload = "", {}
    for row in rows:
        if row.actor:
            actor, first_payload = row.actor.partition(":")[0], row.payload
        if row.audience == Audience.CUSTOMER:
            yield Step(row, actor, first_payload)


def _text(step: Step, reader: Reader) -> str:
    if step.event.kind == Kind.REQUEST_BROADCAST:
        return _asked(step, reader)
    if step.event.kind == Kind.REQUEST_ACCEPTED and step.event.payload.get("reason") == "assigned":
        return ASSIGNED
    if step.event.kind == Kind.REQUEST_CANCELLED:
        return CANCELLED.get(step.actor, "It was cancelled")
    return SENTENCES.get(Kind(step.event.kind), "")


def _asked(step: Step, reader: Reader) -> str:
    reason = str(step.event.payload.get("reason", ""))
    if reason == FallbackReason.RELEASED:
        return ASKED_AGAIN.get(step.actor, ASKED_AGAIN["admin"])
    if reason == FallbackReason.CUSTOMER_OPENED and step.actor == "admin":
        return OPENED_BY_THE_OWNER
    return reader.at_once.get(reason) or ASKED_AFTER.get(reason, EVERYONE)


def _reader(
    session: Session, request_id: UUID, rows: Sequence[RequestEvent], viewer: UUID | None, is_for_owner: bool
) -> Reader:
    row = session.execute(
        select(Customer.first_name, Workshop.name)
        .select_from(SessionRequest)
        .join(Customer, Customer.id == SessionRequest.customer_id)
        .outerjoin(Workshop, Workshop.id == SessionRequest.workshop_id)
        .where(SessionRequest.id == request_id)
    ).one()
    workshop = row[1] or "the workshop"
    if viewer is not None:
        return Reader(row[0], workshop, {viewer: YOU}, ANOTHER, OF_A_WORKSHOP)
    ids = {_uuid(row.payload.get(key)) for row in rows for key in ("mechanic_id", "preferred")}
    known = select(Mechanic.id, Mechanic.first_name).where(Mechanic.id.in_(ids - {None}))
    mechanics = {key: name for key, name in session.execute(known)}
    if is_for_owner:
        return Reader(row[0], workshop, mechanics, FORMER, ASKED_AT_ONCE_FOR_THE_OWNER)
    return Reader(YOU, workshop, mechanics, YOURS, ASKED_AT_ONCE)


def _uuid(value: object) -> UUID | None:
    """What was sent as an id may be anything."""
    try:
        return UUID(str(value))
    except ValueError:
        return None
