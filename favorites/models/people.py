"""Who uses it: users and their sign-ins, customers and their favorites, mechanics, workshops."""

from datetime import datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask_security import UserMixin
from sqlalchemy import BindParameter, CheckConstraint, ColumnElement, ForeignKey, Index, and_, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from favorites.db import Base, clock
from favorites.models.columns import CreatedAt, Key, one_of

UTC_ZONE = ZoneInfo("UTC")
# What an erased person is called from then on, as a sentence begins with it.
FORMER_CUSTOMER, FORMER_MECHANIC = "A former customer", "A former mechanic"


class Role(StrEnum):
    CUSTOMER = "customer"
    MECHANIC = "mechanic"
    ADMIN = "admin"


class MechanicStatus(StrEnum):
    PENDING = "pending"  # applied
    APPROVED = "approved"  # from any other
    SUSPENDED = "suspended"  # from approved
    REFUSED = "refused"  # from pending


class MechanicReason(StrEnum):
    """Why somebody was refused or suspended, as the owner chose it."""

    EXPERIENCE = "experience"
    AREA = "area"
    INCOMPLETE = "incomplete"
    MISSED = "missed"
    COMPLAINT = "complaint"
    PAUSE = "pause"
    OTHER = "other"


class WorkshopRouting(StrEnum):
    """Whom a workshop's customers reach."""

    WORKSHOP_ONLY = "workshop_only"  # its own mechanics
    HYBRID = "hybrid"  # its own first, for a head start; then everyone


class User(Base, UserMixin):
    __tablename__ = "users"
    __table_args__ = (
        one_of("role", Role, "role_known"),
        # One mailbox, one account, whatever the case it was typed in.
        CheckConstraint("email = lower(email)", name="email_is_lower_case"),
        {"comment": "Whoever can sign in"},
    )

    id: Mapped[Key]  # type: ignore[assignment] # Flask-Security's mixin says int; it works with any key
    email: Mapped[str] = mapped_column(unique=True, comment="Lower case")
    password: Mapped[str | None] = mapped_column(comment="argon2id hash; NULL until the invitation is taken")
    active: Mapped[bool] = mapped_column(server_default=text("true"), comment="False: may not sign in")
    role: Mapped[str] = mapped_column(comment="customer, mechanic or admin")
    fs_uniquifier: Mapped[str] = mapped_column(
        unique=True, comment="Flask-Security's session key; a new one ends every sign-in"
    )
    confirmed_at: Mapped[datetime | None] = mapped_column(comment="When the e-mail address was confirmed")
    time_zone: Mapped[str] = mapped_column(
        server_default=text("'UTC'"), comment="IANA name, from the browser at sign-up"
    )
    created_at: Mapped[CreatedAt]

    customer: Mapped["Customer | None"] = relationship(back_populates="user", lazy="raise_on_sql")
    mechanic: Mapped["Mechanic | None"] = relationship(back_populates="user", lazy="raise_on_sql")

    @property
    def zone(self) -> ZoneInfo:
        """Where they read times; UTC where the name is of no zone that is known here."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            return UTC_ZONE

    @property  # type: ignore[override] # Flask-Security compares names, too
    def roles(self) -> list[str]:
        """Flask-Security's view of the one role."""
        return [self.role]

    @roles.setter
    def roles(self, value: list[str]) -> None:
        """Flask-Security hands over a list at creation; ours has one entry or none."""
        if value:
            self.role = value[0]

    def has_role(self, role: object) -> bool:
        """Whether this is the person's role."""
        return bool(self.role == role)


class SignIn(Base):
    __tablename__ = "sign_ins"
    __table_args__ = (
        Index("sign_ins_user_id_idx", "user_id"),
        {"comment": "One row a sign-in; ending it revokes the cookie that names it"},
    )

    id: Mapped[Key]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), comment="Whose")
    key_hash: Mapped[str] = mapped_column(
        unique=True, comment="SHA-256, in hex, of the 256-bit random key in the cookie"
    )
    started_at: Mapped[datetime] = mapped_column(
        server_default=text("clock_timestamp()"), comment="When they signed in"
    )
    seen_at: Mapped[datetime] = mapped_column(
        server_default=text("clock_timestamp()"), comment="When it was last used, to the minute"
    )
    expires_at: Mapped[datetime] = mapped_column(comment="End at the latest")
    ended_at: Mapped[datetime | None] = mapped_column(comment="Sign-out, password or role change, suspension")

    user: Mapped[User] = relationship(lazy="raise_on_sql")


def sign_in_holds(idle: timedelta | BindParameter[timedelta]) -> ColumnElement[bool]:
    """Not ended, not over, and used within `idle`."""
    return and_(SignIn.ended_at.is_(None), SignIn.expires_at > clock(), SignIn.seen_at > clock() - idle)


SLUG = "[a-z0-9][a-z0-9-]{0,62}"  # what may be the last part of a link


class Workshop(Base):
    __tablename__ = "workshops"
    __table_args__ = (
        CheckConstraint(f"slug ~ '^{SLUG}$'", name="slug_is_plain"),
        one_of("routing", WorkshopRouting, "routing_known"),
        {"comment": "A business whose own mechanics are asked by its link /w/{slug}"},
    )

    id: Mapped[Key]
    slug: Mapped[str] = mapped_column(unique=True, comment="The link's last part")
    name: Mapped[str] = mapped_column(comment="As customers know it")
    is_active: Mapped[bool] = mapped_column(
        server_default=text("true"), comment="False: it is closed, and its link says so"
    )
    routing: Mapped[str] = mapped_column(
        server_default=text("'workshop_only'"), comment="workshop_only, or hybrid: its own mechanics first, then all"
    )
    created_at: Mapped[CreatedAt]


class Customer(Base):
    __tablename__ = "customers"
    __table_args__ = ({"comment": "Who books"},)

    id: Mapped[Key]
    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), unique=True, comment="The account"
    )
    first_name: Mapped[str] = mapped_column(comment="All a mechanic sees before acceptance")
    last_name: Mapped[str] = mapped_column(server_default=text("''"), comment="Family name")
    phone: Mapped[str] = mapped_column(server_default=text("''"), comment="Fills the next intake")
    city: Mapped[str] = mapped_column(server_default=text("''"), comment="Fills the next intake")
    wants_mail: Mapped[bool] = mapped_column(
        server_default=text("true"), comment="Whether to write when no page of theirs is open"
    )
    page_seen_at: Mapped[datetime | None] = mapped_column(
        comment="When a page of theirs with a stream was last open, to about 10 s"
    )
    erased_at: Mapped[datetime | None] = mapped_column(
        comment="When what says who they are was erased; NULL: it was not"
    )
    created_at: Mapped[CreatedAt]

    user: Mapped[User] = relationship(back_populates="customer", lazy="raise_on_sql")

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()


class Mechanic(Base):
    __tablename__ = "mechanics"
    __table_args__ = (
        one_of("status", MechanicStatus, "status_known"),
        one_of("reason", MechanicReason, "reason_known"),
        # Without a length they would be none, or all day.
        CheckConstraint(
            "(quiet_from IS NULL) = (quiet_until IS NULL) AND quiet_from <> quiet_until", name="quiet_hours_make_sense"
        ),
        # Nobody is there to help.
        CheckConstraint("erased_at IS NULL OR status <> 'approved'", name="erased_does_not_help"),
        Index("mechanics_workshop_id_idx", "workshop_id"),
        {"comment": "Who helps"},
    )

    id: Mapped[Key]
    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), unique=True, comment="The account"
    )
    first_name: Mapped[str] = mapped_column(comment="As customers see it")
    last_name: Mapped[str] = mapped_column(server_default=text("''"), comment="Family name")
    status: Mapped[str] = mapped_column(
        server_default=text("'pending'"), comment="pending, approved, suspended or refused"
    )
    reason: Mapped[str | None] = mapped_column(comment="Why they were refused or suspended; NULL: not told")
    reason_words: Mapped[str] = mapped_column(
        server_default=text("''"), comment="The owner’s words to them about it, which they read"
    )
    workshop_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("workshops.id", ondelete="SET NULL"), comment="NULL: independent"
    )
    phone: Mapped[str] = mapped_column(server_default=text("''"), comment="Shown to the customer after acceptance")
    city: Mapped[str] = mapped_column(server_default=text("''"), comment="Where they are")
    about: Mapped[str] = mapped_column(server_default=text("''"), comment="In their own words")
    shift_started_at: Mapped[datetime | None] = mapped_column(comment="Set: on shift")
    board_seen_at: Mapped[datetime | None] = mapped_column(
        comment="When a board of theirs was last open; within 30 s and on shift is present"
    )
    takes_favorites: Mapped[bool] = mapped_column(
        server_default=text("true"), comment="False: customers cannot ask for them first"
    )
    quiet_from: Mapped[time | None] = mapped_column(
        comment="From then on they are not asked first, by their own clock; NULL: no quiet hours"
    )
    quiet_until: Mapped[time | None] = mapped_column(comment="Until then; before quiet_from: over midnight")
    back_at: Mapped[datetime | None] = mapped_column(
        comment="When they last came back; offers before that do not count as unanswered"
    )
    erased_at: Mapped[datetime | None] = mapped_column(
        comment="When what says who they are was erased; NULL: it was not"
    )
    created_at: Mapped[CreatedAt]

    user: Mapped[User] = relationship(back_populates="mechanic", lazy="raise_on_sql")
    workshop: Mapped[Workshop | None] = relationship(lazy="raise_on_sql")

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()


class CustomerFavorite(Base):
    __tablename__ = "customer_favorites"
    __table_args__ = (
        Index("customer_favorites_mechanic_id_idx", "mechanic_id"),
        {"comment": "A customer's mark on a mechanic"},
    )

    customer_id: Mapped[UUID] = mapped_column(
        ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True, comment="Whose favorite"
    )
    mechanic_id: Mapped[UUID] = mapped_column(
        ForeignKey("mechanics.id", ondelete="CASCADE"), primary_key=True, comment="Who"
    )
    created_at: Mapped[CreatedAt]
