"""What the owner did, and why: one append-only table, as `request_events` is for session requests."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from favorites.db import Base
from favorites.models.columns import one_of


class OwnerKind(StrEnum):
    REQUEST_ASSIGNED = "request_assigned"
    REQUEST_OPENED = "request_opened"
    REQUEST_RELEASED = "request_released"
    REQUEST_COMPLETED = "request_completed"
    REQUEST_CANCELLED = "request_cancelled"
    MECHANIC_APPROVED = "mechanic_approved"
    MECHANIC_REFUSED = "mechanic_refused"
    MECHANIC_SUSPENDED = "mechanic_suspended"
    MECHANIC_RESTORED = "mechanic_restored"
    WORKSHOP_ADDED = "workshop_added"
    WORKSHOP_CHANGED = "workshop_changed"
    WORKSHOP_JOINED = "workshop_joined"  # by a mechanic; or left, where the payload has no workshop
    CREDITS_GRANTED = "credits_granted"
    CREDITS_CORRECTED = "credits_corrected"
    CREDITS_REFUNDED = "credits_refunded"  # of a session request
    PAYMENT_REFUNDED = "payment_refunded"  # of a session request
    FLAG_SET = "flag_set"
    SETTING_CHANGED = "setting_changed"
    SENDING_RETRIED = "sending_retried"  # a push, a mail or a refund
    DATA_EXPORTED = "data_exported"
    PERSON_ERASED = "person_erased"


class Reason(StrEnum):
    """Why the owner moved a session request, as its payload keeps it."""

    WAITS_TOO_LONG = "waits_too_long"
    CUSTOMER_ASKED = "customer_asked"
    MECHANIC_ASKED = "mechanic_asked"
    NO_SHOW = "no_show"
    BY_MISTAKE = "by_mistake"
    OTHER = "other"


class OwnerEvent(Base):
    __tablename__ = "owner_events"
    __table_args__ = (
        one_of("kind", OwnerKind, "kind_known"),
        Index("owner_events_subject_id_idx", "subject_id", postgresql_where=text("subject_id IS NOT NULL")),
        {"comment": "What the owner did and why; append-only, without keys to people: history outlives them"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, comment="Counts")
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"), comment="When")
    kind: Mapped[str] = mapped_column(comment="What was done")
    actor: Mapped[str] = mapped_column(comment="admin:ID, customer:ID, or system: the command line")
    subject_id: Mapped[UUID | None] = mapped_column(
        comment="To which session request, mechanic, customer or workshop; NULL: to the house"
    )
    payload: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'"), comment="Codes, ids, numbers and times; never words of or about a person"
    )
    note: Mapped[str] = mapped_column(
        server_default=text("''"), comment="The owner’s own words; emptied when the person they are about is erased"
    )
