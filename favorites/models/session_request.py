"""The session request: one customer's wish for a mechanic, its states, and the conditions everybody shares."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Computed,
    ForeignKey,
    Index,
    Interval,
    SQLColumnExpression,
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
from favorites.settings import current


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


LONGEST_WINDOW, EXTENSION = 120, 5  # minutes; of the one that a mechanic may take
TRIES = 3  # the sweep's, of a session request on which it fails


class SessionRequest(Base):
    __tablename__ = "session_requests"
    __table_args__ = (
        one_of("status", Status, "status_known"),
        one_of("routing_type", RoutingType, "routing_type_known"),
        one_of("fallback_reason", FallbackReason, "fallback_reason_known"),
        CheckConstraint(f"priority_window_minutes BETWEEN 1 AND {LONGEST_WINDOW}", name="window_makes_sense"),
        CheckConstraint("request_lifetime_minutes >= 1 AND start_grace_minutes >= 1", name="times_make_sense"),
        # Only what was offered is delivered.
        CheckConstraint("delivered_at IS NULL OR priority_notified_at IS NOT NULL", name="delivered_was_offered"),
        CheckConstraint("extended_at IS NULL OR priority_notified_at IS NOT NULL", name="extended_had_window"),
        CheckConstraint("workshop_over_at IS NULL OR workshop_until IS NOT NULL", name="workshop_over_had_head_start"),
        CheckConstraint(
            "workshop_until IS NULL OR routing_type = 'hybrid'"
            " OR (routing_type = 'broadcast' AND workshop_over_at IS NOT NULL)",
            name="head_start_is_of_workshop",
        ),
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
        # Who is given a job has it: taken back, it is nobody's.
        CheckConstraint("assigned_at IS NULL OR accepted_at IS NOT NULL", name="assigned_is_accepted"),
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
        # For the poll: head starts that nobody has announced over.
        Index(
            "session_requests_head_start_idx",
            "workshop_until",
            postgresql_where=text("status = 'pending' AND workshop_until IS NOT NULL AND workshop_over_at IS NULL"),
        ),
        # For figures of a time. A B-tree could be taken for the poll; this one has no order to offer.
        Index(
            "session_requests_offered_at_idx",
            "priority_notified_at",
            postgresql_using="brin",
            postgresql_with={"autosummarize": "on"},
        ),
        Index(
            "session_requests_created_at_idx",
            "created_at",
            postgresql_using="brin",
            postgresql_with={"autosummarize": "on"},
        ),
        Index("session_requests_mechanic_id_idx", "mechanic_id", postgresql_where=text("mechanic_id IS NOT NULL")),
        Index("session_requests_customer_id_idx", "customer_id", "created_at"),
        # What is over, the latest first, for the owner.
        Index("session_requests_closed_at_idx", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
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
    request_lifetime_minutes: Mapped[int | None] = mapped_column(
        comment="How long everyone is asked, minutes; frozen when it is made; NULL: written by hand, the environment's"
    )
    start_grace_minutes: Mapped[int | None] = mapped_column(
        comment="How long the mechanic has to start, minutes; frozen when it is made; NULL: as for the lifetime"
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
    extended_at: Mapped[datetime | None] = mapped_column(
        comment="When the preferred mechanic took 5 minutes more, once; NULL: not"
    )
    delivered_at: Mapped[datetime | None] = mapped_column(
        comment="When a device of the preferred mechanic first said that it shows the offer; NULL when none did"
    )
    mechanic_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("mechanics.id", ondelete="SET NULL"), comment="Who accepted"
    )
    accepted_at: Mapped[datetime | None] = mapped_column(comment="When they accepted")
    assigned_at: Mapped[datetime | None] = mapped_column(
        comment="When the owner gave it to who has it, the same as accepted_at; NULL: they accepted it themselves"
    )
    expires_at: Mapped[datetime | None] = mapped_column(
        comment="When it expires if nobody takes it; NULL inside a window"
    )
    prolonged_at: Mapped[datetime | None] = mapped_column(
        comment="When the customer chose to wait one lifetime longer; NULL when they did not"
    )
    fallback_broadcast_at: Mapped[datetime | None] = mapped_column(comment="When everyone was asked after a window")
    fallback_reason: Mapped[str | None] = mapped_column(comment="Why everyone was asked")
    reopened_at: Mapped[datetime | None] = mapped_column(
        comment="When everyone was last asked anew: an acceptance was taken back, or its workshop was left"
    )
    unattended_at: Mapped[datetime | None] = mapped_column(
        comment="When the owner was told, once, that nobody takes it; NULL: not"
    )
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
    workshop_until: Mapped[datetime | None] = mapped_column(
        comment="Until when its workshop alone is asked, frozen at creation; NULL: it has no head start"
    )
    workshop_over_at: Mapped[datetime | None] = mapped_column(
        comment="When everyone was told after the head start, or it was ended early; NULL: not yet"
    )
    attempts: Mapped[int] = mapped_column(server_default=text("0"), comment="How often the sweep failed on this row")
    room: Mapped[str | None] = mapped_column(
        comment="128 random bits in hex: where the two meet on video; new with each acceptance"
    )

    customer: Mapped[Customer] = relationship(lazy="raise_on_sql")
    consultation: Mapped[Consultation | None] = relationship(lazy="raise_on_sql")
    mechanic: Mapped[Mechanic | None] = relationship(foreign_keys=[mechanic_id], lazy="raise_on_sql")
    preferred_mechanic: Mapped[Mechanic | None] = relationship(
        foreign_keys=[preferred_mechanic_id], lazy="raise_on_sql"
    )
    workshop: Mapped[Workshop | None] = relationship(lazy="raise_on_sql")

    @property
    def lifetime_minutes(self) -> int:
        """How long everyone is asked about it."""
        return self.request_lifetime_minutes or current().request_lifetime_minutes

    @property
    def grace_minutes(self) -> int:
        """How long the mechanic who accepted has to start."""
        return self.start_grace_minutes or current().start_grace_minutes


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
head_start_not_announced_over: ColumnElement[bool] = and_(
    SessionRequest.workshop_until.is_not(None), SessionRequest.workshop_over_at.is_(None)
)
# No workshop, or one whose head start is over: by an announcement, or by the clock alone. Never NULL.
workshop_is_not_alone: ColumnElement[bool] = and_(
    SessionRequest.routing_type != RoutingType.WORKSHOP_ONLY,
    or_(~head_start_not_announced_over, SessionRequest.workshop_until <= waited_until),
)


def lifetime() -> ColumnElement[timedelta]:
    """How long everyone is asked: as the house had it when the session request was made."""
    return _minutes(SessionRequest.request_lifetime_minutes, current().request_lifetime_minutes)


def grace() -> ColumnElement[timedelta]:
    """How long the mechanic who accepted has to start: likewise."""
    return _minutes(SessionRequest.start_grace_minutes, current().start_grace_minutes)


def _minutes(kept: SQLColumnExpression[int | None], else_: int) -> ColumnElement[timedelta]:
    return func.make_interval(0, 0, 0, 0, 0, func.coalesce(kept, else_), type_=Interval())


# Once, and up to the longest window that the table allows.
can_be_extended: ColumnElement[bool] = and_(
    SessionRequest.extended_at.is_(None), SessionRequest.priority_window_minutes <= LONGEST_WINDOW - EXTENSION
)
# The window ran its whole length without an answer.
has_lapsed: ColumnElement[bool] = and_(
    had_window,
    SessionRequest.priority_expires_at <= waited_until,
    func.coalesce(SessionRequest.fallback_reason, FallbackReason.NO_RESPONSE) == FallbackReason.NO_RESPONSE,
)
_customer, _mechanic = aliased(Customer), aliased(Mechanic)
# One of the two is not to be reached any more; while it is accepted neither is erased.
one_is_erased: ColumnElement[bool] = or_(
    exists().where(_customer.id == SessionRequest.customer_id, _customer.erased_at.is_not(None)),
    exists().where(_mechanic.id == SessionRequest.mechanic_id, _mechanic.erased_at.is_not(None)),
)
# The two may write to each other: from the acceptance until one day after the completion.
talk_is_open: ColumnElement[bool] = or_(
    is_accepted,
    and_(
        SessionRequest.status == Status.COMPLETED,
        SessionRequest.closed_at > clock() - timedelta(days=1),
        ~one_is_erased,
    ),
)


# A mechanic's id, the place for one in a statement that is made once, or the column of one.
AMechanic = UUID | SQLColumnExpression[UUID]


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


# A mechanic who is approved, and of the workshop while that alone is asked, or was when it ended.
can_help: ColumnElement[bool] = and_(
    Mechanic.status == MechanicStatus.APPROVED,
    or_(workshop_is_not_alone, SessionRequest.workshop_id == Mechanic.workshop_id),
)


def is_asked(mechanic_id: AMechanic) -> ColumnElement[bool]:
    """This mechanic can help; a fact about now, not about then."""
    return exists().where(Mechanic.id == mechanic_id, can_help)


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


def _given(mechanic_id: AMechanic) -> SQLColumnExpression[UUID]:
    return literal(mechanic_id) if isinstance(mechanic_id, UUID) else mechanic_id


# A mechanic who can help and did not say no: whoever counts or lists those who may answer goes by this.
can_answer: ColumnElement[bool] = and_(can_help, ~said_no(Mechanic.id))
