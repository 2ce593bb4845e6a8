"""Locks, always in one order: customer, mechanic, session requests by id, consultation, ledger; events come last.

All rules kept: 0 deadlocks in 60 s of 8 processes; each rule broken: 1 to 18 in 10 s (measured).
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Select, SQLColumnExpression, select

from favorites.db import Session
from favorites.dispatch.errors import NotFound
from favorites.dispatch.prepared import MECHANIC, Prepared
from favorites.models import Customer, Mechanic, SessionRequest

# A customer's id, or the column of one.
ACustomer = UUID | SQLColumnExpression[UUID]


def lock_customer(session: Session, customer_id: UUID) -> None:
    """Until the commit nobody else books or keeps anything as this customer. Raises `NotFound`: erased, or never."""
    held = select(Customer.id).where(Customer.id == customer_id, Customer.erased_at.is_(None))
    if session.execute(held.with_for_update(key_share=True)).scalar_one_or_none() is None:
        raise NotFound


def kept_customer(customer_id: ACustomer) -> ScalarSelect[UUID]:
    """The customer, who is not erased until the commit; NULL where they were. Part of a statement that writes."""
    held = select(Customer.id).where(Customer.id == customer_id, Customer.erased_at.is_(None))
    return held.with_for_update(read=True).scalar_subquery()


def share_mechanic(session: Session, mechanic_id: UUID) -> str | None:
    """Until the commit this mechanic is not suspended or deleted; their status, None when there is no such mechanic."""
    status: str | None = _shared.run(session, mechanic=mechanic_id).scalar_one_or_none()
    return status


_shared = Prepared(select(Mechanic.status).where(Mechanic.id == MECHANIC).with_for_update(read=True))


def held_mechanic(mechanic_id: ColumnElement[UUID]) -> Select[UUID]:
    """A statement after which nobody accepts or is offered anything as this mechanic, until the commit."""
    return select(Mechanic.id).where(Mechanic.id == mechanic_id).with_for_update(key_share=True)


def lock_mechanic(session: Session, mechanic_id: UUID) -> str:
    """Until the commit nobody accepts or is offered anything as this mechanic; their status.

    Raises `NotFound`, for who is erased as well.
    """
    held = select(Mechanic.status).where(Mechanic.id == mechanic_id, Mechanic.erased_at.is_(None))
    status = session.execute(held.with_for_update(key_share=True)).scalar_one_or_none()
    if status is None:
        raise NotFound
    return status


def lock_requests(session: Session, *where: ColumnElement[bool]) -> Sequence[UUID]:
    """Lock the session requests, by id, in a statement of its own; the next one sees them as they are then."""
    held = select(SessionRequest.id).where(*where).order_by(SessionRequest.id).with_for_update(key_share=True)
    return session.execute(held).scalars().all()
