"""Payments as rows: each change of state is one statement that names the states it leaves. The verbs are in `paying`.

Whoever writes that something is paid holds the customer's row, as for every booking.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, SQLColumnExpression, and_, case, func, null, or_, select, update
from sqlalchemy.orm import aliased

from favorites.db import Session, clock
from favorites.models import Payment
from favorites.models.money import PaymentEventKind, PaymentStatus, RefundReason

FEE_IS_WORTH = timedelta(days=3)  # of asking; some payments have none
PAUSE = timedelta(minutes=1)  # until the first look at what nobody told us
DISPUTED = "charge_disputed"  # the problem of what cannot be given back, by the provider's word


class State(StrEnum):
    """How far the customer and their bank are, as the provider sees it."""

    OPEN = "open"
    AWAITED = "awaited"  # the customer has done their part, the bank has not answered
    PAID = "paid"
    OVER = "over"  # refused, or not paid in time


class Page(NamedTuple):
    """A payment that was started: the provider's key of it, where it is paid, and until when (None: no end)."""

    reference: str
    url: str
    until: datetime | None = None


class Seen(NamedTuple):
    """What the provider says of a payment; amounts in cents of `currency` (ISO 4217), None: not told."""

    reference: str
    state: State
    charge: str | None = None
    cents: int | None = None
    currency: str | None = None
    fee_cents: int | None = None


class Told(NamedTuple):
    """What the provider told us by itself; `reference`: its key of the payment, or of the charge.

    `payload`: the few fields that we use, as JSON takes them.
    """

    id: str
    kind: PaymentEventKind
    reference: str
    occurred_at: datetime
    payload: Mapping[str, Any]


class Known(NamedTuple):
    """A payment of ours."""

    id: UUID
    consultation_id: UUID


def find(session: Session, provider: str, reference: str) -> Known | None:
    """The payment with this key or this charge; None: nobody started it, or that is not written yet."""
    is_it = or_(Payment.reference == reference, Payment.charge == reference)
    row = session.execute(select(Payment.id, Payment.session_id).where(Payment.provider == provider, is_it)).first()
    return Known(*row) if row else None


def take(session: Session, payment_id: UUID, seen: Seen) -> bool:
    """It is paid, after `failed`, too: the money is there. False where that was known.

    What is not what was asked for, or is paid a second time, is owed back from the start.
    """
    wrong = _what_is_wrong(seen)
    taken = update(Payment).where(
        Payment.id == payment_id, Payment.status.in_([PaymentStatus.STARTED, PaymentStatus.FAILED])
    )
    taken = taken.values(
        status=case((wrong.is_(None), PaymentStatus.PAID.value), else_=PaymentStatus.REFUNDING.value),
        refund_reason=wrong,
        refund_due_at=case((wrong.is_not(None), clock())),
        paid_at=clock(),
        received_cents=func.coalesce(seen.cents, Payment.amount_cents),
        received_currency=func.coalesce(seen.currency, Payment.currency),
        **_learned(seen, clock()),
    )
    return session.execute(taken.returning(Payment.id)).one_or_none() is not None


def _what_is_wrong(seen: Seen) -> ColumnElement[Any]:
    other = aliased(Payment)
    is_second = (
        select(other.id)
        .where(other.session_id == Payment.session_id, other.id != Payment.id, other.status == PaymentStatus.PAID)
        .exists()
    )
    return case(
        (Payment.currency != func.coalesce(seen.currency, Payment.currency), RefundReason.CURRENCY_DIFFERS.value),
        (Payment.amount_cents != func.coalesce(seen.cents, Payment.amount_cents), RefundReason.AMOUNT_DIFFERS.value),
        (is_second, RefundReason.ALREADY_PAID.value),
        else_=null(),
    )


def _learned(seen: Seen, ask_at: SQLColumnExpression[datetime | None]) -> dict[str, Any]:
    """The charge and the fee; where that is not known yet it is asked for at `ask_at`, for some days."""
    fee = func.coalesce(seen.fee_cents, Payment.fee_cents)
    is_worth_it = and_(fee.is_(None), func.coalesce(Payment.paid_at, clock()) > clock() - FEE_IS_WORTH)
    return {
        "charge": func.coalesce(seen.charge, Payment.charge),
        "fee_cents": fee,
        "awaited_at": None,
        "ask_due_at": case((is_worth_it, ask_at)),
    }


def learn(session: Session, payment_id: UUID, seen: Seen) -> None:
    """What it costs, of one that was paid before."""
    was_paid = update(Payment).where(Payment.id == payment_id, Payment.paid_at.is_not(None))
    session.execute(was_paid.values(_learned(seen, Payment.ask_due_at)))


def wait(session: Session, payment_id: UUID, seen: Seen) -> bool:
    """The customer has done their part. False where that was known, or more."""
    awaited = update(Payment).where(
        Payment.id == payment_id, Payment.status == PaymentStatus.STARTED, Payment.awaited_at.is_(None)
    )
    charge = func.coalesce(seen.charge, Payment.charge)
    return _changed(session, awaited, awaited_at=clock(), charge=charge)


def fail(session: Session, payment_id: UUID) -> bool:
    """It will not be paid. False where it was, or that was known."""
    failed = update(Payment).where(Payment.id == payment_id, Payment.status == PaymentStatus.STARTED)
    return _changed(session, failed, status=PaymentStatus.FAILED.value, awaited_at=None, ask_due_at=None)


def owe_back(session: Session, which: ColumnElement[bool], reason: RefundReason) -> Sequence[Row[UUID, int, str]]:
    """What is paid of these goes back, from now on: id, cents and currency. What is disputed is the bank's to give."""
    owed = update(Payment).where(which, Payment.status == PaymentStatus.PAID, Payment.disputed_at.is_(None))
    back = {"status": PaymentStatus.REFUNDING.value, "refund_reason": reason.value, "refund_due_at": clock()}
    columns = (Payment.id, Payment.amount_cents, Payment.currency)
    done = owed.values(back).returning(*columns).execution_options(synchronize_session=False)
    return session.execute(done).all()


def is_back(session: Session, payment_id: UUID, reference: str | None = None) -> bool:
    """The provider has given it back, whoever asked for it; `reference`: its key of the refund. False: known before."""
    back = update(Payment).where(
        Payment.id == payment_id, Payment.status.in_([PaymentStatus.PAID, PaymentStatus.REFUNDING])
    )
    return _changed(
        session,
        back,
        status=PaymentStatus.REFUNDED.value,
        refunded_at=clock(),
        refund_reason=func.coalesce(Payment.refund_reason, RefundReason.BY_PROVIDER.value),
        refund_reference=func.coalesce(reference, Payment.refund_reference),
        refund_due_at=None,
        refund_problem=None,
    )


def is_not_back(session: Session, payment_id: UUID, reference: str, problem: str) -> bool:
    """Our refund with this key came back to us, confirmed or not: it is owed again. False: another is on its way."""
    gone = update(Payment).where(
        Payment.id == payment_id,
        func.coalesce(Payment.refund_reference, reference) == reference,
        Payment.status.in_([PaymentStatus.REFUNDING, PaymentStatus.REFUNDED]),
    )
    due = case((Payment.disputed_at.is_(None), func.coalesce(Payment.refund_due_at, clock() + PAUSE)))
    owed = {"status": PaymentStatus.REFUNDING.value, "refunded_at": None, "refund_due_at": due}
    return _changed(session, gone, refund_problem=problem, **owed)


def dispute(session: Session, payment_id: UUID) -> bool:
    """The customer's bank took it back: nothing is given back by us any more. False where that was known."""
    new = update(Payment).where(Payment.id == payment_id, Payment.disputed_at.is_(None), Payment.paid_at.is_not(None))
    stopped = case((Payment.status == PaymentStatus.REFUNDING, DISPUTED), else_=Payment.refund_problem)
    return _changed(session, new, disputed_at=clock(), refund_due_at=None, refund_problem=stopped)


def _changed(session: Session, change: Any, **values: Any) -> bool:
    done = change.values(values).returning(Payment.id).execution_options(synchronize_session=False)
    return session.execute(done).first() is not None
