"""Asking everyone after all: the customer opens the window, or an accepted one is taken back before the start."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, func, literal, select, update

from favorites.db import Session, clock
from favorites.dispatch import errors
from favorites.dispatch.actors import SYSTEM, Actor
from favorites.dispatch.answers.common import AFTER
from favorites.dispatch.answers.ending import has_started
from favorites.dispatch.events import Recorder
from favorites.dispatch.locks import lock_requests
from favorites.dispatch.offering import broadcast, fallback_values, lifetime_from_now
from favorites.dispatch.owner_events import Why, tell_why
from favorites.dispatch.verb import verb
from favorites.models import FallbackReason, Kind, RoutingType, SessionRequest, Status
from favorites.models.owner_event import OwnerKind
from favorites.models.session_request import (
    grace,
    head_start_not_announced_over,
    is_accepted,
    is_pending,
    window_is_open,
    window_not_announced_over,
    workshop_is_not_alone,
)

OPENED = FallbackReason.CUSTOMER_OPENED


@verb
def open_to_everyone(session: Session, request_id: UUID, actor: Actor, why: Why | None = None) -> None:
    """*Ask everyone now* in a window or a workshop's time; *Ask everyone again* after the grace since the acceptance.

    By the customer or the owner. Where everyone is being asked already it is a success.
    Raises `NotFound`, `TooEarly`, `AlreadyStarted`, `AlreadyCancelled`, `AlreadyExpired` or `AlreadyOver`.
    """
    its = _theirs(request_id, actor)
    lock_requests(session, *its)
    if not (
        leave_windows(session, its, OPENED, actor)
        or leave_workshops(session, its, OPENED.value, actor)
        or _take_back_late(session, its, actor)
    ):
        return _explain_no_opening(session, its)
    return tell_why(session, OwnerKind.REQUEST_OPENED, actor, request_id, why)


@verb
def release(session: Session, request_id: UUID, actor: Actor, why: Why | None = None) -> None:
    """Give it back before the start, by the mechanic who accepted or the owner: everyone else is asked.

    A repeat is a success. Raises `NotFound`, `AlreadyStarted` or `AlreadyOver`.
    """
    its = _theirs(request_id, actor)
    lock_requests(session, *its)
    if take_back(session, its, actor):
        tell_why(session, OwnerKind.REQUEST_RELEASED, actor, request_id, why)
    elif not _was_taken_back(session, request_id, actor):
        _explain_no_release(_now(session, its))


def take_back(session: Session, its: list[ColumnElement[bool]], actor: Actor) -> bool:
    """Make the accepted, not started ones of `its` pending again and ask everyone but those it was taken back from.

    Their rows are locked by now. Whether there was one.
    """
    held = select(SessionRequest.id, SessionRequest.mechanic_id).where(*its, is_accepted, ~has_started).subquery()
    back = update(SessionRequest).where(SessionRequest.id == held.c.id)
    back = back.values(
        status=Status.PENDING.value,
        mechanic_id=None,
        accepted_at=None,
        assigned_at=None,
        reopened_at=clock(),
        room=None,
        fallback_broadcast_at=case((window_not_announced_over, clock()), else_=SessionRequest.fallback_broadcast_at),
        fallback_reason=case(
            (window_not_announced_over, FallbackReason.RELEASED.value), else_=SessionRequest.fallback_reason
        ),
        workshop_over_at=head_start_ends,
        expires_at=lifetime_from_now(),
        released_from=func.array_append(SessionRequest.released_from, SessionRequest.mechanic_id),
    )
    rows = session.execute(back.returning(*AFTER, held.c.mechanic_id.label("taken_from"))).all()
    for row in rows:
        tell = Recorder(session, row, actor, "release", mechanic_id=str(row.taken_from))
        tell.mechanic(Kind.REQUEST_WITHDRAWN, row.taken_from, reason=FallbackReason.RELEASED.value)
        broadcast(tell, row, FallbackReason.RELEASED.value, FallbackReason.RELEASED.value)
    return bool(rows)


def leave_windows(
    session: Session, its: list[ColumnElement[bool]], reason: FallbackReason, actor: Actor = SYSTEM
) -> bool:
    """Close the open windows of `its` and ask everyone; their rows are locked by now. Whether there was one."""
    left = update(SessionRequest).where(*its, window_is_open).values(fallback_values(reason))
    rows = session.execute(left.returning(*AFTER)).all()
    for row in rows:
        broadcast(Recorder(session, row, actor, "fallback"), row, reason.value, reason.value)
    return bool(rows)


def leave_workshops(session: Session, its: list[ColumnElement[bool]], reason: str, actor: Actor) -> bool:
    """Ask everyone about those of `its` of which a workshop alone is asked; their rows are locked by now.

    Rule 1: no fallback columns, since there was no window; the time that they have left does not become less.
    Whether there was one.
    """
    opened = update(SessionRequest).where(*its, is_pending, ~workshop_is_not_alone)
    opened = opened.values(
        routing_type=RoutingType.BROADCAST.value,
        workshop_over_at=head_start_ends,
        reopened_at=clock(),
        expires_at=func.greatest(SessionRequest.expires_at, lifetime_from_now()),
    )
    rows = session.execute(opened.returning(*AFTER)).all()
    for row in rows:
        broadcast(Recorder(session, row, actor, "open"), row, reason, reason)
    return bool(rows)


# Where a workshop has a head start that nobody has announced over, it is over now.
head_start_ends: ColumnElement[datetime] = case(
    (head_start_not_announced_over, clock()), else_=SessionRequest.workshop_over_at
)


def _theirs(request_id: UUID, actor: Actor) -> list[ColumnElement[bool]]:
    owner = {"customer": SessionRequest.customer_id == actor.id, "mechanic": SessionRequest.mechanic_id == actor.id}
    return [SessionRequest.id == request_id, *([owner[actor.kind]] if actor.kind in owner else [])]


def _take_back_late(session: Session, its: list[ColumnElement[bool]], actor: Actor) -> bool:
    late = [] if actor.kind == "admin" else [SessionRequest.accepted_at <= clock() - grace()]
    return take_back(session, [*its, *late], actor)


def _now(session: Session, its: list[ColumnElement[bool]]) -> Row[*tuple[Any, ...]]:
    row = session.execute(
        select(SessionRequest.status, has_started.label("has_started")).where(and_(*its))
    ).one_or_none()
    if row is None:
        raise errors.NotFound
    return row


def _was_taken_back(session: Session, request_id: UUID, actor: Actor) -> bool:
    """From this mechanic, whose it is no more: they ask again because the answer was lost on its way."""
    from_them = literal(actor.id) == func.any(SessionRequest.released_from)
    found = select(SessionRequest.id).where(SessionRequest.id == request_id, from_them)
    return actor.kind == "mechanic" and session.execute(found).first() is not None


def _explain_no_opening(session: Session, its: list[ColumnElement[bool]]) -> None:
    row = _now(session, its)
    if row.status == Status.PENDING:
        return  # everyone is being asked already
    if row.status == Status.ACCEPTED:
        raise errors.AlreadyStarted if row.has_started else errors.TooEarly
    raise {Status.CANCELLED.value: errors.AlreadyCancelled, Status.EXPIRED.value: errors.AlreadyExpired}.get(
        row.status, errors.AlreadyOver
    )


def _explain_no_release(row: Row[*tuple[Any, ...]]) -> None:
    if row.status == Status.PENDING:
        return
    raise errors.AlreadyStarted if row.status == Status.ACCEPTED else errors.AlreadyOver
