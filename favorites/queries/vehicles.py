"""A customer's saved cars."""

from uuid import UUID

from sqlalchemy import select

from favorites.db import Session
from favorites.models import Vehicle


def vehicles(session: Session, customer_id: UUID) -> list[Vehicle]:
    """All of them, the latest used first."""
    saved = select(Vehicle).where(Vehicle.customer_id == customer_id)
    return list(session.scalars(saved.order_by(Vehicle.used_at.desc(), Vehicle.id)))


def vehicle(session: Session, customer_id: UUID, vehicle_id: UUID) -> Vehicle | None:
    """The customer's own; None for anybody else's."""
    return session.scalar(select(Vehicle).where(Vehicle.id == vehicle_id, Vehicle.customer_id == customer_id))
