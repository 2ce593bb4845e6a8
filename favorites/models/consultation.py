"""What was booked: the consultation with its intake, waiver and talk. The table keeps the seeds' name, `sessions`."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column, relationship

from favorites.db import Base
from favorites.models.columns import CreatedAt, Key, one_of
from favorites.models.money import Plan


class ConsultationStatus(StrEnum):
    DRAFT = "draft"  # the intake is stored
    READY = "ready"  # from draft: waiver signed, paid for or free
    LIVE = "live"  # from ready: the mechanic pressed Start
    COMPLETED = "completed"  # from live
    CANCELLED = "cancelled"  # from draft or ready


class PaidBy(StrEnum):
    FREE = "free"
    CREDITS = "credits"
    PAYMENT = "payment"


class Consultation(Base):
    __tablename__ = "sessions"
    __table_args__ = (
        one_of("status", ConsultationStatus, "status_known"),
        one_of("paid_by", PaidBy, "paid_by_known"),
        # The free plan is once for each customer; a cancelled or expired one is given back.
        Index(
            "sessions_one_free_per_customer",
            "customer_id",
            unique=True,
            postgresql_where=text("plan_code = 'free' AND status IN ('ready', 'live', 'completed')"),
        ),
        # A form sent twice is one consultation.
        Index("sessions_form_key_once_per_customer", "customer_id", "form_key", unique=True),
        {"comment": "Consultations: what was booked"},
    )

    id: Mapped[Key]
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), comment="Who booked")
    plan_code: Mapped[str] = mapped_column(ForeignKey("plans.code"), comment="Which plan")
    session_type: Mapped[str] = mapped_column(comment="chat, video or diagnostic")
    status: Mapped[str] = mapped_column(
        server_default=text("'draft'"), comment="draft, ready, live, completed or cancelled"
    )
    price_cents: Mapped[int] = mapped_column(comment="The plan's price when it was chosen")
    currency: Mapped[str] = mapped_column(comment="ISO 4217")
    paid_by: Mapped[str | None] = mapped_column(comment="free, credits or payment; set when it is ready")
    meta: Mapped[dict[str, Any]] = mapped_column(
        "metadata",
        server_default=text("'{}'"),
        comment="The choice: preferred_mechanic_id, routing_type, workshop_id; keys absent when not given",
    )
    form_key: Mapped[str | None] = mapped_column(comment="The intake form's random key")
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None] = mapped_column(comment="When the mechanic pressed Start")
    closed_at: Mapped[datetime | None] = mapped_column(comment="When it was completed or cancelled")

    plan: Mapped[Plan] = relationship(lazy="joined", innerjoin=True)
    intake: Mapped["Intake | None"] = relationship(lazy="raise_on_sql")
    waiver: Mapped["Waiver | None"] = relationship(lazy="raise_on_sql")


class Intake(Base):
    __tablename__ = "intakes"
    __table_args__ = (
        CheckConstraint("vin = '' OR length(vin) = 17", name="vin_is_whole"),
        {"comment": "What the customer told about car and concern"},
    )

    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True, comment="The consultation"
    )
    name: Mapped[str] = mapped_column(comment="Of the customer")
    email: Mapped[str] = mapped_column(comment="How to reach them")
    phone: Mapped[str] = mapped_column(comment="How to reach them")
    city: Mapped[str] = mapped_column(server_default=text("''"), comment="Where the car is")
    vin: Mapped[str] = mapped_column(server_default=text("''"), comment="17 characters, or empty")
    year: Mapped[int | None] = mapped_column(comment="Of the vehicle")
    make: Mapped[str] = mapped_column(server_default=text("''"), comment="Of the vehicle")
    model: Mapped[str] = mapped_column(server_default=text("''"), comment="Of the vehicle")
    odometer: Mapped[int | None] = mapped_column(comment="As shown, no unit")
    plate: Mapped[str] = mapped_column(server_default=text("''"), comment="License plate")
    concern: Mapped[str] = mapped_column(comment="In the customer's words")
    urgent: Mapped[bool] = mapped_column(server_default=text("false"), comment="As the customer sees it")

    @property
    def vehicle(self) -> str:
        """Year, make and model as one line, without what identifies the car; empty when only a VIN was given."""
        return in_one_line(self.year, self.make, self.model)


def in_one_line(*parts: int | str | None) -> str:
    """Those that were given."""
    return " ".join(str(part) for part in parts if part)


class Waiver(Base):
    __tablename__ = "waivers"
    __table_args__ = ({"comment": "The consultation agreement, signed once for each intake"},)

    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True, comment="The consultation"
    )
    version: Mapped[str] = mapped_column(comment="Of the text that was shown")
    full_name: Mapped[str] = mapped_column(comment="As typed")
    signed_at: Mapped[CreatedAt]
    ip: Mapped[str | None] = mapped_column(INET, comment="Through trusted proxies only")
    user_agent: Mapped[str] = mapped_column(server_default=text("''"), comment="Of the browser, at most 400 characters")


class Message(Base):
    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("length(body) BETWEEN 1 AND 2000", name="body_has_a_length"),
        Index("messages_session_id_idx", "session_id", "at"),
        {"comment": "The talk of a consultation"},
    )

    id: Mapped[Key]
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), comment="The consultation")
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), comment="Who wrote it")
    body: Mapped[str] = mapped_column(comment="At most 2,000 characters")
    at: Mapped[CreatedAt]
