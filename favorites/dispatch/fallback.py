"""The sweep: announce windows and head starts that are over, expire what nobody took, and say what falls due next.

The clock ends a window, not this; a sweep that never runs costs announcements, nothing else. Any number of sweepers
may run: SKIP LOCKED shares the rows, and a row held by a slow accept delays nobody. Nor does a row on which it fails:
where a batch fails its rows are done one by one, and one that fails three times is set aside (`poison`, `plainly`).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, update

from favorites.db import Session, clock
from favorites.dispatch import alarm, due, money, plainly, poison
from favorites.dispatch.actors import SYSTEM
from favorites.dispatch.answers.common import AFTER, tell_those_who_saw
from favorites.dispatch.events import Recorder
from favorites.dispatch.offering import TOLD, announce_head_start_over, broadcast, fallback_values
from favorites.dispatch.verb import log, say, verb
from favorites.models import EngineBeat, FallbackReason, Kind, SessionRequest, Status
from favorites.models.money import RefundReason
from favorites.plans import KEEPS

R = TypeVar("R")

HEAD_START = "head_start"  # the rule, as events name it
KEEP_BEATS = timedelta(days=7)


class Swept(NamedTuple):
    """What one sweep did; lateness in milliseconds after the window's end, the worst of this sweep."""

    lapsed: int
    expired: int
    lateness_ms: float | None
    next_due: datetime | None


def sweep(session: Session) -> Swept:
    """Do all that is due now, in batches of 200, each its own transaction."""
    late = _until_none_is_left(session, broadcast_lapsed_windows, due.windows)
    _until_none_is_left(session, announce_head_starts, due.head_starts)
    expired = _until_none_is_left(session, expire_stale_requests, due.expiries)
    alarm.raise_alarms(session)
    left = due.left(session)
    aside = poison.plainly(left.lapsing, lambda id_: plainly.lapse(session, due.windows(id_, is_aside=True)))
    poison.plainly(left.opening, lambda id_: plainly.open_up(session, due.head_starts(id_, is_aside=True)))
    ended = poison.plainly(left.expiring, lambda id_: plainly.expire(session, due.expiries(id_, is_aside=True)))
    return Swept(len(late) + len(aside), len(expired) + len(ended), max(late, default=None), left.next_due)


def _until_none_is_left(
    session: Session, batch: Callable[[Session, UUID | None], list[R]], which: Callable[[], Select[UUID]]
) -> list[R]:
    done: list[R] = []
    while some := _batch(session, batch, which):
        done += some
        if len(some) < due.BATCH:
            break
    return done


def _batch(
    session: Session, batch: Callable[[Session, UUID | None], list[R]], which: Callable[[], Select[UUID]]
) -> list[R]:
    try:
        return batch(session, None)
    except Exception as error:
        poison.raise_if_away(error)
        log.warning("[Fallback] A batch failed, its rows are done one by one", error=type(error).__name__)
    ids = session.scalars(which()).all()
    session.rollback()
    return poison.singly(session, ids, lambda request_id: batch(session, request_id))


def _plan(only: UUID | None) -> dict[str, bool]:
    """Of the poll's own statements it is kept; one for a single row would be of use once."""
    return {} if only else KEEPS


@verb
def broadcast_lapsed_windows(session: Session, only: UUID | None = None) -> list[float]:
    """Ask everyone about one batch of lapsed windows, or `only` that one; how late each was, in milliseconds."""
    if only:
        session.execute(poison.BRIEFLY)
    found = due.windows(only).cte("due")
    lapsed = update(SessionRequest).where(SessionRequest.id == found.c.id)
    late = func.extract("epoch", SessionRequest.fallback_broadcast_at - SessionRequest.priority_expires_at) * 1000
    left = lapsed.values(fallback_values(FallbackReason.NO_RESPONSE)).returning(*AFTER, late.label("late_ms"))
    rows = session.execute(left, execution_options=_plan(only)).all()
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


@verb
def announce_head_starts(session: Session, only: UUID | None = None) -> list[UUID]:
    """Tell everyone else of one batch whose workshop's head start is over, or of `only` that one; their ids.

    Nothing else changes: by the clock everyone may answer already.
    """
    if only:
        session.execute(poison.BRIEFLY)
    found = due.head_starts(only).cte("due")
    over = update(SessionRequest).where(SessionRequest.id == found.c.id).values(workshop_over_at=clock())
    rows = session.execute(over.returning(*AFTER), execution_options=_plan(only)).all()
    for row in rows:
        announce_head_start_over(Recorder(session, row, SYSTEM, HEAD_START), row)
        say(session, f"The head start of session request {row.id} is over, everyone is asked")
    return [row.id for row in rows]


@verb
def expire_stale_requests(session: Session, only: UUID | None = None) -> list[UUID]:
    """End one batch of those that nobody took in time, or `only` that one, and give back what they cost; their ids."""
    if only:
        session.execute(poison.BRIEFLY)
    found = due.expiries(only).cte("due")
    expired = (
        update(SessionRequest)
        .where(SessionRequest.id == found.c.id)
        .values(status=Status.EXPIRED.value, closed_at=clock())
    )
    rows = session.execute(expired.returning(*AFTER), execution_options=_plan(only)).all()
    if not rows:
        return []
    money.give_back(session, [row.session_id for row in rows if row.session_id], RefundReason.EXPIRED)
    for row in rows:
        tell = Recorder(session, row, SYSTEM, "expiry")
        tell.customer(Kind.REQUEST_EXPIRED)
        tell_those_who_saw(tell, row, Kind.REQUEST_EXPIRED)
        say(session, f"Nobody took session request {row.id} in time, it expired")
    return [row.id for row in rows]


@verb
def beat(session: Session, leader: str, swept: Swept) -> None:
    """Store that a poll has run and what it did; beats older than a week go."""
    session.execute(delete(EngineBeat).where(EngineBeat.at < clock() - KEEP_BEATS))
    session.add(EngineBeat(leader=leader, lapsed=swept.lapsed, expired=swept.expired, lateness_ms=swept.lateness_ms))
