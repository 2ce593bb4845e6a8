"""The owner gives back what a consultation cost, whatever became of it: once, and with a reason.

And has the provider asked again now for what it does not confirm.
"""

from uuid import UUID

from sqlalchemy import select, update

from favorites.db import Session, clock
from favorites.dispatch.actors import Actor
from favorites.dispatch.errors import Disputed, GivenBack, NotFound, NothingPaid, Refusal
from favorites.dispatch.money import give_back_credits
from favorites.dispatch.owner_events import Why, tell, tell_why
from favorites.dispatch.payments import owe_back
from favorites.dispatch.verb import verb
from favorites.models import Consultation, OwnerKind, Payment, SessionRequest
from favorites.models.attention import refund_is_failing
from favorites.models.consultation import PaidBy
from favorites.models.money import PaymentStatus, RefundReason


@verb
def refund(session: Session, request_id: UUID, actor: Actor, why: Why) -> PaidBy:
    """Owe the customer the payment, or give the credits back at once; which of the two.

    Session request and consultation stay as they are. Raises `NotFound`, `NothingPaid`, `GivenBack` or `Disputed`.
    """
    booked = select(Consultation.id, Consultation.paid_by).join(SessionRequest)
    row = session.execute(booked.where(SessionRequest.id == request_id)).one_or_none()
    if row is None:
        raise NotFound
    consultation_id, paid_by = row
    if paid_by == PaidBy.CREDITS:
        _credits(session, request_id, consultation_id, actor, why)
        return PaidBy.CREDITS
    _payment(session, request_id, consultation_id, actor, why)
    return PaidBy.PAYMENT


@verb
def retry_refunds(session: Session, actor: Actor) -> int:
    """Those that fail are due now, whenever their next try would have been; how many. Tries are counted on."""
    due = update(Payment).where(refund_is_failing).values(refund_due_at=clock()).returning(Payment.session_id)
    ids = session.scalars(due.execution_options(synchronize_session=False)).all()
    for request_id in session.scalars(select(SessionRequest.id).where(SessionRequest.session_id.in_(ids))):
        tell(session, OwnerKind.SENDING_RETRIED, actor, request_id, what="refund")
    return len(ids)


def _credits(session: Session, request_id: UUID, consultation_id: UUID, actor: Actor, why: Why) -> None:
    entries = give_back_credits(session, [consultation_id])
    if not entries:
        raise GivenBack
    told = {"entry_id": str(entries[0].id), "credits": entries[0].credits}
    tell_why(session, OwnerKind.CREDITS_REFUNDED, actor, request_id, why, **told)


def _payment(session: Session, request_id: UUID, consultation_id: UUID, actor: Actor, why: Why) -> None:
    owed = owe_back(session, Payment.session_id == consultation_id, RefundReason.OWNER)
    if not owed:
        raise _refusal(session, consultation_id)
    told = {"payment_id": str(owed[0].id), "cents": owed[0].amount_cents, "currency": owed[0].currency}
    tell_why(session, OwnerKind.PAYMENT_REFUNDED, actor, request_id, why, **told)


def _refusal(session: Session, consultation_id: UUID) -> Refusal:
    """Why there was nothing to owe."""
    states = select(Payment.status, Payment.disputed_at).where(Payment.session_id == consultation_id)
    found = session.execute(states).all()
    if any(row.disputed_at for row in found):
        return Disputed()
    was_paid = {PaymentStatus.REFUNDING, PaymentStatus.REFUNDED}
    return GivenBack() if any(row.status in was_paid for row in found) else NothingPaid()
