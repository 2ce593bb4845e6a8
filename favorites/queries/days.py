"""A mechanic's own day: the offers they missed, and a few figures. Nobody else reads them; they are no score."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, case, func, select

from favorites.db import Session
from favorites.models import Customer, FallbackReason, Plan, SessionRequest, Status
from favorites.models.fairness import was_accepted, was_answered
from favorites.models.session_request import LONGEST_WINDOW, has_lapsed, is_preferred
from favorites.queries.sentences import MISSED

DAYS = 30


class Missed(NamedTuple):
    """An offer of today that ended without their answer; `how` is a key of `MISSED`."""

    request_id: UUID
    asked_at: datetime
    first_name: str
    plan: str
    how: str

    @property
    def sentence(self) -> str:
        """What became of it, without its full stop."""
        return MISSED[self.how].format(customer=self.first_name)


class Figures(NamedTuple):
    """Of the last 30 days: how often they were asked first, took it, and half of their answers took at most so long."""

    asked: int
    accepted: int
    median_seconds: float | None  # None: they answered nothing


_how = case(
    (SessionRequest.fallback_reason == FallbackReason.CUSTOMER_OPENED, "opened"),
    (has_lapsed, "lapsed"),
    (and_(SessionRequest.assigned_at.is_not(None), SessionRequest.fallback_reason.is_(None)), "assigned"),
    (and_(SessionRequest.status == Status.CANCELLED, SessionRequest.fallback_reason.is_(None)), "cancelled"),
)


def missed_today(session: Session, mechanic_id: UUID, zone: str) -> Sequence[Missed]:
    """Their offers that ended since midnight in `zone`, or later than that if they had run on; the latest first."""
    midnight = func.date_trunc("day", func.now(), zone)  # not clock_timestamp(), which no index can be asked for
    asked_at = SessionRequest.priority_notified_at
    statement = (
        select(SessionRequest.id, asked_at, Customer.first_name, Plan.name, _how)
        .join(Customer, Customer.id == SessionRequest.customer_id)
        .join(Plan, Plan.code == SessionRequest.plan_code)
        .where(is_preferred(mechanic_id), asked_at > midnight - timedelta(minutes=LONGEST_WINDOW))
        .where(SessionRequest.priority_expires_at >= midnight, ~was_answered, _how.is_not(None))
        .order_by(asked_at.desc())
    )
    return [Missed(*row) for row in session.execute(statement)]


def figures(session: Session, mechanic_id: UUID) -> Figures:
    """Their own; zeros when nobody asked."""
    theirs = SessionRequest.mechanic_id == mechanic_id
    answered_at = func.coalesce(SessionRequest.declined_at, case((theirs, SessionRequest.accepted_at)))
    seconds = func.extract("epoch", answered_at - SessionRequest.priority_notified_at)
    asked = SessionRequest.priority_notified_at > func.now() - timedelta(days=DAYS)
    statement = select(func.count(), func.count().filter(was_accepted), func.percentile_cont(0.5).within_group(seconds))
    return Figures(*session.execute(statement.where(is_preferred(mechanic_id), asked)).one())
