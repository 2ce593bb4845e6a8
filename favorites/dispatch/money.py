"""What a consultation costs, and giving it back: a ledger and the payments, never a balance that is edited."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, ScalarSelect, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from favorites.db import Session, clock
from favorites.dispatch import payments
from favorites.dispatch.actors import Actor
from favorites.dispatch.errors import (
    NotConfirmed,
    NotEnoughCredits,
    NotPaid,
    NotSoManyCredits,
    PlanNotAvailable,
)
from favorites.dispatch.locks import lock_customer
from favorites.dispatch.owner_events import tell
from favorites.dispatch.verb import verb
from favorites.models import Consultation, CreditEntry, Customer, Payment, User
from favorites.models.consultation import ConsultationStatus, PaidBy
from favorites.models.money import EntryKind, PaymentStatus, RefundReason
from favorites.models.owner_event import OwnerKind


def settle(session: Session, consultation: Consultation, paid_by: PaidBy) -> None:
    """Make sure it is paid for, and take the credits; the customer's row is locked by now.

    Raises `PlanNotAvailable`, `NotConfirmed`, `NotEnoughCredits` or `NotPaid`; that the free plan is taken once
    for each customer is for the unique index to say (`FreePlanUsed`).
    """
    {PaidBy.FREE: _free, PaidBy.CREDITS: _credits, PaidBy.PAYMENT: _paid}[paid_by](session, consultation)


def _free(session: Session, consultation: Consultation) -> None:
    if consultation.price_cents:
        raise PlanNotAvailable
    confirmed = select(User.confirmed_at).join(Customer).where(Customer.id == consultation.customer_id)
    if session.execute(confirmed).scalar_one() is None:
        raise NotConfirmed


def _credits(session: Session, consultation: Consultation) -> None:
    price = consultation.plan.credits
    if price is None:
        raise PlanNotAvailable
    values = (consultation.customer_id, consultation.id, EntryKind.SPEND.value, -price)
    enough = select(*map(literal, values)).where(_balance(consultation.customer_id) >= price)
    spent = insert(CreditEntry).from_select(["customer_id", "session_id", "kind", "credits"], enough)
    if session.execute(spent.returning(CreditEntry.id)).first() is None:
        raise NotEnoughCredits


def _balance(customer_id: UUID) -> ScalarSelect[int]:
    theirs = select(func.coalesce(func.sum(CreditEntry.credits), 0)).where(CreditEntry.customer_id == customer_id)
    return theirs.scalar_subquery()


def _paid(session: Session, consultation: Consultation) -> None:
    paid = select(Payment.id).where(Payment.session_id == consultation.id, Payment.status == PaymentStatus.PAID)
    if session.execute(paid).first() is None:
        raise NotPaid


def give_back(session: Session, consultation_ids: Sequence[UUID], reason: RefundReason) -> None:
    """Return what these consultations cost and close them, each once; the status alone gives back the free plan.

    Credits are back at once. A payment is owed back from now on: that it is back is for its provider to say.
    """
    closed = update(Consultation).where(
        Consultation.id.in_(consultation_ids),
        Consultation.status.in_([ConsultationStatus.DRAFT, ConsultationStatus.READY]),
    )
    session.execute(closed.values(status=ConsultationStatus.CANCELLED, closed_at=clock()))
    give_back_credits(session, consultation_ids)
    payments.owe_back(session, Payment.session_id.in_(consultation_ids), reason)


def give_back_credits(session: Session, consultation_ids: Sequence[UUID]) -> Sequence[Row[UUID, int]]:
    """What was spent on these, each once: the ledger's new entries, their ids and credits."""
    spent = select(
        CreditEntry.customer_id, CreditEntry.session_id, literal(EntryKind.REFUND.value), -CreditEntry.credits
    ).where(CreditEntry.session_id.in_(consultation_ids), CreditEntry.kind == EntryKind.SPEND)
    refund = insert(CreditEntry).from_select(["customer_id", "session_id", "kind", "credits"], spent)
    written = refund.on_conflict_do_nothing().returning(CreditEntry.id, CreditEntry.credits)
    return session.execute(written).all()


@verb
def grant_credits(session: Session, customer_id: UUID, credits: int, actor: Actor, note: str = "") -> None:
    """Give a customer credits (1 or more). Raises `NotFound`."""
    lock_customer(session, customer_id)
    values = {"customer_id": customer_id, "kind": EntryKind.GRANT.value, "credits": credits, "note": note}
    entry_id = session.execute(insert(CreditEntry).values(values).returning(CreditEntry.id)).scalar_one()
    told = {"credits": credits, "entry_id": str(entry_id)}
    tell(session, OwnerKind.CREDITS_GRANTED, actor, customer_id, note, **told)


@verb
def correct_credits(session: Session, customer_id: UUID, credits: int, actor: Actor, note: str) -> None:
    """Put a balance right by one more entry, `credits` more or (below 0) less, never by changing one.

    Raises `NotFound`, or `NotSoManyCredits` where they have fewer than that.
    """
    lock_customer(session, customer_id)
    values = (customer_id, EntryKind.CORRECTION.value, credits, note)
    enough = select(*map(literal, values)).where(_balance(customer_id) + credits >= 0)
    corrected = insert(CreditEntry).from_select(["customer_id", "kind", "credits", "note"], enough)
    entry_id = session.execute(corrected.returning(CreditEntry.id)).scalar_one_or_none()
    if entry_id is None:
        raise NotSoManyCredits
    told = {"credits": credits, "entry_id": str(entry_id)}
    tell(session, OwnerKind.CREDITS_CORRECTED, actor, customer_id, note, **told)
