"""The session request: one customer's wish for a mechanic, its states, and the conditions everybody shares."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    ColumnElement,
    Computed,
    ForeignKey,
    Index,
    Uuid,
    and_,
    exists,
    func,
    literal,
    or_,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from favorites.db import Base, clock
from favorites.models.columns import CreatedAt, Key, one_of
from favorites.models.consultation import Consultation
from favorites.models.people import Customer, Mechanic, MechanicStatus, Workshop


class Status(StrEnum):
    PENDING = "pending"  # from nothing, or released
    ACCEPTED = "accepted"  # from pending
    COMPLETED = "completed"  # from accepted
    CANCELLED = "cancelled"  # from pending, or accepted and not started
    EXPIRED = "expired"  # from pending, long after its broadcast


class RoutingType(StrEnum):
    BROADCAST = "broadcast"
    PRIORITY_BROADCAST = "priority_broadcast"
    WORKSHOP_ONLY = "workshop_only"
    HYBRID = "hybrid"


class FallbackReason(StrEnum):
    NO_RESPONSE = "preferred_mechanic_no_response"
    DECLINED = "preferred_mechanic_declined"
    CUSTOMER_OPENED = "customer_opened"
    UNAVAILABLE = "preferred_mechanic_unavailable"
    ERROR = "error"
    RELEASED = "released"


TRIES = 3  # the sweep's, of a session request on which it fails


class SessionRequest(Base):
    __tablename__ = "session_requests"
    __table_args__ = (
        one_of("status", Status, "status_known"),
        one_of("routing_type", RoutingType, "routing_type_known"),
        one_of("fallback_reason", FallbackReason, "fallback_reason_known"),
        CheckConstraint("priority_window_minutes BETWEEN 1 AND 120", name="window_makes_sense"),
        # Somebody is on the way: nobody may be deleted from under a waiting customer.
        CheckConstraint(
            "status <> 'accepted' OR (mechanic_id IS NOT NULL AND accepted_at IS NOT NULL)",
            name="accepted_has_a_mechanic",
        ),
        CheckConstraint(
            "(status IN ('completed', 'cancelled', 'expired')) = (closed_at IS NOT NULL)", name="closed_has_a_time"
        ),
        CheckConstraint("(fallback_broadcast_at IS NULL) = (fallback_reason IS NULL)", name="fallback_has_a_reason"),
        CheckConstraint(
            "status <> 'pending' OR (mechanic_id IS NULL AND accepted_at IS NULL)", name="pending_has_no_mechanic"
        ),
        # A customer has one mechanic to wait for or talk to at a time, whatever the code above does.
        Index(
            "session_requests_one_open_per_customer",
            "customer_id",
            unique=True,
            postgresql_where=text("status IN ('pending', 'accepted')"),
        ),
        # A mechanic drives to one job at a time.
        Index(
            "session_requests_one_active_per_mechanic",
            "mechanic_id",
            unique=True,
            postgresql_where=text("status = 'accepted'"),
        ),
        # A consultation is asked for once.
        Index("session_requests_one_per_consultation", "session_id", unique=True),
        # The seeds' three, as they asked for them.
        Index(
            "session_requests_preferred_mechanic_idx",
            "preferred_mechanic_id",
            postgresql_where=text("preferred_mechanic_id IS NOT NULL"),
        ),
        Index(
            "session_requests_priority_analytics_idx",
            "preferred_mechanic_id",
            "priority_notified_at",
            "status",
            postgresql_where=text("preferred_mechanic_id IS NOT NULL"),
        ),
        Index(
            "session_requests_priority_timeout_idx",
            "priority_notified_at",
            "status",
            postgresql_where=text("priority_notified_at IS NOT NULL AND status = 'pending'"),
        ),
        # The second half keeps the planner from taking it for the poll.
        Index(
            "session_requests_open_expiry_idx",
            "expires_at",
            postgresql_where=text("status = 'pending' AND expires_at IS NOT NULL"),
        ),
        # For figures of a time. A B-tree could be taken for the poll; this one has no order to offer.
        Index(
            "session_requests_offered_at_idx",
            "priority_notified_at",
            postgresql_using="brin",
            postgresql_with={"autosummarize": "on"},
        ),
        Index("session_requests_mechanic_id_idx", "mechanic_id", postgresql_where=text("mechanic_id IS NOT NULL")),
        Index("session_requests_customer_id_idx", "customer_id", "created_at"),
        {"comment": "One customer's wish for a mechanic"},
    )

    id: Mapped[Key]
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), comment="Who asks")
    session_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), comment="The consultation it is for"
    )
    customer_name: Mapped[str] = mapped_column(server_default=text("''"), comment="As it was when asked")
    session_type: Mapped[str] = mapped_column(comment="chat, video or diagnostic")
    plan_code: Mapped[str] = mapped_column(ForeignKey("plans.code"), comment="Which plan")
    status: Mapped[str] = mapped_column(
        server_default=text("'pending'"), comment="pending, accepted, completed, cancelled or expired"
    )
    created_at: Mapped[CreatedAt]
    preferred_mechanic_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("mechanics.id", ondelete="SET NULL"),
        comment="The favorite mechanic who is asked first; NULL when there is no preference",
    )
    priority_window_minutes: Mapped[int] = mapped_column(
        server_default=text("10"),
        comment="How long only the preferred mechanic may answer, minutes; frozen when the session request is made",
    )
    priority_notified_at: Mapped[datetime | None] = mapped_column(
        comment="When the preferred mechanic was asked: the start of the priority window; NULL when there was none"
    )
    priority_expires_at: Mapped[datetime | None] = mapped_column(
        Computed(
            "(((priority_notified_at AT TIME ZONE 'UTC') + make_interval(mins => priority_window_minutes))"
            " AT TIME ZONE 'UTC')",
            persisted=True,
        ),
        comment="End of the priority window; computed by the table",
    )
    mechanic_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("mechanics.id", ondelete="SET NULL"), comment="Who accepted"
    )
    accepted_at: Mapped[datetime | None] = mapped_column(comment="When they accepted")
    expires_at: Mapped[datetime | None] = mapped_column(
        comment="When it expires if nobody takes it; NULL inside a window"
    )
    fallback_broadcast_at: Mapped[datetime | None] = mapped_column(comment="When everyone was asked after a window")
    fallback_reason: Mapped[str | None] = mapped_column(comment="Why everyone was asked")
    declined_at: Mapped[datetime | None] = mapped_column(comment="When the preferred mechanic declined")
    released_from: Mapped[list[UUID]] = mapped_column(
        ARRAY(Uuid), server_default=text("'{}'"), comment="Every mechanic it was taken back from"
    )
    closed_at: Mapped[datetime | None] = mapped_column(comment="When it was completed, cancelled or expired")
    workshop_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("workshops.id", ondelete="SET NULL"), comment="The workshop it was asked through"
    )
    routing_type: Mapped[str] = mapped_column(
        server_default=text("'broadcast'"), comment="broadcast, priority_broadcast, workshop_only or hybrid"
    )
    attempts: Mapped[int] = mapped_column(server_default=text("0"), comment="How often the sweep failed on this row")

    customer: Mapped[Customer] = relationship(lazy="raise_on_sql")
    consultation: Mapped[Consultation | None] = relationship(lazy="raise_on_sql")
    mechanic: Mapped[Mechanic | None] = relationship(foreign_keys=[mechanic_id], lazy="raise_on_sql")
    preferred_mechanic: Mapped[Mechanic | None] = relationship(
        foreign_keys=[preferred_mechanic_id], lazy="raise_on_sql"
    )
    workshop: Mapped[Workshop | None] = relationship(lazy="raise_on_sql")


# Conditions get names: one definition, used by the list, the detail, the accept, the sweep and the stream.
# psycopg2 writes the words into the statement, so the planner can prove the partial indexes.
is_pending: ColumnElement[bool] = SessionRequest.status == Status.PENDING
is_accepted: ColumnElement[bool] = SessionRequest.status == Status.ACCEPTED
is_open: ColumnElement[bool] = SessionRequest.status.in_([Status.PENDING, Status.ACCEPTED])
had_window: ColumnElement[bool] = SessionRequest.priority_notified_at.is_not(None)
window_not_announced_over: ColumnElement[bool] = and_(had_window, SessionRequest.fallback_broadcast_at.is_(None))
window_is_open: ColumnElement[bool] = and_(
    is_pending, window_not_announced_over, SessionRequest.priority_expires_at > clock()
)
# When it stopped waiting; for a pending one that is now.
waited_until: ColumnElement[datetime] = func.coalesce(SessionRequest.accepted_at, SessionRequest.closed_at, clock())
# It never had a window, or left it pending: by an announcement, or by the clock alone.
everyone_was_asked: ColumnElement[bool] = or_(
    SessionRequest.priority_notified_at.is_(None),
    SessionRequest.fallback_broadcast_at.is_not(None),
    SessionRequest.priority_expires_at <= waited_until,
)
# The window ran its whole length without an answer.
has_lapsed: ColumnElement[bool] = and_(
    had_window,
    SessionRequest.priority_expires_at <= waited_until,
    func.coalesce(SessionRequest.fallback_reason, FallbackReason.NO_RESPONSE) == FallbackReason.NO_RESPONSE,
)


# A mechanic's id, or the place for one in a statement that is made once.
AMechanic = UUID | BindParameter[UUID]


def is_preferred(mechanic_id: AMechanic) -> ColumnElement[bool]:
    """The session request was made for this mechanic."""
    return SessionRequest.preferred_mechanic_id == mechanic_id


def said_no(mechanic_id: AMechanic) -> ColumnElement[bool]:
    """This mechanic declined it, or it was taken back from them."""
    # NOT DISTINCT: where the mechanic who declined is deleted, "unknown" would hide it from everyone for ever.
    declined = and_(
        SessionRequest.declined_at.is_not(None), SessionRequest.preferred_mechanic_id.is_not_distinct_from(mechanic_id)
    )
    return or_(declined, _given(mechanic_id) == func.any(SessionRequest.released_from))


def is_asked(mechanic_id: AMechanic) -> ColumnElement[bool]:
    """The mechanic is approved, and of the workshop while that alone is asked; a fact about now, not about then."""
    return exists().where(
        Mechanic.id == mechanic_id,
        Mechanic.status == MechanicStatus.APPROVED,
        or_(
            SessionRequest.routing_type != RoutingType.WORKSHOP_ONLY, SessionRequest.workshop_id == Mechanic.workshop_id
        ),
    )


def was_asked(mechanic_id: AMechanic) -> ColumnElement[bool]:
    """Whose it ever was to see: the preferred mechanic's, and every eligible mechanic's once it left its window.

    A mechanic who declined still knows of it; one who was never asked does not.
    """
    asked = or_(is_preferred(mechanic_id), everyone_was_asked, SessionRequest.mechanic_id == mechanic_id)
    return and_(asked, is_asked(mechanic_id))


def open_to(mechanic_id: AMechanic) -> ColumnElement[bool]:
    """The mechanic may see it now, and accept it unless they are on another job."""
    asked = or_(everyone_was_asked, is_preferred(mechanic_id))
    return and_(is_pending, asked, ~said_no(mechanic_id), is_asked(mechanic_id))


def is_free(mechanic_id: AMechanic) -> ColumnElement[bool]:
    """The mechanic has no active consultation."""
    return ~exists().where(_another.mechanic_id == mechanic_id, _another.status == Status.ACCEPTED)


_another = aliased(SessionRequest)  # made once: each time it took a quarter of an accept


def _given(mechanic_id: AMechanic) -> ColumnElement[UUID]:
    return mechanic_id if isinstance(mechanic_id, BindParameter) else literal(mechanic_id)
