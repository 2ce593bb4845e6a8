"""How many wait for what now, how many are there to help, and what became of a day's offers."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, case, func, select

from favorites.db import Session
from favorites.models import FallbackReason, Mechanic, MechanicStatus, SessionRequest
from favorites.models.attention import is_present, needs_rescue
from favorites.models.session_request import everyone_was_asked, has_lapsed, is_accepted, is_open, is_pending
from favorites.queries.analytics.facts import was_won

OUTCOMES = ("won", "lapsed", "declined", "open", "other")

_outcome = case(
    (was_won, "won"),
    (has_lapsed, "lapsed"),
    (SessionRequest.fallback_reason == FallbackReason.DECLINED, "declined"),
    (and_(is_pending, SessionRequest.fallback_broadcast_at.is_(None)), "open"),
    else_="other",  # cancelled, opened by the customer, taken from a suspended mechanic
)


@dataclass(frozen=True)
class Waiting:
    """Open session requests by stage; `too_long`: everyone is asked for as long as that, and nobody took them."""

    priority: int
    broadcast: int
    accepted: int
    too_long: int


@dataclass(frozen=True)
class Helpers:
    """Approved mechanics who started their shift, and those of them whose board is open."""

    on_shift: int
    present: int


def waiting(session: Session) -> Waiting:
    """All that is open now."""
    asked = and_(is_pending, everyone_was_asked)
    counts = (
        func.count().filter(and_(is_pending, ~everyone_was_asked)),
        func.count().filter(asked),
        func.count().filter(is_accepted),
        func.count().filter(needs_rescue()),
    )
    return Waiting(*session.execute(select(*counts).where(is_open)).one())


def helpers(session: Session) -> Helpers:
    """Who is there."""
    there = (Mechanic.status == MechanicStatus.APPROVED, Mechanic.shift_started_at.is_not(None))
    counts = select(func.count(), func.count().filter(is_present)).where(*there)
    return Helpers(*session.execute(counts).one())


def offers(session: Session) -> dict[str, int]:
    """How many of the offers of the last 24 hours came to which of OUTCOMES."""
    since = func.now() - timedelta(days=1)  # not clock(), or no index would be used
    found = select(_outcome, func.count()).where(SessionRequest.priority_notified_at >= since).group_by(_outcome)
    return dict.fromkeys(OUTCOMES, 0) | {outcome: number for outcome, number in session.execute(found)}
