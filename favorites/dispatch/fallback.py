"""The sweep: announce windows that have lapsed, expire what nobody took, and say when something falls due next.

The clock ends a window, not this; a sweep that never runs costs announcements, nothing else. Any number of sweepers
may run: SKIP LOCKED shares the rows, and a row held by a slow accept delays nobody.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, case, delete, func, or_, select, text, update

from favorites.db import Session, clock
from favorites.dispatch import money
from favorites.dispatch.actors import SYSTEM
from favorites.dispatch.answers.common import AFTER, fallback_values, tell_those_who_saw
from favorites.dispatch.events import Recorder
from favorites.dispatch.offering import TOLD, broadcast
from favorites.dispatch.verb import say, verb
from favorites.models import EngineBeat, FallbackReason, Kind, SessionRequest, Status
from favorites.models.session_request import had_window, is_pending, window_not_announced_over
from favorites.settings import current

BATCH = 200
KEEP_BEATS = timedelta(days=7)
# One minute is the least window: no younger row can be due, and so the index narrows the search.
LEAST_WINDOW = text("interval '1 minute'")


class Swept(NamedTuple):
    """What one sweep did; lateness in milliseconds after the window's end, the worst of this sweep."""

    lapsed: int
    expired: int
    lateness_ms: float | None
    next_due: datetime | None


def sweep(session: Session) -> Swept:
    """Do all that is due now, in batches of 200, each its own transaction."""
    late = _until_none_is_left(lambda: broadcast_lapsed_windows(session))
    expired = _until_none_is_left(lambda: expire_stale_requests(session))
    return Swept(len(late), len(expired), max(late, default=None), next_due(session))


def _until_none_is_left(batch: Callable[[], list[Any]]) -> list[Any]:
    done: list[Any] = []
    while some := batch():
        done += some
        if len(some) < BATCH:
            break
    return done


def due_windows() -> Any:
    """The poll's own statement: windows whose end has passed and that nobody has announced yet, oldest first, locked.

    `now()`, in a transaction just begun: a volatile `clock_timestamp()` cannot be an index condition. No condition on
    the preferred mechanic: a deleted one's window lapses, too.
    """
    return (
        select(SessionRequest.id)
        .where(
            is_pending,
            window_not_announced_over,
            SessionRequest.priority_notified_at <= func.now() - LEAST_WINDOW,
            SessionRequest.priority_expires_at <= func.now(),
        )
        .order_by(SessionRequest.priority_notified_at)
        .limit(BATCH)
        .with_for_update(key_share=True, skip_locked=True)
    )


@verb
def broadcast_lapsed_windows(session: Session) -> list[float]:
    """Ask everyone about one batch of lapsed windows; how late each was, in milliseconds."""
    due = due_windows().cte("due")
    lapsed = (
        update(SessionRequest).where(SessionRequest.id == due.c.id).values(fallback_values(FallbackReason.NO_RESPONSE))
    )
    late = func.extract("epoch", SessionRequest.fallback_broadcast_at - SessionRequest.priority_expires_at) * 1000
    rows = session.execute(lapsed.returning(*AFTER, late.label("late_ms"))).all()
    for row in rows:
        _announce(session, row)
    return [float(row.late_ms) for row in rows]


def _announce(session: Session, row: Row[*tuple[Any, ...]]) -> None:
    say(session, f"[Fallback] Priority window expired for session request {row.id}, checking status...")
    say(session, f"[Fallback] Broadcasting session request {row.id} to all mechanics...")
    say(session, "[RealtimeChannels] 📡 Preparing to broadcast new_request...")
    reason = FallbackReason.NO_RESPONSE
    broadcast(Recorder(session, row, SYSTEM, "lapse"), row, reason.value, TOLD[reason])
    say(
        session,
        f"[Fallback] ✅ Fallback broadcast completed for session request {row.id}",
        late_ms=round(float(row.late_ms), 1),
    )


def _deadline() -> ColumnElement[datetime]:
    """Rule 10: when a pending row expires; NULL inside a window that nobody has announced over yet."""
    lifetime = timedelta(minutes=current().request_lifetime_minutes)
    asked_at = case(
        (window_not_announced_over, None),
        else_=func.coalesce(SessionRequest.fallback_broadcast_at, SessionRequest.created_at),
    )
    return func.coalesce(SessionRequest.expires_at, asked_at + lifetime)


def _is_stale() -> ColumnElement[bool]:
    # In two halves, so that the first can use its index; rows without a time of their own are few.
    return or_(
        SessionRequest.expires_at <= func.now(), SessionRequest.expires_at.is_(None) & (_deadline() <= func.now())
    )


@verb
def expire_stale_requests(session: Session) -> list[UUID]:
    """End one batch of session requests that nobody took in time, and give back what they cost; their ids."""
    stale = select(SessionRequest.id).where(is_pending, _is_stale()).order_by(SessionRequest.id).limit(BATCH)
    due = stale.with_for_update(key_share=True, skip_locked=True).cte("due")
    expired = (
        update(SessionRequest)
        .where(SessionRequest.id == due.c.id)
        .values(status=Status.EXPIRED.value, closed_at=clock())
    )
    rows = session.execute(expired.returning(*AFTER)).all()
    if not rows:
        return []
    money.give_back(session, [row.session_id for row in rows if row.session_id])
    for row in rows:
        tell = Recorder(session, row, SYSTEM, "expiry")
        tell.customer(Kind.REQUEST_EXPIRED)
        tell_those_who_saw(tell, row, Kind.REQUEST_EXPIRED)
        say(session, f"Nobody took session request {row.id} in time, it expired")
    return [row.id for row in rows]


def next_due(session: Session) -> datetime | None:
    """When the next window lapses or session request expires, by the database's clock; None: nothing is open."""
    window = select(func.min(SessionRequest.priority_expires_at)).where(
        is_pending, window_not_announced_over, had_window
    )
    expiry = select(func.min(_deadline())).where(is_pending)
    due: datetime | None = session.execute(
        select(func.least(window.scalar_subquery(), expiry.scalar_subquery()))
    ).scalar_one()
    session.rollback()
    return due


@verb
def beat(session: Session, leader: str, swept: Swept) -> None:
    """Store that a poll has run and what it did; beats older than a week go."""
    session.execute(delete(EngineBeat).where(EngineBeat.at < clock() - KEEP_BEATS))
    session.add(EngineBeat(leader=leader, lapsed=swept.lapsed, expired=swept.expired, lateness_ms=swept.lateness_ms))
