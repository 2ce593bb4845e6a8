"""Plans, the ledger of credits, and payments. Money is integer cents with a currency."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from favorites.db import Base
from favorites.models.columns import CreatedAt, Key, one_of


class Plan(Base):
    __tablename__ = "plans"
    __table_args__ = (
        CheckConstraint("price_cents >= 0 AND minutes > 0 AND credits > 0", name="amounts_make_sense"),
        {"comment": "What can be booked; rows come with a migration"},
    )

    code: Mapped[str] = mapped_column(primary_key=True, comment="free, chat10, video15, diagnostic")
    name: Mapped[str] = mapped_column(comment="As customers see it")
    price_cents: Mapped[int] = mapped_column(comment="0 is free, once for each customer")
    currency: Mapped[str] = mapped_column(server_default=text("'USD'"), comment="ISO 4217")
    minutes: Mapped[int] = mapped_column(comment="How long the consultation is")
    session_type: Mapped[str] = mapped_column(comment="chat, video or diagnostic")
    credits: Mapped[int | None] = mapped_column(comment="Price in credits; NULL: not for credits")
    position: Mapped[int] = mapped_column(comment="Order on the page")
    is_active: Mapped[bool] = mapped_column(server_default=text("true"), comment="False: not offered any more")


class EntryKind(StrEnum):
    GRANT = "grant"
    SPEND = "spend"
    REFUND = "refund"
    CORRECTION = "correction"


class CreditEntry(Base):
    __tablename__ = "credit_entries"
    __table_args__ = (
        one_of("kind", EntryKind, "kind_known"),
        CheckConstraint(
            "(kind = 'spend' AND credits < 0) OR (kind IN ('grant', 'refund') AND credits > 0) OR kind = 'correction'",
            name="sign_fits_kind",
        ),
        # A consultation is paid for once and given back once, however often either is tried.
        Index(
            "credit_entries_once_per_consultation",
            "session_id",
            "kind",
            unique=True,
            postgresql_where=text("session_id IS NOT NULL"),
        ),
        Index("credit_entries_customer_id_idx", "customer_id"),
        {"comment": "A ledger: the balance is the sum, rows are never changed"},
    )

    id: Mapped[Key]
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), comment="Whose")
    session_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("sessions.id", ondelete="SET NULL"), comment="The consultation it was for"
    )
    kind: Mapped[str] = mapped_column(comment="grant, spend, refund or correction")
    credits: Mapped[int] = mapped_column(comment="Signed")
    note: Mapped[str] = mapped_column(server_default=text("''"), comment="Why, for the owner")
    at: Mapped[CreatedAt]


class PaymentStatus(StrEnum):
    STARTED = "started"
    PAID = "paid"  # from started
    REFUNDED = "refunded"  # from paid


class Payment(Base):
    __tablename__ = "payments"
    __table_args__ = (
        one_of("status", PaymentStatus, "status_known"),
        # One consultation is paid for once.
        Index(
            "payments_one_paid_per_consultation", "session_id", unique=True, postgresql_where=text("status = 'paid'")
        ),
        Index("payments_reference_key", "provider", "reference", unique=True),
        {"comment": "What a payment provider told us"},
    )

    id: Mapped[Key]
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), comment="The consultation")
    provider: Mapped[str] = mapped_column(comment="demo or stripe")
    reference: Mapped[str] = mapped_column(comment="The provider's own key")
    amount_cents: Mapped[int] = mapped_column(comment="What was asked")
    currency: Mapped[str] = mapped_column(comment="ISO 4217")
    status: Mapped[str] = mapped_column(server_default=text("'started'"), comment="started, paid or refunded")
    created_at: Mapped[CreatedAt]
    paid_at: Mapped[datetime | None] = mapped_column(comment="When the provider confirmed it")
    refunded_at: Mapped[datetime | None] = mapped_column(comment="When it was given back")
