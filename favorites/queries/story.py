"""All that is known of one session request, for a dispute: who did what, when, by which rule, and who heard of it.

What the two wrote to each other is theirs: here stands that they did, and how often.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from operator import itemgetter
from uuid import UUID

from sqlalchemy import Select, func, select

from favorites.db import Session
from favorites.models import Audience, Kind, Mechanic, RequestEvent, User
from favorites.models.owner_event import OwnerEvent
from favorites.queries import owner_board
from favorites.queries.money.cost import Cost, cost
from favorites.queries.money.steps import ACTS as OF_MONEY
from favorites.queries.money.steps import SYSTEM, Told, money_steps, owner_name
from favorites.queries.owner_board import Row, full_name
from favorites.queries.row_steps import row_steps
from favorites.queries.rules import rule_of
from favorites.queries.sentences import ALARMS, REASONS
from favorites.queries.timeline import timeline

TOGETHER = timedelta(seconds=5)  # an act and its events are of one transaction


@dataclass(frozen=True)
class Story:
    """A session request and its steps, oldest first. `is_kept`: its events are still there.

    `reason`: why it was routed as it was, as the first event has it. `mechanics`: names by id. `cost`: what was paid.
    """

    row: Row
    told: Sequence[Told]
    is_kept: bool
    reason: str | None
    mechanics: dict[UUID, str]
    cost: Cost


def story(session: Session, request_id: UUID) -> Story | None:
    """The whole of it; from the row alone where retention has removed the events. None: there is no such one."""
    found = owner_board.row(session, request_id)
    if found is None:
        return None
    its = select(RequestEvent).where(RequestEvent.session_request_id == request_id)
    events = session.scalars(its.order_by(RequestEvent.id)).all()
    acts = session.scalars(select(OwnerEvent).where(OwnerEvent.subject_id == request_id).order_by(OwnerEvent.id)).all()
    mechanics = _mechanics(session, found, events)
    paid = cost(session, found.request.session_id)
    owners = _owners(session, {*_actors(events, "admin"), *_actors(acts, "admin")})
    moves = money_steps(found, paid, acts, owners)
    if not events:
        steps = [Told(at, what) for at, what in row_steps(found)]
        return Story(found, _merged(steps, moves), False, None, mechanics, paid)
    rescues = [act for act in acts if act.kind not in OF_MONEY]
    writer = _Writer(found, mechanics, owners, _texts(session, request_id), rescues)
    steps = [writer.tell(group) for group in _groups(events)]
    return Story(found, _merged(steps, moves), True, _routing_reason(events), mechanics, paid)


def _merged(steps: Sequence[Told], moves: Iterable[tuple[datetime, Told]]) -> list[Told]:
    """By the clock, each in its own order."""
    return [step for _, step in merge(((step.at, step) for step in steps), moves, key=itemgetter(0))]


def _groups(events: Sequence[RequestEvent]) -> Iterator[list[RequestEvent]]:
    """The events of one transition, which its first one begins; messages in a row by one of the two are one."""
    group: list[RequestEvent] = []
    for event in events:
        is_more = bool(group) and event.kind == Kind.MESSAGE_SENT == group[-1].kind and event.actor == group[0].actor
        if group and event.actor and not is_more:
            yield group
            group = []
        group.append(event)
    yield group


@dataclass
class _Writer:
    row: Row
    mechanics: dict[UUID, str]
    owners: dict[str, str]
    texts: dict[datetime, str]  # what the timeline says of an event
    acts: list[OwnerEvent]

    def tell(self, group: list[RequestEvent]) -> Told:
        first = group[0]
        act = self._act(first)
        return Told(
            first.at,
            self._what(group),
            self._who(first.actor),
            rule_of(first.payload),
            list(dict.fromkeys(name for event in group if (name := self._heard(event)))),
            REASONS.get(act.payload.get("reason", "")) if act else None,
            (act.note or None) if act else None,
        )

    def _what(self, group: list[RequestEvent]) -> str:
        first = group[0]
        if first.kind == Kind.MESSAGE_SENT:
            return _written(len({event.payload.get("message_id") for event in group} - {None}))
        told = [self.texts[event.at] for event in group if event.at in self.texts]
        if told:
            return ". ".join(told)
        if first.kind == Kind.REQUEST_UNATTENDED:
            return f"The owner was told: {ALARMS.get(first.payload.get('reason', ''), 'it waits')}"
        if first.kind == Kind.REQUEST_WITHDRAWN:
            return f"It was taken from {self._mechanic(first.mechanic_id)}"
        return first.kind.replace("_", " ").capitalize()

    def _who(self, actor: str | None) -> str | None:
        kind, _, id_ = (actor or "").partition(":")
        if kind == "customer":
            return f"{self.row.customer.name}, customer"
        if kind == "mechanic":
            return f"{self._mechanic(UUID(id_))}, mechanic"
        return owner_name(self.owners, str(actor)) if kind == "admin" else SYSTEM

    def _heard(self, event: RequestEvent) -> str | None:
        if event.audience == Audience.MECHANIC:
            return self._mechanic(event.mechanic_id)
        named = {
            Audience.CUSTOMER: self.row.customer.name,
            Audience.MECHANICS: "every eligible mechanic",
            Audience.WORKSHOP: "the mechanics of the workshop",
        }
        return named.get(Audience(event.audience))

    def _mechanic(self, mechanic_id: UUID | None) -> str:
        return self.mechanics.get(mechanic_id, "a former mechanic") if mechanic_id else "a former mechanic"

    def _act(self, event: RequestEvent) -> OwnerEvent | None:
        near = (act for act in self.acts if abs(act.at - event.at) < TOGETHER)
        return next(near, None) if (event.actor or "").startswith("admin:") else None


def _written(messages: int) -> str:
    if not messages:
        return "Wrote the summary"
    return "Wrote a message" if messages == 1 else f"Wrote {messages} messages"


def _texts(session: Session, request_id: UUID) -> dict[datetime, str]:
    return {entry.at: entry.text for entry in timeline(session, request_id, is_for_owner=True)}


def _routing_reason(events: Sequence[RequestEvent]) -> str | None:
    first = events[0].payload
    return str(first["reason"]) if first.get("rule") == "routing" and first.get("reason") else None


def _actors(events: Sequence[RequestEvent | OwnerEvent], kind: str) -> set[UUID]:
    actors = (str(event.actor).partition(":") for event in events)
    return {UUID(id_) for name, _, id_ in actors if name == kind}


def _mechanics(session: Session, row: Row, events: Sequence[RequestEvent]) -> dict[UUID, str]:
    heard = {event.mechanic_id for event in events if event.mechanic_id}
    ids = _actors(events, "mechanic") | heard | {*row.request.released_from}
    ids |= {id_ for id_ in (row.request.mechanic_id, row.request.preferred_mechanic_id) if id_}
    return _named(session, select(Mechanic.id, full_name(Mechanic)).where(Mechanic.id.in_(ids)))


def _owners(session: Session, ids: set[UUID]) -> dict[str, str]:
    name = func.coalesce(func.nullif(func.trim(full_name(Mechanic)), ""), User.email)
    named = select(User.id, name).outerjoin(Mechanic, Mechanic.user_id == User.id).where(User.id.in_(ids))
    return {str(id_): text for id_, text in _named(session, named).items()}


def _named(session: Session, statement: Select[UUID, str]) -> dict[UUID, str]:
    return {row[0]: row[1].strip() for row in session.execute(statement)}
