"""What a provider says becomes a session request, or goes back: whoever hears it first, page or event, and once.

An event is written in the transaction of its effect. One whose payment is not there is kept: it has its effect when the
payment is written, or a little later where the two did not see each other.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from favorites.db import Session, clock
from favorites.dispatch import payments
from favorites.dispatch.errors import AlreadyPaid, HasOpenRequest, NotFound, Refusal
from favorites.dispatch.fulfillment import Named, fulfill_payment, lock_customer_of
from favorites.dispatch.payments import Known, Page, Seen, State, Told
from favorites.dispatch.refunds import RefundState
from favorites.dispatch.verb import attempt, say, verb
from favorites.models import Consultation, Payment, PaymentEvent
from favorites.models.money import PaymentEventKind, PaymentStatus, RefundReason

KEPT_FOR = timedelta(days=3)  # as long as a provider repeats what was not taken
APPLIED, NOTHING, UNMATCHED = "applied", "nothing", "unmatched"
WHY: dict[type[Refusal], RefundReason] = {
    HasOpenRequest: RefundReason.OPEN_REQUEST,
    AlreadyPaid: RefundReason.ALREADY_PAID,
}


@verb
def start_payment(session: Session, consultation_id: UUID, provider: str, page: Page) -> str | None:
    """Write down that a payment of the consultation's price was started; where it is to be paid.

    None: it was paid before we wrote it. Where another page of it is open, that: nobody ever sees the new one, and it
    runs out. Raises `NotFound`.
    """
    customer = lock_customer_of(session, consultation_id)
    if open_page := session.scalar(_open_page(consultation_id, provider)):
        return open_page
    consultation = session.get_one(Consultation, consultation_id)
    started = insert(Payment).values(
        session_id=consultation_id,
        provider=provider,
        reference=page.reference,
        amount_cents=consultation.price_cents,
        currency=consultation.currency,
        url=page.url,
        url_until=page.until,
        ask_due_at=page.until and page.until + payments.PAUSE,
    )
    payment_id = session.execute(started.on_conflict_do_nothing().returning(Payment.id)).scalar_one_or_none()
    if payment_id:
        _catch_up(session, Known(payment_id, consultation_id), page.reference, customer)
    is_open = select(Payment.id).where(Payment.reference == page.reference, Payment.status == PaymentStatus.STARTED)
    return page.url if session.scalar(is_open) else None


def _open_page(consultation_id: UUID, provider: str) -> Select[str | None]:
    return select(Payment.url).where(
        Payment.session_id == consultation_id,
        Payment.provider == provider,
        Payment.status == PaymentStatus.STARTED,
        Payment.url_until > clock(),
    )


@verb
def hear_payment(session: Session, provider: str, seen: Seen) -> None:
    """The provider was asked: what is paid asks for a mechanic, or is owed back. Raises `NotFound`."""
    known = payments.find(session, provider, seen.reference)
    if known is None:
        raise NotFound
    _hear(session, known, seen, lock_customer_of(session, known.consultation_id))


@verb
def receive_event(session: Session, provider: str, told: Told) -> None:
    """The provider told us by itself: written once, with its effect; a repeat is nothing."""
    known = payments.find(session, provider, told.reference)
    customer = lock_customer_of(session, known.consultation_id) if known else None
    written = insert(PaymentEvent).values(
        id=told.id,
        kind=told.kind.value,
        reference=told.reference,
        payload=told.payload,
        occurred_at=told.occurred_at,
        applied_at=clock() if known else None,
        outcome=APPLIED if known else None,
    )
    is_new = session.scalar(written.on_conflict_do_nothing().returning(PaymentEvent.id))
    if is_new and known and customer:
        _apply(session, known, told, customer)
    elif is_new:
        say(session, "[Payment] Kept until its payment is there", event=told.id, kind=told.kind.value)


@verb
def apply_kept_event(session: Session) -> bool:
    """The oldest event that was kept and whose payment is there by now; False: there is none."""
    is_its = or_(Payment.reference == PaymentEvent.reference, Payment.charge == PaymentEvent.reference)
    oldest = (
        select(PaymentEvent, Payment.id, Payment.session_id)
        .join(Payment, is_its)
        .where(PaymentEvent.applied_at.is_(None))
        .order_by(PaymentEvent.occurred_at)
        .limit(1)
        .with_for_update(of=PaymentEvent, skip_locked=True)
    )
    row = session.execute(oldest).one_or_none()
    if row is None:
        return False
    event, known = row[0], Known(row[1], row[2])
    _apply_kept(session, known, event, lock_customer_of(session, known.consultation_id))
    return True


@verb
def let_go(session: Session) -> int:
    """Events that waited long enough for a payment of ours are somebody else's; how many."""
    old = update(PaymentEvent).where(PaymentEvent.applied_at.is_(None), PaymentEvent.received_at < clock() - KEPT_FOR)
    gone = old.values(applied_at=clock(), outcome=UNMATCHED).returning(PaymentEvent.id)
    return len(session.execute(gone.execution_options(synchronize_session=False)).all())


def _catch_up(session: Session, known: Known, reference: str, customer: Named) -> None:
    """What was told before we knew what of, in the order in which it happened."""
    kept = (
        select(PaymentEvent)
        .where(PaymentEvent.reference == reference, PaymentEvent.applied_at.is_(None))
        .order_by(PaymentEvent.occurred_at)
        .with_for_update(skip_locked=True)
    )
    for event in session.scalars(kept).all():
        _apply_kept(session, known, event, customer)


def _apply_kept(session: Session, known: Known, event: PaymentEvent, customer: Named) -> None:
    kind = PaymentEventKind(event.kind)
    event.applied_at, event.outcome = clock(), APPLIED
    session.flush()
    _apply(session, known, Told(event.id, kind, event.reference, event.occurred_at, event.payload), customer)


def _apply(session: Session, known: Known, told: Told, customer: Named) -> None:
    """Its effect; after that of a payment nothing is written but the events, so its outcome stands there already."""
    if not _has_effect(session, known, told, customer):
        nothing = update(PaymentEvent).where(PaymentEvent.id == told.id).values(outcome=NOTHING)
        session.execute(nothing.execution_options(synchronize_session=False))


def _has_effect(session: Session, known: Known, told: Told, customer: Named) -> bool:
    fields = told.payload
    if "state" in fields:
        names = ("charge", "cents", "currency", "fee_cents")
        seen = Seen(told.reference, State(fields["state"]), **{name: fields.get(name) for name in names})
        return _hear(session, known, seen, customer)
    if told.kind is PaymentEventKind.DISPUTED:
        return _is_disputed(session, known)
    if told.kind is PaymentEventKind.REFUNDED:
        return bool(fields["is_back"]) and payments.is_back(session, known.id)
    if fields["payment"] != str(known.id):
        return False  # none of our refunds: of a part, in the provider's dashboard
    if fields["refund_state"] == RefundState.FAILED:
        return payments.is_not_back(session, known.id, fields["refund"], fields["problem"])
    return fields["refund_state"] == RefundState.DONE and payments.is_back(session, known.id, fields["refund"])


def _is_disputed(session: Session, known: Known) -> bool:
    is_new = payments.dispute(session, known.id)
    if is_new:
        say(session, "[Payment] Disputed: the bank decides, we give nothing back", is_error=True, payment=known.id)
    return is_new


def _hear(session: Session, known: Known, seen: Seen, customer: Named) -> bool:
    """Whether it changed anything. Whoever calls holds the customer's row."""
    if seen.state is State.PAID:
        return _is_paid(session, known, seen, customer)
    if seen.state is State.AWAITED:
        return payments.wait(session, known.id, seen)
    return seen.state is State.OVER and payments.fail(session, known.id)


def _is_paid(session: Session, known: Known, seen: Seen, customer: Named) -> bool:
    if not payments.take(session, known.id, seen):
        payments.learn(session, known.id, seen)
        return False
    if seen.charge:
        _catch_up(session, known, seen.charge, customer)  # it may be back already, then nobody is asked
    if _status(session, known) is PaymentStatus.PAID:
        _ask(session, known, customer)
    say(session, "[Payment] Paid", payment=known.id, consultation=known.consultation_id)
    return True


def _status(session: Session, known: Known) -> PaymentStatus:
    return PaymentStatus(session.execute(select(Payment.status).where(Payment.id == known.id)).scalar_one())


def _ask(session: Session, known: Known, customer: Named) -> None:
    """A mechanic is asked; where that is refused the money is owed back, and nothing else was done."""
    try:
        with attempt(session):
            fulfill_payment(session, known.consultation_id, customer)
    except Refusal as refusal:
        reason = WHY.get(type(refusal), RefundReason.NOT_BOOKABLE)
        payments.owe_back(session, Payment.id == known.id, reason)
        say(session, "[Payment] Nobody can be asked, it goes back", payment=known.id, reason=reason.value)
