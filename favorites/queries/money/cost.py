"""What one consultation cost, and what became of that."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from favorites.db import Session
from favorites.models import CreditEntry, Payment
from favorites.models.money import EntryKind, PaymentStatus


@dataclass(frozen=True)
class Cost:
    """Its payments, whatever became of them, and its lines of the ledger, the oldest first."""

    payments: Sequence[Payment]
    entries: Sequence[CreditEntry]

    @property
    def paid(self) -> Payment | None:
        """What was paid, is not on its way back, and is in no dispute."""
        kept = (one for one in self.payments if one.status == PaymentStatus.PAID and one.disputed_at is None)
        return next(kept, None)

    @property
    def credits(self) -> int:
        """Credits that were spent and not given back."""
        kinds = {entry.kind: -entry.credits for entry in self.entries}
        return 0 if EntryKind.REFUND in kinds else kinds.get(EntryKind.SPEND, 0)

    @property
    def is_going_back(self) -> bool:
        """Whether the provider has something left to confirm."""
        return any(one.status == PaymentStatus.REFUNDING for one in self.payments)

    @property
    def can_go_back(self) -> bool:
        """Whether there is anything for the owner to give back."""
        return self.paid is not None or self.credits > 0


def cost(session: Session, consultation_id: UUID | None) -> Cost:
    """Of a consultation; nothing of none."""
    payments = select(Payment).where(Payment.session_id == consultation_id).order_by(Payment.created_at, Payment.id)
    entries = select(CreditEntry).where(CreditEntry.session_id == consultation_id).order_by(CreditEntry.at)
    if consultation_id is None:
        return Cost((), ())
    return Cost(session.scalars(payments).all(), session.scalars(entries).all())
