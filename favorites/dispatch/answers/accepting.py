"""A mechanic's answer to being asked: accept, decline, or a little more time."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, update

from favorites.db import Session, clock
from favorites.dispatch import errors
from favorites.dispatch.actors import Actor
from favorites.dispatch.answers.common import AFTER, approved, tell_those_who_saw
from favorites.dispatch.events import Recorder
from favorites.dispatch.offering import broadcast, fallback_values
from favorites.dispatch.prepared import MECHANIC, REQUEST, Prepared
from favorites.dispatch.verb import Again, verb
from favorites.models import FallbackReason, Kind, SessionRequest, Status
from favorites.models.session_request import (
    EXTENSION,
    can_be_extended,
    is_free,
    is_preferred,
    open_to,
    said_no,
    was_asked,
    window_is_open,
)

CLOSED: dict[str, type[errors.Refusal]] = {
    Status.ACCEPTED: errors.AlreadyTaken,
    Status.COMPLETED: errors.AlreadyTaken,
    Status.CANCELLED: errors.AlreadyCancelled,
    Status.EXPIRED: errors.AlreadyExpired,
}


@verb
def accept(session: Session, request_id: UUID, mechanic_id: UUID) -> None:
    """Give the job to this mechanic, if it is still to be had and theirs to take; a repeat by the winner is a success.

    Raises `NotAllowed`, `NotFound`, `AlreadyTaken`, `AlreadyCancelled`, `AlreadyExpired`, `AlreadyDeclined` or
    `HasActiveSession`.
    """
    approved(session, mechanic_id)
    won = _taken.run(session, request=request_id, mechanic=mechanic_id).one_or_none()
    if won is None:
        return _explain_no_accept(session, request_id, mechanic_id)
    tell = Recorder(session, won, Actor.mechanic(mechanic_id), "accept")
    tell.customer(Kind.REQUEST_ACCEPTED, mechanic_id=str(mechanic_id))
    return tell_those_who_saw(tell, won, Kind.REQUEST_ACCEPTED)


# 128 random bits, by the database, so that a new acceptance cannot come without a new room.
_random = func.uuid_send(func.gen_random_uuid()).concat(func.uuid_send(func.gen_random_uuid()))  # 244 bits of it
new_room: ColumnElement[str] = func.encode(func.substr(func.sha256(_random), 1, 16), "hex")
_taken = Prepared(
    update(SessionRequest)
    .where(SessionRequest.id == REQUEST, open_to(MECHANIC), is_free(MECHANIC))
    .values(status=Status.ACCEPTED.value, mechanic_id=MECHANIC, accepted_at=clock(), room=new_room)
    .returning(*AFTER)
)


@verb
def decline(session: Session, request_id: UUID, mechanic_id: UUID, reason: str | None = None) -> None:
    """The preferred mechanic says no inside the window: everyone is asked at once. A repeat is a success.

    `reason` is a code, never the person's words. Raises `NotAllowed`, `NotFound`, `NotOffered` or why it is closed.
    """
    approved(session, mechanic_id)
    declined = update(SessionRequest).where(SessionRequest.id == request_id, window_is_open, is_preferred(mechanic_id))
    declined = declined.values(declined_at=clock(), **fallback_values(FallbackReason.DECLINED))
    row = session.execute(declined.returning(*AFTER)).one_or_none()
    if row is None:
        return _explain_no_decline(session, request_id, mechanic_id)
    tell = Recorder(session, row, Actor.mechanic(mechanic_id), "decline", why=reason)
    tell.customer(Kind.REQUEST_DECLINED, mechanic_id=str(mechanic_id), reason=FallbackReason.DECLINED.value)
    tell.mechanic(Kind.REQUEST_WITHDRAWN, mechanic_id, reason="declined")
    return broadcast(tell, row, FallbackReason.DECLINED.value, FallbackReason.DECLINED.value)


@verb
def extend(session: Session, request_id: UUID, mechanic_id: UUID) -> None:
    """The preferred mechanic takes 5 minutes more inside the window, once: its end moves. A repeat is a success.

    Raises `NotAllowed`, `NotFound`, `NotOffered`, `WindowIsFull` or why it is closed.
    """
    approved(session, mechanic_id)
    longer = update(SessionRequest).where(
        SessionRequest.id == request_id, window_is_open, is_preferred(mechanic_id), can_be_extended
    )
    minutes = SessionRequest.priority_window_minutes + EXTENSION
    longer = longer.values(priority_window_minutes=minutes, extended_at=clock())
    row = session.execute(longer.returning(*AFTER)).one_or_none()
    if row is None:
        return _explain_no_extension(session, request_id, mechanic_id)
    tell = Recorder(session, row, Actor.mechanic(mechanic_id), "extend")
    tell.customer(Kind.REQUEST_EXTENDED, mechanic_id=str(mechanic_id))
    return tell.mechanic(Kind.REQUEST_EXTENDED, mechanic_id)


def _explain_no_accept(session: Session, request_id: UUID, mechanic_id: UUID) -> None:
    row = _known(session, request_id, mechanic_id)
    if row.mechanic_id == mechanic_id and row.status in (Status.ACCEPTED, Status.COMPLETED):
        return
    if refusal := CLOSED.get(row.status):
        raise refusal
    if row.said_no:
        raise errors.AlreadyDeclined
    if not row.is_free:
        raise errors.HasActiveSession
    raise Again  # open to them, and they are free: it became so between the two statements


def _explain_no_decline(session: Session, request_id: UUID, mechanic_id: UUID) -> None:
    row = _known(session, request_id, mechanic_id)
    if row.preferred_mechanic_id != mechanic_id:
        raise errors.NotFound  # never theirs to decline
    if row.declined_at:
        return
    raise CLOSED.get(row.status, errors.NotOffered)


def _explain_no_extension(session: Session, request_id: UUID, mechanic_id: UUID) -> None:
    row = _known(session, request_id, mechanic_id)
    if row.preferred_mechanic_id != mechanic_id:
        raise errors.NotFound  # never theirs to extend
    if not row.is_in_window:
        raise errors.AlreadyDeclined if row.declined_at else CLOSED.get(row.status, errors.NotOffered)
    if not row.extended_at:
        raise errors.WindowIsFull


def _known(session: Session, request_id: UUID, mechanic_id: UUID) -> Row[*tuple[Any, ...]]:
    """Read once, to choose the refusal; what was never theirs to see answers like a missing one."""
    columns = (
        SessionRequest.status,
        SessionRequest.mechanic_id,
        SessionRequest.preferred_mechanic_id,
        SessionRequest.declined_at,
        SessionRequest.extended_at,
        window_is_open.label("is_in_window"),
    )
    found = select(*columns, said_no(mechanic_id).label("said_no"), is_free(mechanic_id).label("is_free"))
    row = session.execute(found.where(SessionRequest.id == request_id, was_asked(mechanic_id))).one_or_none()
    if row is None:
        raise errors.NotFound
    return row
