"""The books once more, slow and obvious: row by row in Python, so that the quick ones can be held to them."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.database import sql

ROWS = (
    "SELECT p.*, r.mechanic_id FROM payments p LEFT JOIN session_requests r ON r.session_id = p.session_id"
    " ORDER BY p.created_at"
)


@dataclass
class Pot:
    """What is said of one currency, mechanic or day."""

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
        return self.received - self.given_back - self.fees

    def told(self) -> dict[str, int]:
        return {**self.__dict__, "left": self.left}


@dataclass
class SlowBook:
    """One currency."""

    all: Pot = field(default_factory=Pot)
    days: dict[date, Pot] = field(default_factory=dict)
    mechanics: dict[UUID | None, Pot] = field(default_factory=dict)

    def pots(self, day: date, mechanic: UUID | None) -> list[Pot]:
        return [self.all, self.days.setdefault(day, Pot()), self.mechanics.setdefault(mechanic, Pot())]


def slow_books(first: date, last: date, zone: ZoneInfo) -> dict[str, SlowBook]:
    """By currency; days by the clock of `zone`, both ends included."""
    found: dict[str, SlowBook] = {}
    for row in sql(ROWS):
        currency = (row.received_currency or row.currency).upper()
        for at, put in ((row.paid_at, _paid), (row.refunded_at, _refunded), (row.disputed_at, _disputed)):
            day = _day(at, zone)
            if day and first <= day <= last:
                for pot in found.setdefault(currency, SlowBook()).pots(day, row.mechanic_id):
                    put(pot, row)
    return found


def _day(at: datetime | None, zone: ZoneInfo) -> date | None:
    return at.astimezone(zone).date() if at else None


def _cents(row: Any) -> int:
    return int(row.amount_cents if row.received_cents is None else row.received_cents)


def _paid(pot: Pot, row: Any) -> None:
    pot.payments += 1
    pot.received += _cents(row)
    pot.fees += row.fee_cents or 0
    pot.unknown_fees += row.fee_cents is None


def _refunded(pot: Pot, row: Any) -> None:
    pot.refunds += 1
    pot.given_back += _cents(row)


def _disputed(pot: Pot, row: Any) -> None:
    pot.disputes += 1
    pot.disputed += _cents(row)
