"""What a consultation costs, and giving it back: a ledger and the payments, never a balance that is edited."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from favorites.db import Session, clock
from favorites.dispatch.errors import NotConfirmed, NotEnoughCredits, NotFound, NotPaid, PlanNotAvailable
from favorites.dispatch.verb import verb
from favorites.models import Consultation, CreditEntry, Customer, Payment, User
from favorites.models.consultation import ConsultationStatus, PaidBy
from favorites.models.money import EntryKind, PaymentStatus


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
    balance = select(func.coalesce(func.sum(CreditEntry.credits), 0)).where(
        CreditEntry.customer_id == consultation.customer_id
    )
    enough = select(*map(literal, values)).where(balance.scalar_subquery() >= price)
    spent = insert(CreditEntry).from_select(["customer_id", "session_id", "kind", "credits"], enough)
    if session.execute(spent.returning(CreditEntry.id)).first() is None:
        raise NotEnoughCredits


def _paid(session: Session, consultation: Consultation) -> None:
    paid = select(Payment.id).where(Payment.session_id == consultation.id, Payment.status == PaymentStatus.PAID)
    if session.execute(paid).first() is None:
        raise NotPaid


def give_back(session: Session, consultation_ids: Sequence[UUID]) -> None:
    """Return what these consultations cost and close them, each once; the status alone gives back the free plan."""
    spent = select(
        CreditEntry.customer_id, CreditEntry.session_id, literal(EntryKind.REFUND.value), -CreditEntry.credits
    ).where(CreditEntry.session_id.in_(consultation_ids), CreditEntry.kind == EntryKind.SPEND)
    closed = update(Consultation).where(
        Consultation.id.in_(consultation_ids),
        Consultation.status.in_([ConsultationStatus.DRAFT, ConsultationStatus.READY]),
    )
    session.execute(closed.values(status=ConsultationStatus.CANCELLED, closed_at=clock()))
    refund = insert(CreditEntry).from_select(["customer_id", "session_id", "kind", "credits"], spent)
    session.execute(refund.on_conflict_do_nothing())
    paid = update(Payment).where(Payment.session_id.in_(consultation_ids), Payment.status == PaymentStatus.PAID)
    session.execute(paid.values(status=PaymentStatus.REFUNDED, refunded_at=clock()))


@verb
def start_payment(session: Session, consultation_id: UUID, provider: str, reference: str) -> None:
    """Write down that a payment of the consultation's price was started; a repeat is nothing. Raises `NotFound`."""
    consultation = session.get(Consultation, consultation_id)
    if consultation is None:
        raise NotFound
    started = insert(Payment).values(
        session_id=consultation.id,
        provider=provider,
        reference=reference,
        amount_cents=consultation.price_cents,
        currency=consultation.currency,
    )
    session.execute(started.on_conflict_do_nothing())


def consultation_of(session: Session, provider: str, reference: str) -> UUID:
    """Which consultation this payment is for. Raises `NotFound` for a reference nobody started."""
    found = select(Payment.session_id).where(Payment.provider == provider, Payment.reference == reference)
    consultation_id = session.execute(found).scalar_one_or_none()
    if consultation_id is None:
        raise NotFound
    return consultation_id


def mark_paid(session: Session, provider: str, reference: str) -> None:
    """The provider has confirmed it; a repeat changes nothing."""
    started = update(Payment).where(
        Payment.provider == provider, Payment.reference == reference, Payment.status == PaymentStatus.STARTED
    )
    session.execute(started.values(status=PaymentStatus.PAID.value, paid_at=clock()))


@verb
def grant_credits(session: Session, customer_id: UUID, credits: int, note: str = "") -> None:
    """Give a customer credits (1 or more). Raises `NotFound`."""
    if session.get(Customer, customer_id) is None:
        raise NotFound
    session.add(CreditEntry(customer_id=customer_id, kind=EntryKind.GRANT, credits=credits, note=note))
