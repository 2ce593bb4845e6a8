"""What came, went back and was kept by the provider in a time: in all, by day or month, and by mechanic.

A payment counts when it was paid, what went back when the provider confirmed it; no currency is added to another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    SQLColumnExpression,
    Subquery,
    case,
    cast,
    func,
    literal,
    select,
    tuple_,
    union_all,
)

from favorites.db import Session
from favorites.models import Mechanic, Payment, SessionRequest
from favorites.queries.analytics.report import in_time
from favorites.queries.analytics.span import Span

NO_MECHANIC = "No mechanic"  # nobody has it, or whoever had it is deleted

# What was paid, which may differ from what was asked: then it goes back as it came.
cents: ColumnElement[int] = func.coalesce(Payment.received_cents, Payment.amount_cents)
currency: ColumnElement[str] = func.upper(func.coalesce(Payment.received_currency, Payment.currency))
is_of_it: ColumnElement[bool] = SessionRequest.session_id == Payment.session_id


@dataclass(frozen=True)
class Sums:
    """Of one currency, in cents; `payments`, `refunds` and `disputes` are counts, `unknown_fees` of payments, too."""

    payments: int = 0
    received: int = 0
    fees: int = 0
    unknown_fees: int = 0
    refunds: int = 0
    given_back: int = 0
    disputes: int = 0
    disputed: int = 0

    @property
    def left(self) -> int:
        """What stays; a disputed payment is counted as received until the bank has decided."""
        return self.received - self.given_back - self.fees


@dataclass(frozen=True)
class Book:
    """One currency: all of the time, each of its days or months, and each mechanic, who earned most first."""

    currency: str
    all: Sums
    steps: Sequence[tuple[date, Sums]]
    mechanics: Sequence[tuple[UUID | None, str, Sums]]


NUMBERS = tuple(Sums.__dataclass_fields__)


def books(session: Session, span: Span) -> Sequence[Book]:
    """One for each currency in which anything moved in this time, the usual one first. Raises `TakesTooLong`."""
    with in_time(session):
        rows = session.execute(_sums(_moves(span))).all()
        names = _names(session, {row.mechanic_id for row in rows if row.mechanic_id})
    codes = sorted({row.currency for row in rows})
    found = (_book(span, code, [row for row in rows if row.currency == code], names) for code in codes)
    return sorted(found, key=lambda book: -book.all.payments)


def _moves(span: Span) -> Subquery:
    """A row for each time that money moved."""
    one, none = literal(1), cast(Payment.fee_cents.is_(None), Integer)
    fee = func.coalesce(Payment.fee_cents, 0)
    paid = _move(span, Payment.paid_at, payments=one, received=cents, fees=fee, unknown_fees=none)
    refunded = _move(span, Payment.refunded_at, refunds=one, given_back=cents)
    disputed = _move(span, Payment.disputed_at, disputes=one, disputed=cents)
    return union_all(paid, refunded, disputed).subquery("moves")


def _move(span: Span, at: SQLColumnExpression[Any], **numbers: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
    step = span.step(span.clock(at)).label("step")
    moved = (numbers.get(name, literal(0)).label(name) for name in NUMBERS)
    told = select(currency.label("currency"), SessionRequest.mechanic_id, step, *moved)
    return told.select_from(Payment).outerjoin(SessionRequest, is_of_it).where(span.has(at))


def _sums(moves: Subquery) -> Select[*tuple[Any, ...]]:
    its = moves.c
    by = case((func.grouping(its.step) == 0, "step"), (func.grouping(its.mechanic_id) == 0, "mechanic"), else_="all")
    sets = func.grouping_sets(
        tuple_(its.currency), tuple_(its.currency, its.step), tuple_(its.currency, its.mechanic_id)
    )
    numbers = (cast(func.sum(its[name]), Integer).label(name) for name in NUMBERS)
    return select(by.label("by"), its.currency, its.step, its.mechanic_id, *numbers).group_by(sets)


def _names(session: Session, ids: Iterable[UUID]) -> dict[UUID, str]:
    name = func.trim(func.concat_ws(" ", Mechanic.first_name, Mechanic.last_name))
    named = session.execute(select(Mechanic.id, name).where(Mechanic.id.in_(list(ids))))
    return {id_: text for id_, text in named}


def _book(span: Span, code: str, rows: Sequence[Row[*tuple[Any, ...]]], names: dict[UUID, str]) -> Book:
    steps = {row.step: _of(row) for row in rows if row.by == "step"}
    mechanics = [
        (row.mechanic_id, names.get(row.mechanic_id, NO_MECHANIC), _of(row)) for row in rows if row.by == "mechanic"
    ]
    return Book(
        code,
        next(_of(row) for row in rows if row.by == "all"),
        [(step, steps.get(step, Sums())) for step in span.steps],
        sorted(mechanics, key=lambda told: (-told[2].left, told[1])),
    )


def _of(row: Row[*tuple[Any, ...]]) -> Sums:
    return Sums(**{name: getattr(row, name) for name in NUMBERS})
