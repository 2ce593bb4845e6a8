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
        CheckConstraint("length(summary) BETWEEN 1 AND 2000", name="summary_has_a_length"),
        CheckConstraint("(summary IS NULL) = (summary_at IS NULL)", name="summary_has_a_time"),
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
    summary: Mapped[str | None] = mapped_column(comment="What the mechanic found, at most 2,000 characters")
    summary_at: Mapped[datetime | None] = mapped_column(comment="When the summary was last written")

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
        CheckConstraint("length(client_key) BETWEEN 1 AND 64", name="client_key_has_a_length"),
        # Whoever has read up to a number has missed nothing before it.
        Index("messages_number_once_per_consultation", "session_id", "number", unique=True),
        # What is sent twice, by a retry or from two tabs, is said once.
        Index("messages_client_key_once_per_author", "session_id", "user_id", "client_key", unique=True),
        {"comment": "The talk of a consultation"},
    )

    id: Mapped[Key]
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), comment="The consultation")
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), comment="Who wrote it")
    body: Mapped[str] = mapped_column(comment="At most 2,000 characters")
    at: Mapped[CreatedAt]
    number: Mapped[int] = mapped_column(comment="1, 2, 3 … in this consultation, in the order of the commits")
    mechanic_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("mechanics.id", ondelete="SET NULL"), comment="With whom the talk was; no other mechanic reads it"
    )
    client_key: Mapped[str | None] = mapped_column(comment="Random, from the page: a message sent twice is one")


class Photo(Base):
    __tablename__ = "photos"
    __table_args__ = (
        CheckConstraint("octet_length(content) <= 4194304 AND octet_length(preview) <= 262144", name="sizes_fit"),
        CheckConstraint("width > 0 AND height > 0", name="has_an_area"),
        {"comment": "Photos of a talk, each with its message; encoded anew, without what a camera writes beside it"},
    )

    message_id: Mapped[UUID] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, comment="The message that it is"
    )
    content: Mapped[bytes] = mapped_column(comment="JPEG", deferred=True)
    preview: Mapped[bytes] = mapped_column(comment="JPEG, small, for the list", deferred=True)
    width: Mapped[int] = mapped_column(comment="Of the preview, pixels")
    height: Mapped[int] = mapped_column(comment="Of the preview, pixels")


class SessionRead(Base):
    __tablename__ = "session_reads"
    __table_args__ = ({"comment": "How far each of the two has read the talk"},)

    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True, comment="The consultation"
    )
    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, comment="Who reads"
    )
    number: Mapped[int] = mapped_column(comment="Of the last message that was on their screen")
    read_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"), comment="When it was")
