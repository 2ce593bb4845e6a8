"""What is due: windows that have lapsed, head starts that are over, what nobody took in time; and what comes next."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, text, true

from favorites.db import Session
from favorites.dispatch import poison
from favorites.models import SessionRequest
from favorites.models.attention import is_unattended, rescue_at
from favorites.models.session_request import (
    had_window,
    head_start_not_announced_over,
    is_pending,
    lifetime,
    window_not_announced_over,
)
from favorites.plans import KEEPS

BATCH = 200
# One minute is the least window: no younger row can be due, and so the index narrows the search.
LEAST_WINDOW = text("interval '1 minute'")
EARLIEST, LATEST = func.to_timestamp(0), func.to_timestamp(32_503_680_000)  # 1970, 3000
# By no index: one in this order, the key's, would at times be read from its first row on, all the history (measured).
_OLDEST = SessionRequest.created_at


class Left(NamedTuple):
    """What a sweep leaves: when to come next (the database's clock; None: nothing is open), and what was set aside."""

    next_due: datetime | None
    lapsing: list[UUID]
    opening: list[UUID]
    expiring: list[UUID]


def windows(only: UUID | None = None, *, is_aside: bool = False) -> Select[UUID]:
    """The poll's own statement: windows whose end has passed and that nobody has announced yet, oldest first, locked.

    `now()`, in a transaction just begun: a volatile `clock_timestamp()` cannot be an index condition. No condition on
    the preferred mechanic: a deleted one's window lapses, too. `only`: that row alone, which may be set aside.
    """
    return (
        select(SessionRequest.id)
        .where(
            is_pending,
            window_not_announced_over,
            SessionRequest.priority_notified_at <= func.now() - LEAST_WINDOW,
            SessionRequest.priority_expires_at <= func.now(),
            *_narrowed(only, is_aside),
        )
        .order_by(SessionRequest.priority_notified_at)
        .limit(BATCH)
        .with_for_update(key_share=True, skip_locked=True)
    )


def _narrowed(only: UUID | None, is_aside: bool) -> list[ColumnElement[bool]]:
    wanted = [] if is_aside else [poison.is_well()]
    return wanted if only is None else [*wanted, SessionRequest.id == only]


def head_starts(only: UUID | None = None, *, is_aside: bool = False) -> Select[UUID]:
    """One batch of workshops' head starts whose end has passed and that nobody has announced yet, locked; as `windows`.

    Where the workshop is gone there is nobody who was told before; it is announced all the same.
    """
    over = (is_pending, head_start_not_announced_over, SessionRequest.workshop_until <= func.now())
    found = select(SessionRequest.id).where(*over, *_narrowed(only, is_aside)).order_by(SessionRequest.workshop_until)
    return found.limit(BATCH).with_for_update(key_share=True, skip_locked=True)


def expiries(only: UUID | None = None, *, is_aside: bool = False) -> Select[UUID]:
    """One batch of session requests that nobody took in time, locked; as `windows`."""
    stale = select(SessionRequest.id).where(is_pending, _is_stale()).where(*_narrowed(only, is_aside))
    return stale.order_by(_OLDEST).limit(BATCH).with_for_update(key_share=True, skip_locked=True)


def unattended() -> Select[UUID]:
    """One batch of those the owner has to know of and was not told of, locked; those set aside, too."""
    untold = select(SessionRequest.id).where(is_pending, SessionRequest.unattended_at.is_(None), is_unattended())
    return untold.order_by(_OLDEST).limit(BATCH).with_for_update(key_share=True, skip_locked=True)


def _deadline() -> ColumnElement[datetime]:
    """Rule 10: when a pending row expires; NULL inside a window that nobody has announced over yet."""
    asked_at = case(
        (window_not_announced_over, None),
        else_=func.coalesce(SessionRequest.fallback_broadcast_at, SessionRequest.created_at),
    )
    return func.coalesce(SessionRequest.expires_at, asked_at + lifetime())


def _is_stale() -> ColumnElement[bool]:
    # In two halves, so that the first can use its index; rows without a time of their own are few.
    return or_(
        SessionRequest.expires_at <= func.now(), SessionRequest.expires_at.is_(None) & (_deadline() <= func.now())
    )


def left(session: Session) -> Left:
    """What is open: when something falls due next; and what is due, but was set aside."""
    lapsing, expiring = select(*_next(SessionRequest.priority_expires_at)), select(*_next(_deadline()))
    opening = select(*_next(SessionRequest.workshop_until))
    window = lapsing.where(is_pending, window_not_announced_over, had_window).subquery()
    ahead = opening.where(is_pending, head_start_not_announced_over).subquery()
    expiry = expiring.where(is_pending).subquery()
    # Only what comes: one that could not be told of is tried with the next poll, and brings none forward.
    told = func.least(func.greatest(rescue_at(), EARLIEST), LATEST)
    rescue = select(func.min(told).filter(rescue_at() > func.now()).label("at"))
    alarm = rescue.where(is_pending, SessionRequest.unattended_at.is_(None)).subquery()
    at = func.least(window.c.at, ahead.c.at, expiry.c.at, alarm.c.at)
    all_ = select(at, window.c.aside, ahead.c.aside, expiry.c.aside).join_from(window, ahead, true())
    next_due, *aside = session.execute(all_.join(expiry, true()).join(alarm, true()), execution_options=KEEPS).one()
    session.rollback()
    return Left(next_due, *(ids or [] for ids in aside))


def _next(at: Any) -> tuple[Any, Any]:
    # What is set aside and due is tried once a poll; it must not bring the next poll forward.
    comes = and_(at.is_not(None), or_(poison.is_well(), at > func.now()))
    # Where somebody wrote a time by hand that Python does not know, another one stands for it.
    told = func.least(func.greatest(at, EARLIEST), LATEST)
    aside = and_(~poison.is_well(), at <= func.now())
    return func.min(told).filter(comes).label("at"), func.array_agg(SessionRequest.id).filter(aside).label("aside")
