"""Events as readers hear them: filled in from the rows as they are now, by the field list of the reader's role."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, Select, and_, bindparam, exists, func, or_, select

from favorites.db import Session, clock
from favorites.models import Audience, Kind, Mechanic, RequestEvent, SessionRequest, Status
from favorites.models.consultation import in_one_line
from favorites.models.session_request import open_to, said_no
from favorites.plans import KEEPS
from favorites.queries.event_rows import EVENTS
from favorites.queries.sentences import offer_message

ASKING = {Kind.PRIORITY_SESSION_REQUEST, Kind.NEW_REQUEST}
UNSEEN = Kind.MESSAGE_SENT  # changes nothing that owners look at
OWNERS = "owners"  # the topic of those who hear of every session request, and learn nothing of it but that
YOUNG = clock() - timedelta(days=1)  # EVENT_RETENTION_DAYS is 1 at the least
CLOSING = {Kind.REQUEST_ACCEPTED, Kind.REQUEST_CANCELLED, Kind.REQUEST_EXPIRED, Kind.REQUEST_WITHDRAWN}


class Signal(NamedTuple):
    """One event for a stream. No topics: nobody is to hear it (any more), but its id counts."""

    id: int
    event: str
    data: dict[str, Any]
    topics: frozenset[str]
    excluded: frozenset[UUID]  # mechanics who must not hear it
    request_id: UUID
    at: datetime
    wake_at: datetime | None  # a deadline the scheduler must know
    closes: bool  # what was asked before about this session request is void for its readers
    is_step: bool  # the first event of a transition: one is enough for who only has to look


NEWEST = select(func.coalesce(func.max(RequestEvent.id), 0))


def newest_id(session: Session) -> int:
    """The id of the newest event; 0 when there is none."""
    return session.execute(NEWEST).scalar_one()


def oldest_id(session: Session) -> int | None:
    """The id of the oldest event kept."""
    return session.execute(select(func.min(RequestEvent.id))).scalar_one()


def is_whole_after(session: Session, after: int) -> bool:
    """Whether no event that came after this one can have been removed: the youngest that goes is a day old."""
    beside = select(RequestEvent.at > YOUNG).where(RequestEvent.id <= after + 1).order_by(RequestEvent.id.desc())
    return bool(session.execute(beside.limit(1)).scalar_one_or_none())


def whole_above(session: Session, after: int) -> int:
    """The least id from `after` on of which the same holds."""
    old = select(func.coalesce(func.max(RequestEvent.id), after))
    return session.execute(old.where(RequestEvent.id > after, RequestEvent.at <= YOUNG)).scalar_one()


def events_after(session: Session, after: int, limit: int) -> list[Signal]:
    """The next events in commit order, at most `limit`."""
    return [_signal(row) for row in session.execute(_next(limit), {"after": after}).all()]


@cache
def _next(limit: int) -> Select[*tuple[Any, ...]]:
    """The limit is part of the plan: one that knew it not might read the whole table, to be given a few."""
    return EVENTS.where(RequestEvent.id > bindparam("after")).limit(limit).execution_options(**KEEPS)


def mechanic_backlog(session: Session, mechanic_id: UUID, after: int, limit: int) -> list[Signal]:
    """What this mechanic missed since `after`, at most `limit`, without what they may no longer see."""
    workshop_id = select(Mechanic.workshop_id).where(Mechanic.id == mechanic_id).scalar_subquery()
    not_before = RequestEvent.workshop_id.is_distinct_from(workshop_id)  # told when their workshop alone was asked
    theirs = or_(
        and_(RequestEvent.audience == Audience.MECHANIC, RequestEvent.mechanic_id == mechanic_id),
        and_(RequestEvent.audience == Audience.MECHANICS, or_(RequestEvent.workshop_id.is_(None), not_before)),
        and_(RequestEvent.audience == Audience.WORKSHOP, RequestEvent.workshop_id == workshop_id),
    )
    visible = or_(RequestEvent.kind.not_in(ASKING), open_to(mechanic_id))
    to_all = RequestEvent.audience != Audience.MECHANIC
    missed = EVENTS.where(RequestEvent.id > after, theirs, visible, ~and_(to_all, said_no(mechanic_id)))
    return _read(session, missed, limit)


def customer_backlog(session: Session, request_id: UUID, after: int, limit: int) -> list[Signal]:
    """What the customer of this session request missed since `after`, at most `limit`."""
    theirs = (RequestEvent.session_request_id == request_id, RequestEvent.audience == Audience.CUSTOMER)
    return _read(session, EVENTS.where(RequestEvent.id > after, *theirs), limit)


def owner_backlog(session: Session, after: int, limit: int) -> list[Signal]:
    """What owners missed since `after`, at most `limit`."""
    missed = EVENTS.where(RequestEvent.id > after, RequestEvent.actor.is_not(None), RequestEvent.kind != UNSEEN)
    return [for_owners(signal) for signal in _read(session, missed, limit)]


def for_owners(signal: Signal) -> Signal:
    """The same as owners hear it: that something happened, and to which session request."""
    data = {"request_id": str(signal.request_id), "at": signal.at.isoformat()}
    return signal._replace(data=data, topics=frozenset([OWNERS]), excluded=frozenset(), closes=False)


def request_is_of(session: Session, request_id: UUID, customer_id: UUID) -> bool:
    """Whether the session request is this customer's."""
    theirs = exists().where(SessionRequest.id == request_id, SessionRequest.customer_id == customer_id)
    return session.execute(select(theirs)).scalar_one()


def _read(session: Session, events: Select[*tuple[Any, ...]], limit: int) -> list[Signal]:
    return [_signal(row) for row in session.execute(events.limit(limit)).all()]


def _signal(row: Row[*tuple[Any, ...]]) -> Signal:
    event, wish = row.RequestEvent, row.SessionRequest
    asks = event.kind in ASKING
    is_gone = wish.id is None
    unheard = is_gone or (asks and not _may_still_be_asked(row))
    return Signal(
        id=event.id,
        event=event.kind,
        data={} if unheard or event.audience == Audience.RECORD else _data(row),
        topics=frozenset() if unheard else _topics(event),
        excluded=frozenset(_excluded(row)) if not is_gone and event.audience != Audience.MECHANIC else frozenset(),
        request_id=event.session_request_id,
        at=event.at,
        wake_at=_wake_at(row) if (asks or event.kind == Kind.REQUEST_EXTENDED) and not unheard else None,
        closes=event.kind in CLOSING and event.audience != Audience.CUSTOMER,
        is_step=event.actor is not None and event.kind != UNSEEN,
    )


def _may_still_be_asked(row: Row[*tuple[Any, ...]]) -> bool:
    """A frame is built from the rows as they are: what is taken by now is not news."""
    if row.SessionRequest.status != Status.PENDING:
        return False
    is_offer = row.RequestEvent.kind == Kind.PRIORITY_SESSION_REQUEST
    return (is_offer and not row.has_declined) or bool(row.everyone_was_asked)


def _topics(event: RequestEvent) -> frozenset[str]:
    topic = {
        Audience.CUSTOMER: f"request:{event.session_request_id}",
        Audience.MECHANIC: f"mechanic:{event.mechanic_id}",
        Audience.MECHANICS: "mechanics",
        Audience.WORKSHOP: f"workshop:{event.workshop_id}",
    }.get(Audience(event.audience))
    return frozenset([topic]) if topic else frozenset()


def _excluded(row: Row[*tuple[Any, ...]]) -> Sequence[UUID]:
    wish = row.SessionRequest
    declined = [wish.preferred_mechanic_id] if row.has_declined and wish.preferred_mechanic_id else []
    return [*wish.released_from, *declined, *(row.know_already or [])]


def _wake_at(row: Row[*tuple[Any, ...]]) -> datetime | None:
    wish = row.SessionRequest
    ahead = None if wish.workshop_over_at else wish.workshop_until
    deadline: datetime | None = ahead or wish.expires_at or wish.priority_expires_at
    return deadline


def _data(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    event, wish = row.RequestEvent, row.SessionRequest
    if event.kind == Kind.PRIORITY_SESSION_REQUEST:
        minutes = wish.priority_window_minutes
        return {
            "request": _for_mechanics(row),
            "target_mechanic_id": str(event.mechanic_id),
            "priority_window_minutes": minutes,
            "expires_at": wish.priority_expires_at.isoformat(),
            "message": offer_message(row.first_name, minutes),
        }
    if event.kind == Kind.NEW_REQUEST:
        payload = {"routing_type": wish.routing_type, "fallback_reason": event.payload.get("fallback_reason")}
        return {"request": _for_mechanics(row), **payload}
    told = {"request_id": str(wish.id), "reason": event.payload.get("reason"), "at": event.at.isoformat()}
    return told if event.audience == Audience.CUSTOMER or told["reason"] else {"request_id": told["request_id"]}


def _for_mechanics(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    """All that a mechanic may know before acceptance: the first name, and of the car nothing that identifies it."""
    wish, plan, intake = row.SessionRequest, row.Plan, row.Intake
    return {
        "id": str(wish.id),
        "customer_first_name": row.first_name,
        "session_type": wish.session_type,
        "plan_code": wish.plan_code,
        "plan_name": plan.name,
        "price_cents": plan.price_cents,
        "currency": plan.currency,
        "minutes": plan.minutes,
        "vehicle": in_one_line(intake.year, intake.make, intake.model),
        "concern": intake.concern or "",
        "urgent": bool(intake.urgent),
        "created_at": wish.created_at.isoformat(),
        "expires_at": wish.expires_at.isoformat() if wish.expires_at else None,
    }
