"""Plans, the ledger of credits, and payments. Money is integer cents with a currency."""

from datetime import datetime
from enum import StrEnum
from typing import Any
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
    note: Mapped[str] = mapped_column(
        server_default=text("''"), comment="Why, for the owner; emptied when the customer is erased"
    )
    at: Mapped[CreatedAt]


class PaymentStatus(StrEnum):
    STARTED = "started"
    FAILED = "failed"  # from started: the bank refused it, or it was not paid in time
    PAID = "paid"  # from started
    REFUNDING = "refunding"  # from started or paid: owed back, and not yet confirmed by the provider
    REFUNDED = "refunded"  # from started, paid or refunding


class RefundReason(StrEnum):
    """Why a payment goes back."""

    CANCELLED = "cancelled"
    EXPIRED = "expired"
    OPEN_REQUEST = "open_request"  # another session request of theirs was open
    ALREADY_PAID = "already_paid"  # by credits, or by another payment
    NOT_BOOKABLE = "not_bookable"  # the consultation was cancelled before, or was not signed
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    OWNER = "owner"
    BY_PROVIDER = "by_provider"  # in the provider's own dashboard


AFTERWARDS = (RefundReason.OWNER, RefundReason.BY_PROVIDER)  # what it was paid for may have taken place

WAS_PAID = "status IN ('paid', 'refunding', 'refunded')"


AT_THE_BANK = "pending"  # the problem of a refund that merely takes its days


class Payment(Base):
    __tablename__ = "payments"
    __table_args__ = (
        one_of("status", PaymentStatus, "status_known"),
        one_of("refund_reason", RefundReason, "refund_reason_known"),
        CheckConstraint(f"({WAS_PAID}) = (paid_at IS NOT NULL)", name="paid_has_a_time"),
        CheckConstraint("(status = 'refunded') = (refunded_at IS NOT NULL)", name="refunded_has_a_time"),
        # What is owed back says why, and is tried until the provider has confirmed it; what is disputed is the bank's.
        CheckConstraint(
            "CASE WHEN status = 'refunding' THEN refund_reason IS NOT NULL AND (refund_due_at IS NULL) = "
            "(disputed_at IS NOT NULL) ELSE refund_due_at IS NULL END",
            name="owed_back_is_due",
        ),
        CheckConstraint(f"disputed_at IS NULL OR {WAS_PAID}", name="disputed_was_paid"),
        CheckConstraint("(received_cents IS NULL) = (received_currency IS NULL)", name="received_has_a_currency"),
        # One consultation is paid for once.
        Index(
            "payments_one_paid_per_consultation", "session_id", unique=True, postgresql_where=text("status = 'paid'")
        ),
        Index("payments_reference_key", "provider", "reference", unique=True),
        Index("payments_charge_key", "provider", "charge", unique=True, postgresql_where=text("charge IS NOT NULL")),
        Index("payments_session_id_idx", "session_id"),
        Index("payments_ask_due_idx", "ask_due_at", postgresql_where=text("ask_due_at IS NOT NULL")),
        Index("payments_refund_due_idx", "refund_due_at", postgresql_where=text("refund_due_at IS NOT NULL")),
        {"comment": "What a payment provider told us; never anything of a card"},
    )

    id: Mapped[Key]
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), comment="The consultation")
    provider: Mapped[str] = mapped_column(comment="demo or stripe")
    reference: Mapped[str] = mapped_column(comment="The provider's own key")
    amount_cents: Mapped[int] = mapped_column(comment="What was asked")
    currency: Mapped[str] = mapped_column(comment="ISO 4217")
    status: Mapped[str] = mapped_column(
        server_default=text("'started'"), comment="started, failed, paid, refunding or refunded"
    )
    created_at: Mapped[CreatedAt]
    paid_at: Mapped[datetime | None] = mapped_column(comment="When the provider confirmed it")
    refunded_at: Mapped[datetime | None] = mapped_column(comment="When the provider confirmed that it was given back")
    url: Mapped[str | None] = mapped_column(comment="The provider's page, where it is paid")
    url_until: Mapped[datetime | None] = mapped_column(comment="Until when it can be paid there")
    awaited_at: Mapped[datetime | None] = mapped_column(
        comment="When the customer had done their part while the bank had not answered"
    )
    ask_due_at: Mapped[datetime | None] = mapped_column(
        comment="When we ask the provider what became of it, or what it costs; NULL: we know"
    )
    charge: Mapped[str | None] = mapped_column(comment="The provider's key of the payment itself")
    fee_cents: Mapped[int | None] = mapped_column(comment="What the provider keeps; NULL: not known yet")
    received_cents: Mapped[int | None] = mapped_column(comment="What was paid")
    received_currency: Mapped[str | None] = mapped_column(comment="ISO 4217")
    refund_reason: Mapped[str | None] = mapped_column(comment="Why it goes back, a code")
    refund_reference: Mapped[str | None] = mapped_column(comment="The provider's key of the refund")
    refund_tries: Mapped[int] = mapped_column(server_default=text("0"), comment="How often we asked for the refund")
    refund_due_at: Mapped[datetime | None] = mapped_column(comment="When we ask for the refund, again or at first")
    refund_problem: Mapped[str | None] = mapped_column(comment="Why it was not confirmed, the provider's code")
    disputed_at: Mapped[datetime | None] = mapped_column(
        comment="When the customer's bank took it back; from then on we give nothing back ourselves"
    )

    @property
    def is_at_the_bank(self) -> bool:
        """Its refund waits for the customer's bank."""
        return self.refund_problem == AT_THE_BANK


class PaymentEventKind(StrEnum):
    """What of a provider's events we act on, by the provider's own words."""

    COMPLETED = "checkout.session.completed"
    SUCCEEDED = "checkout.session.async_payment_succeeded"
    FAILED = "checkout.session.async_payment_failed"
    EXPIRED = "checkout.session.expired"
    REFUNDED = "charge.refunded"
    REFUND_UPDATED = "refund.updated"
    REFUND_FAILED = "refund.failed"
    DISPUTED = "charge.dispute.created"


class PaymentEvent(Base):
    __tablename__ = "payment_events"
    __table_args__ = (
        one_of("kind", PaymentEventKind, "kind_known"),
        CheckConstraint("(applied_at IS NULL) = (outcome IS NULL)", name="applied_has_an_outcome"),
        # Those whose payment is not there: few, and looked at with each payment that is started.
        Index("payment_events_kept_idx", "reference", postgresql_where=text("applied_at IS NULL")),
        {"comment": "What a payment provider told us by itself, each once"},
    )

    id: Mapped[str] = mapped_column(primary_key=True, comment="The provider's own key of the event")
    kind: Mapped[str] = mapped_column(comment="The provider's word for what happened")
    reference: Mapped[str] = mapped_column(comment="Of which payment: the provider's key of it, or of its charge")
    payload: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'"), comment="The few fields that we use; never anything of a card, name or address"
    )
    occurred_at: Mapped[datetime] = mapped_column(comment="When it happened, by the provider's clock")
    received_at: Mapped[datetime] = mapped_column(
        server_default=text("clock_timestamp()"), comment="When it first reached us"
    )
    applied_at: Mapped[datetime | None] = mapped_column(
        comment="When it had its effect; NULL: its payment is not there, it is kept"
    )
    outcome: Mapped[str | None] = mapped_column(comment="applied, nothing (it changed nothing) or unmatched")
