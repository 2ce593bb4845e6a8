"""Payments as their customer sees them."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from favorites.db import Session, clock
from favorites.models import Consultation, Payment, PaymentEvent, Plan
from favorites.models.attention import refund_is_failing
from favorites.models.money import PaymentStatus, RefundReason
from favorites.queries.sentences import GOES_BACK_BECAUSE

NEWS = timedelta(days=7)  # after which the dashboard no longer tells that money came back
MOST = 5
LATE = timedelta(minutes=10)


class Money(NamedTuple):
    """Of a payment, what its customer is told; amounts in cents of `currency`."""

    reference: str
    status: str
    cents: int
    currency: str
    reason: str | None  # of `RefundReason`, why it goes back
    refunded_at: datetime | None
    is_awaited: bool  # the customer has done their part, the bank has not answered
    is_disputed: bool
    plan: str  # its name
    url: str | None
    is_open: bool  # it can be paid at `url`

    @property
    def is_started(self) -> bool:
        """Nobody knows yet what becomes of it."""
        return self.status == PaymentStatus.STARTED

    @property
    def why(self) -> str:
        """Why it goes back, in a sentence; those of former versions do not say."""
        return GOES_BACK_BECAUSE[RefundReason(self.reason or RefundReason.CANCELLED)]

    @property
    def goes_back(self) -> bool:
        """It is on its way back, or back."""
        return self.status in (PaymentStatus.REFUNDING, PaymentStatus.REFUNDED)


# What was really paid, where that is known.
_columns = (
    Payment.reference,
    Payment.status,
    func.coalesce(Payment.received_cents, Payment.amount_cents),
    func.coalesce(Payment.received_currency, Payment.currency),
    Payment.refund_reason,
    Payment.refunded_at,
    Payment.awaited_at.is_not(None),
    Payment.disputed_at.is_not(None),
    select(Plan.name).join(Consultation).where(Consultation.id == Payment.session_id).scalar_subquery(),
    Payment.url,
    func.coalesce(Payment.url_until > clock(), False),
)


def payments_of(session: Session, consultation_id: UUID, *where: ColumnElement[bool]) -> list[Money]:
    """All of a consultation, the newest first."""
    found = select(*_columns).where(Payment.session_id == consultation_id, *where).order_by(Payment.created_at.desc())
    return [Money._make(row) for row in session.execute(found)]


def going_back(session: Session, customer_id: UUID) -> list[Money]:
    """What is on its way back to this customer, or came back in the last days, the newest first."""
    is_news = or_(Payment.status == PaymentStatus.REFUNDING, Payment.refunded_at > clock() - NEWS)
    found = select(*_columns).join(Consultation).where(Consultation.customer_id == customer_id, is_news)
    return [Money._make(row) for row in session.execute(found.order_by(Payment.created_at.desc()).limit(MOST))]


def payment(session: Session, consultation_id: UUID, provider: str, reference: str) -> Money | None:
    """The one with this key of the provider's, if it is this consultation's."""
    its = payments_of(session, consultation_id, Payment.provider == provider, Payment.reference == reference)
    return its[0] if its else None


class Failing(NamedTuple):
    """Refunds that fail, or that a dispute has stopped, by their problem."""

    problem: str
    times: int
    since: datetime


def failing_refunds(session: Session) -> list[Failing]:
    """By their problem, the most first; what merely takes its days is none."""
    is_stopped = and_(Payment.status == PaymentStatus.REFUNDING, Payment.disputed_at.is_not(None))
    found = select(Payment.refund_problem, func.count(), func.min(Payment.paid_at))
    found = found.where(or_(refund_is_failing, is_stopped)).group_by(Payment.refund_problem)
    return [Failing._make(row) for row in session.execute(found.order_by(func.count().desc()))]


def kept_events(session: Session) -> int:
    """Events that wait for a payment of ours, longer than one takes to be written."""
    is_late = PaymentEvent.received_at < clock() - LATE
    kept = select(func.count()).select_from(PaymentEvent).where(PaymentEvent.applied_at.is_(None), is_late)
    return session.execute(kept).scalar_one()
