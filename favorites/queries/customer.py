"""What a customer sees on their own pages: favorites, mechanics to find, plans and credits, what they booked before."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, Subquery, exists, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import joinedload

from favorites.db import Session
from favorites.models import (
    Consultation,
    CreditEntry,
    CustomerFavorite,
    Mechanic,
    MechanicStatus,
    Plan,
    SessionRequest,
    Status,
    Workshop,
)
from favorites.models.consultation import ConsultationStatus
from favorites.models.session_request import is_open
from favorites.queries.presence import OFFLINE, Presence, presences

MANY = 200  # rows on one page; a search finds the others


class Favorite(NamedTuple):
    """A favorite mechanic and what was done together; money in cents."""

    mechanic: Mechanic
    presence: Presence
    services: int
    spent_cents: int
    last_at: datetime | None


class Found(NamedTuple):
    """A mechanic anybody can find."""

    mechanic: Mechanic
    presence: Presence
    is_favorite: bool


class Past(NamedTuple):
    """A session request that is over; `can_be_favorite`: completed by somebody approved who is no favorite yet."""

    session_request: SessionRequest
    can_be_favorite: bool


class Offer(NamedTuple):
    """A plan as this customer may choose it."""

    plan: Plan
    is_used: bool


def favorites(session: Session, customer_id: UUID, name: str = "") -> list[Favorite]:
    """The customer's favorites, the latest served first; `name` narrows them to names that contain it."""
    history = _history(customer_id)
    rows = session.execute(
        select(
            Mechanic, func.coalesce(history.c.services, 0), func.coalesce(history.c.spent_cents, 0), history.c.last_at
        )
        .join(CustomerFavorite, CustomerFavorite.mechanic_id == Mechanic.id)
        .outerjoin(history, history.c.mechanic_id == Mechanic.id)
        .where(CustomerFavorite.customer_id == customer_id, _named(name))
        .options(joinedload(Mechanic.workshop))
        .order_by(history.c.last_at.desc().nulls_last(), Mechanic.first_name, Mechanic.id)
        .limit(MANY)
    ).all()
    seen = presences_or_offline(session, [row[0].id for row in rows])
    return [
        Favorite(mechanic, seen[mechanic.id], services, spent, last_at) for mechanic, services, spent, last_at in rows
    ]


def _history(customer_id: UUID) -> Subquery:
    """By mechanic, from the completed session requests: nothing is counted twice, nothing can drift."""
    return (
        select(
            SessionRequest.mechanic_id,
            func.count().label("services"),
            func.sum(Consultation.price_cents).label("spent_cents"),
            func.max(SessionRequest.closed_at).label("last_at"),
        )
        .outerjoin(Consultation, Consultation.id == SessionRequest.session_id)
        .where(SessionRequest.customer_id == customer_id, SessionRequest.status == Status.COMPLETED)
        .group_by(SessionRequest.mechanic_id)
        .subquery()
    )


def _named(name: str) -> ColumnElement[bool]:
    return func.concat(Mechanic.first_name, " ", Mechanic.last_name).icontains(name, autoescape=True)


def mechanics(session: Session, customer_id: UUID, name: str = "") -> list[Found]:
    """The approved mechanics by name, and whether each is the customer's favorite."""
    rows = session.execute(
        select(Mechanic, _is_favorite(customer_id, Mechanic.id))
        .where(Mechanic.status == MechanicStatus.APPROVED, _named(name))
        .options(joinedload(Mechanic.workshop))
        .order_by(Mechanic.first_name, Mechanic.last_name, Mechanic.id)
        .limit(MANY)
    ).all()
    seen = presences_or_offline(session, [row[0].id for row in rows])
    return [Found(mechanic, seen[mechanic.id], is_favorite) for mechanic, is_favorite in rows]


def bookable(session: Session, customer_id: UUID, mechanic_id: UUID) -> Found | None:
    """The mechanic as this customer may know them: approved, or a favorite whatever became of them; else None."""
    is_favorite = _is_favorite(customer_id, Mechanic.id)
    known = (Mechanic.status == MechanicStatus.APPROVED) | is_favorite
    row = session.execute(
        select(Mechanic, is_favorite).where(Mechanic.id == mechanic_id, known).options(joinedload(Mechanic.workshop))
    ).one_or_none()
    return Found(row[0], presences_or_offline(session, [mechanic_id])[mechanic_id], row[1]) if row else None


def _is_favorite(
    customer_id: UUID, mechanic_id: SQLColumnExpression[UUID] | SQLColumnExpression[UUID | None]
) -> ColumnElement[bool]:
    return exists().where(CustomerFavorite.customer_id == customer_id, CustomerFavorite.mechanic_id == mechanic_id)


def presences_or_offline(session: Session, mechanic_ids: Iterable[UUID]) -> dict[UUID, Presence]:
    """Everyone's presence; who cannot be read is offline, since booking does not depend on it."""
    ids = list(mechanic_ids)
    try:
        with session.begin_nested():
            seen = presences(session, ids)
    except SQLAlchemyError:
        seen = {}
    return {mechanic_id: seen.get(mechanic_id, OFFLINE) for mechanic_id in ids}


def offers(session: Session, customer_id: UUID) -> list[Offer]:
    """The plans in their order; the free one is used while a consultation of it is ready, live or completed."""
    holding = [ConsultationStatus.READY, ConsultationStatus.LIVE, ConsultationStatus.COMPLETED]
    used = exists().where(
        Consultation.customer_id == customer_id,
        Consultation.plan_code == Plan.code,
        Plan.price_cents == 0,
        Consultation.status.in_(holding),
    )
    rows = session.execute(select(Plan, used).where(Plan.is_active).order_by(Plan.position)).all()
    return [Offer(plan, is_used) for plan, is_used in rows]


def credits_left(session: Session, customer_id: UUID) -> int:
    """The sum of the ledger."""
    balance = select(func.coalesce(func.sum(CreditEntry.credits), 0)).where(CreditEntry.customer_id == customer_id)
    return session.scalar(balance) or 0


def open_request_id(session: Session, customer_id: UUID) -> UUID | None:
    """The session request the customer waits for or works on, if there is one; the table allows one only."""
    return session.scalar(select(SessionRequest.id).where(SessionRequest.customer_id == customer_id, is_open))


def past(session: Session, customer_id: UUID, limit: int = 5) -> list[Past]:
    """What is over, the newest first."""
    approved = exists().where(Mechanic.id == SessionRequest.mechanic_id, Mechanic.status == MechanicStatus.APPROVED)
    can_be_favorite = approved & ~_is_favorite(customer_id, SessionRequest.mechanic_id)
    rows = session.execute(
        select(SessionRequest, can_be_favorite & (SessionRequest.status == Status.COMPLETED))
        .where(SessionRequest.customer_id == customer_id, ~is_open)
        .options(joinedload(SessionRequest.mechanic), joinedload(SessionRequest.consultation))
        .order_by(SessionRequest.created_at.desc())
        .limit(limit)
    ).all()
    return [Past(session_request, can_be_favorite) for session_request, can_be_favorite in rows]


def workshop_by_slug(session: Session, slug: str) -> Workshop | None:
    """The workshop of a link, open or closed."""
    return session.scalar(select(Workshop).where(Workshop.slug == slug))


def workshop(session: Session, workshop_id: UUID) -> Workshop | None:
    """The workshop, if it is active."""
    return session.scalar(select(Workshop).where(Workshop.id == workshop_id, Workshop.is_active))
