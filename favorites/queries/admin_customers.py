"""Customers as the owner sees them: the list, and one with favorites, ledger and session requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import String, and_, cast, func, select

from favorites.db import Session
from favorites.models import CreditEntry, Customer, CustomerFavorite, Mechanic, Plan, SessionRequest, User
from favorites.models.money import EntryKind
from favorites.models.owner_event import OwnerEvent
from favorites.queries.acts import Act, acts, owner_id, who_did
from favorites.queries.pages import Line, Part, is_called, part

LATEST = 50  # session requests on a customer's page


class Listed(NamedTuple):
    """A customer in the list: the address, the balance in credits, and how many session requests there were."""

    customer: Customer
    email: str
    credits: int
    requests: int


class Entry(NamedTuple):
    """A line of the ledger: signed credits, whose doing, and the balance from then on."""

    at: datetime
    kind: str
    credits: int
    note: str
    who: str
    balance: int


@dataclass(frozen=True)
class Known:
    """All there is to know of one customer."""

    customer: Customer
    user: User
    favorites: Sequence[Mechanic]
    ledger: Sequence[Entry]
    requests: Sequence[Line]
    acts: Sequence[Act]

    @property
    def balance(self) -> int:
        """Credits they have."""
        return self.ledger[0].balance if self.ledger else 0


def customers(session: Session, find: str | None = None, number: int = 1) -> Part[Listed]:
    """A page of all customers, by name."""
    balance = select(func.coalesce(func.sum(CreditEntry.credits), 0)).where(CreditEntry.customer_id == Customer.id)
    asked = select(func.count()).where(SessionRequest.customer_id == Customer.id)
    listed = select(Customer, User.email, balance.scalar_subquery(), asked.scalar_subquery())
    listed = listed.join(User, User.id == Customer.user_id).where(Customer.erased_at.is_(None))
    if find:
        listed = listed.where(is_called(find, Customer.first_name, Customer.last_name, User.email))
    found = part(session, listed.order_by(Customer.first_name, Customer.last_name, Customer.id), number)
    return Part([Listed(*row) for row in found.rows], number, found.has_more)


def customer(session: Session, customer_id: UUID) -> Known | None:
    """One customer; None when there is no such."""
    found = select(Customer, User).join(User, User.id == Customer.user_id).where(Customer.id == customer_id)
    row = session.execute(found).one_or_none()
    if row is None:
        return None
    theirs = select(Mechanic).join(CustomerFavorite).where(CustomerFavorite.customer_id == customer_id)
    return Known(
        *row,
        favorites=session.scalars(theirs.order_by(Mechanic.first_name, Mechanic.id)).all(),
        ledger=_ledger(session, customer_id),
        requests=_latest(session, customer_id),
        acts=acts(session, customer_id),
    )


def _ledger(session: Session, customer_id: UUID) -> list[Entry]:
    """Every line, the newest first; whoever wrote it did so to the customer, or to a session request of theirs."""
    running = func.sum(CreditEntry.credits).over(order_by=(CreditEntry.at, CreditEntry.id))
    same = (
        OwnerEvent.subject_id.in_([CreditEntry.customer_id, SessionRequest.id]),
        OwnerEvent.payload["entry_id"].astext == cast(CreditEntry.id, String),
    )
    lines = (
        select(CreditEntry, running, OwnerEvent.actor, User.email)
        .outerjoin(SessionRequest, SessionRequest.session_id == CreditEntry.session_id)
        .outerjoin(OwnerEvent, and_(*same))
        .outerjoin(User, User.id == owner_id)
        .where(CreditEntry.customer_id == customer_id)
        .order_by(CreditEntry.at.desc(), CreditEntry.id.desc())
    )
    return [_entry(*row) for row in session.execute(lines)]


def _entry(entry: CreditEntry, balance: int, actor: str | None, email: str | None) -> Entry:
    by_booking = {EntryKind.SPEND: "the customer, by booking", EntryKind.REFUND: "given back by itself"}
    who = who_did(actor, email) if actor else by_booking.get(EntryKind(entry.kind), "–")
    return Entry(entry.at, entry.kind, entry.credits, entry.note, who, balance)


def _latest(session: Session, customer_id: UUID) -> list[Line]:
    found = (
        select(SessionRequest, Plan.name, Mechanic.first_name)
        .join(Plan, Plan.code == SessionRequest.plan_code)
        .outerjoin(Mechanic, Mechanic.id == SessionRequest.mechanic_id)
        .where(SessionRequest.customer_id == customer_id)
        .order_by(SessionRequest.created_at.desc())
        .limit(LATEST)
    )
    return [Line(request, plan, mechanic or "–") for request, plan, mechanic in session.execute(found)]
