"""Payments as the owner lists them, and what of them needs the owner."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select

from favorites.db import Session, clock
from favorites.models import Consultation, Customer, Mechanic, Payment, PaymentEvent, Plan, SessionRequest
from favorites.models.attention import refund_is_failing
from favorites.models.money import PaymentStatus
from favorites.queries.analytics.report import in_time
from favorites.queries.analytics.span import Span
from favorites.queries.money.books import is_of_it
from favorites.queries.owner_board import full_name
from favorites.queries.pages import Part, part

LIMIT = 50  # of each that needs the owner; the page says so when there are more
NOBODY = "none"  # in place of a mechanic
DISPUTED = "disputed"  # beside the statuses
WHICH = (*(status.value for status in PaymentStatus), DISPUTED)
LATELY = timedelta(days=120)  # a bank decides within that


_is_failing = func.coalesce(refund_is_failing, False)


class Wanted(NamedTuple):
    """Which: one of `WHICH`, whose mechanic (an id, or `NOBODY`), and a part of the customer's name; None: any."""

    which: str | None = None
    mechanic: UUID | str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Line:
    """A payment with its people; `request_id` and `mechanic` are None where nobody was asked, or has it."""

    payment: Payment
    customer: str
    customer_id: UUID
    plan: str
    request_id: UUID | None
    mechanic: str | None
    is_failing: bool  # its refund

    @property
    def can_go_back(self) -> bool:
        """Whether the owner may give it back."""
        return self.payment.status == PaymentStatus.PAID and self.payment.disputed_at is None


@dataclass(frozen=True)
class Needs:
    """What the owner should know of: refunds that are not confirmed, disputes, and events that fit no payment.

    Refunds that fail stand first.
    """

    going_back: Sequence[Line]
    disputed: Sequence[Line]
    unmatched: Sequence[PaymentEvent]


def listed(session: Session, span: Span, wanted: Wanted, number: int) -> Part[Line]:
    """A page of those that were started, paid, given back or disputed in this time. Raises `TakesTooLong`."""
    with in_time(session):
        found = part(session, _wanted(span, wanted), number)
    return Part([Line(*row) for row in found.rows], number, found.has_more)


def every(session: Session, span: Span, wanted: Wanted) -> Iterator[Line]:
    """The same without an end, for files. Raises `TakesTooLong`."""
    with in_time(session):
        yield from (Line(*row) for row in session.execute(_wanted(span, wanted)))


def needs(session: Session) -> Needs:
    """Whatever the time that is looked at. Raises `TakesTooLong`."""
    is_due, lately = Payment.refund_due_at.is_not(None), Payment.disputed_at > clock() - LATELY
    kept = select(PaymentEvent).where(or_(PaymentEvent.applied_at.is_(None), PaymentEvent.outcome == "unmatched"))
    with in_time(session):
        return Needs(
            _first(session, _lines().where(is_due), _is_failing.desc(), Payment.refund_due_at),
            _first(session, _lines().where(lately), Payment.disputed_at.desc()),
            session.scalars(kept.order_by(PaymentEvent.received_at.desc(), PaymentEvent.id).limit(LIMIT)).all(),
        )


def _first(session: Session, lines: Select[*tuple[Any, ...]], *order: Any) -> list[Line]:
    return [Line(*row) for row in session.execute(lines.order_by(*order, Payment.id).limit(LIMIT))]


def _lines() -> Select[*tuple[Any, ...]]:
    # The id tells whether there is somebody: of nobody the words would be an empty name.
    mechanic = func.nullif(func.trim(full_name(Mechanic)), "")
    people = (func.trim(full_name(Customer)), Customer.id, Plan.name, SessionRequest.id, mechanic)
    return (
        select(Payment, *people, _is_failing)
        .join(Consultation, Consultation.id == Payment.session_id)
        .join(Customer, Customer.id == Consultation.customer_id)
        .join(Plan, Plan.code == Consultation.plan_code)
        .outerjoin(SessionRequest, is_of_it)
        .outerjoin(Mechanic, Mechanic.id == SessionRequest.mechanic_id)
    )


def _wanted(span: Span, wanted: Wanted) -> Select[*tuple[Any, ...]]:
    moments = (Payment.created_at, Payment.paid_at, Payment.refunded_at, Payment.disputed_at)
    asked = [or_(*(span.has(at) for at in moments)), *_conditions(wanted)]
    return _lines().where(*asked).order_by(Payment.created_at.desc(), Payment.id)


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.which:
        is_disputed = Payment.disputed_at.is_not(None)
        yield is_disputed if wanted.which == DISPUTED else Payment.status == wanted.which
    if wanted.mechanic:
        its = SessionRequest.mechanic_id
        yield its.is_(None) if wanted.mechanic == NOBODY else its == wanted.mechanic
    if wanted.name:
        yield full_name(Customer).icontains(wanted.name, autoescape=True)
