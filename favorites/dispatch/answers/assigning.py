"""The owner gives it to a mechanic: one who is asked, or would be, did not say no, and has no other job.

Inside a window this is no fallback: nobody else is asked, and so `fallback_broadcast_at` stays as it is. Taken from who
had accepted it is a release and an assignment in one (docs/decisions/0016).
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, func, select, update
from sqlalchemy.exc import IntegrityError

from favorites.db import Session, clock
from favorites.dispatch import errors
from favorites.dispatch.actors import Actor
from favorites.dispatch.answers.accepting import new_room
from favorites.dispatch.answers.common import AFTER, tell_those_who_saw
from favorites.dispatch.answers.ending import has_started
from favorites.dispatch.events import Recorder
from favorites.dispatch.locks import lock_requests, share_mechanic
from favorites.dispatch.owner_events import Why, tell_why
from favorites.dispatch.verb import Again, verb
from favorites.models import FallbackReason, Kind, SessionRequest, Status
from favorites.models.owner_event import OwnerKind
from favorites.models.session_request import (
    is_accepted,
    is_asked,
    is_free,
    is_open,
    said_no,
    window_is_open,
    window_not_announced_over,
)

AWAY = "assigned_away"  # told to who may no longer answer it
CLOSED: dict[str, type[errors.Refusal]] = {
    Status.COMPLETED: errors.AlreadyOver,
    Status.CANCELLED: errors.AlreadyCancelled,
    Status.EXPIRED: errors.AlreadyExpired,
}


@verb
def assign(session: Session, request_id: UUID, mechanic_id: UUID, actor: Actor, why: Why | None = None) -> None:
    """Give it to this mechanic, be it pending, or accepted by another and not started. A repeat is a success.

    Raises `NotFound`, `NotEligible`, `SaidNo`, `OnAJob`, `AlreadyStarted`, `AlreadyCancelled`, `AlreadyExpired` or
    `AlreadyOver`.
    """
    share_mechanic(session, mechanic_id)
    lock_requests(session, SessionRequest.id == request_id)
    row = _give(session, request_id, mechanic_id)
    if row is None:
        return _explain(session, request_id, mechanic_id)
    if row.taken_from:
        away = Recorder(session, row, actor, "release", mechanic_id=str(row.taken_from))
        away.mechanic(Kind.REQUEST_WITHDRAWN, row.taken_from, reason=AWAY)
    _tell(session, row, mechanic_id, actor, why)
    return tell_why(session, OwnerKind.REQUEST_ASSIGNED, actor, row.id, why, mechanic_id=str(mechanic_id))


def _give(session: Session, request_id: UUID, mechanic_id: UUID) -> Row[*tuple[Any, ...]] | None:
    now = clock().label("now")  # once: the acceptance is not before what it ends
    may = (is_open, ~and_(is_accepted, has_started), SessionRequest.mechanic_id.is_distinct_from(mechanic_id))
    can = (is_asked(mechanic_id), ~said_no(mechanic_id), is_free(mechanic_id))
    held = select(SessionRequest.id, SessionRequest.mechanic_id, window_is_open.label("is_in_window"), now)
    before = held.where(SessionRequest.id == request_id, *may, *can).subquery()
    given = update(SessionRequest).where(SessionRequest.id == before.c.id, is_open)
    given = given.values(
        status=Status.ACCEPTED.value,
        mechanic_id=mechanic_id,
        accepted_at=before.c.now,
        assigned_at=before.c.now,
        room=new_room,
        **_taken_back(before.c.now),
    )
    told = (before.c.mechanic_id.label("taken_from"), before.c.is_in_window)
    try:
        return session.execute(given.returning(*AFTER, *told)).one_or_none()
    except IntegrityError as error:  # the unique index: they accepted another one in this moment
        raise errors.OnAJob from error


def _taken_back(now: ColumnElement[Any]) -> dict[str, Any]:
    """The columns of a release, where somebody has it (rule 12)."""
    row, in_window = SessionRequest, and_(is_accepted, window_not_announced_over)
    more = func.array_append(row.released_from, row.mechanic_id)
    return {
        "fallback_broadcast_at": case((in_window, now), else_=row.fallback_broadcast_at),
        "fallback_reason": case((in_window, FallbackReason.RELEASED.value), else_=row.fallback_reason),
        "released_from": case((is_accepted, more), else_=row.released_from),
    }


def _tell(session: Session, row: Row[*tuple[Any, ...]], mechanic_id: UUID, actor: Actor, why: Why | None) -> None:
    tell = Recorder(session, row, actor, "assign", why=why and why.reason.value)
    tell.customer(Kind.REQUEST_ACCEPTED, mechanic_id=str(mechanic_id), reason="assigned")
    tell.mechanic(Kind.REQUEST_ASSIGNED, mechanic_id)
    if row.is_in_window and row.preferred_mechanic_id not in (None, mechanic_id):
        tell.mechanic(Kind.REQUEST_WITHDRAWN, row.preferred_mechanic_id, reason=AWAY)
    elif not row.is_in_window and not row.taken_from:
        tell_those_who_saw(tell, row, Kind.REQUEST_ACCEPTED)


def _explain(session: Session, request_id: UUID, mechanic_id: UUID) -> None:
    columns = (SessionRequest.status, SessionRequest.mechanic_id, has_started.label("has_started"))
    conditions = {"is_asked": is_asked, "said_no": said_no, "is_free": is_free}
    can = [condition(mechanic_id).label(name) for name, condition in conditions.items()]
    found = select(*columns, *can).where(SessionRequest.id == request_id)
    row = session.execute(found).one_or_none()
    if row is None:
        raise errors.NotFound
    if row.status == Status.ACCEPTED and row.mechanic_id == mechanic_id:
        return
    if refusal := CLOSED.get(row.status):
        raise refusal
    if row.has_started:
        raise errors.AlreadyStarted
    raise _hindrance(row)


def _hindrance(row: Row[*tuple[Any, ...]]) -> Exception:
    """Why this mechanic cannot have it."""
    if not row.is_asked:
        return errors.NotEligible()
    if row.said_no:
        return errors.SaidNo()
    return Again() if row.is_free else errors.OnAJob()
