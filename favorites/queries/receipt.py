"""What a completed consultation cost, and how it was paid."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import joinedload

from favorites.db import Session
from favorites.models import Consultation, CreditEntry, Customer, Mechanic, Payment, SessionRequest, Status
from favorites.models.consultation import PaidBy
from favorites.models.money import AFTERWARDS, EntryKind, PaymentStatus


@dataclass(frozen=True)
class Receipt:
    """Of a completed consultation; `mechanic` is None when they are deleted, `credits` unless it was paid by them.

    `is_going_back`: the payment is owed back, and the provider has not confirmed it yet.
    """

    consultation: Consultation
    customer: Customer
    mechanic: Mechanic | None
    completed_at: datetime
    credits: int | None
    paid_at: datetime | None
    given_back_at: datetime | None
    is_going_back: bool

    @property
    def number(self) -> str:
        """As it is quoted: the year, and the beginning of the consultation's id."""
        return f"BA-{self.completed_at.year}-{self.consultation.id.hex[:12].upper()}"

    @property
    def paid_by(self) -> str:
        """In words."""
        if self.consultation.paid_by == PaidBy.CREDITS:
            return "1 credit" if self.credits == 1 else f"{self.credits} credits"
        return "Paid online" if self.consultation.paid_by == PaidBy.PAYMENT else "Free of charge"


def receipt(session: Session, session_id: UUID) -> Receipt | None:
    """The receipt of a consultation; None until it is completed. Whose it is to read is for the caller to ask."""
    is_spent = (CreditEntry.session_id == session_id, CreditEntry.kind == EntryKind.SPEND)
    is_back = (CreditEntry.session_id == session_id, CreditEntry.kind == EntryKind.REFUND)
    # The one that it was held for: one that came beside it went back by itself.
    kept = or_(Payment.status == PaymentStatus.PAID, Payment.refund_reason.in_(AFTERWARDS))
    paid_for = (Payment.session_id == session_id, kept)
    credits_back_at = select(CreditEntry.at).where(*is_back).scalar_subquery()
    found = session.execute(
        select(
            SessionRequest,
            select(-CreditEntry.credits).where(*is_spent).scalar_subquery(),
            select(func.max(Payment.paid_at)).where(*paid_for).scalar_subquery(),
            func.coalesce(select(func.max(Payment.refunded_at)).where(*paid_for).scalar_subquery(), credits_back_at),
            exists().where(*paid_for, Payment.status == PaymentStatus.REFUNDING),
        )
        .where(SessionRequest.session_id == session_id, SessionRequest.status == Status.COMPLETED)
        .options(
            joinedload(SessionRequest.consultation),
            joinedload(SessionRequest.customer),
            joinedload(SessionRequest.mechanic),
        )
    ).one_or_none()
    if found is None:
        return None
    row, credits, paid_at, given_back_at, is_going_back = found
    of = (row.consultation, row.customer, row.mechanic, row.closed_at)
    return Receipt(*of, credits, paid_at, given_back_at, is_going_back)
