"""The cars a customer keeps for the next booking. An intake copies one, so what changes here changes no old intake."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from favorites.db import Base
from favorites.models.columns import CreatedAt, Key
from favorites.models.consultation import in_one_line

SAVED_AT_MOST = 20  # by one customer
IDENTITY = (
    "CASE WHEN vin <> '' THEN vin ELSE lower(((((((year)::text || ' ') || make) || ' ') || model) || ' ') || plate) END"
)


class Vehicle(Base):
    __tablename__ = "vehicles"
    __table_args__ = (
        CheckConstraint("vin = '' OR length(vin) = 17", name="vin_is_whole"),
        # What a mechanic can do nothing with is not worth keeping.
        CheckConstraint("vin <> '' OR (year IS NOT NULL AND make <> '' AND model <> '')", name="car_is_known"),
        # The same car is saved once, however often it is booked.
        Index("vehicles_once_per_customer", "customer_id", "identity", unique=True),
        {"comment": "Cars that customers keep for the next booking"},
    )

    id: Mapped[Key]
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), comment="Whose")
    vin: Mapped[str] = mapped_column(server_default=text("''"), comment="17 characters, or empty")
    year: Mapped[int | None] = mapped_column(comment="When it was made")
    make: Mapped[str] = mapped_column(server_default=text("''"), comment="Who made it")
    model: Mapped[str] = mapped_column(server_default=text("''"), comment="What it is called")
    plate: Mapped[str] = mapped_column(server_default=text("''"), comment="License plate")
    identity: Mapped[str] = mapped_column(
        Computed(IDENTITY, persisted=True),
        comment="What makes it this car: the VIN, else all the rest; computed by the table",
    )
    used_at: Mapped[datetime] = mapped_column(
        server_default=text("clock_timestamp()"), comment="When it was saved or last booked with"
    )
    created_at: Mapped[CreatedAt]

    @property
    def title(self) -> str:
        """What its owner calls it: year, make and model, or the VIN where nothing else was told."""
        return in_one_line(self.year, self.make, self.model) or f"VIN {self.vin}"

    @property
    def marks(self) -> str:
        """What tells two of the same kind apart; empty when there is nothing."""
        vin = f"VIN {self.vin}" if self.vin and in_one_line(self.year, self.make, self.model) else ""
        return " · ".join(mark for mark in (self.plate, vin) if mark)
