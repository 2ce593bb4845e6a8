"""What the owner's page shows: counts, mechanics, workshops, the flag, and every open session request."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from favorites.db import Session, clock
from favorites.models import (
    Consultation,
    Customer,
    FeatureFlag,
    Mechanic,
    MechanicStatus,
    Plan,
    SessionRequest,
    User,
    Workshop,
)
from favorites.models.consultation import ConsultationStatus
from favorites.models.session_request import is_open, window_is_open
from favorites.queries.presence import Presence, PresenceState, presence_state

LIMIT = 200  # rows of one list; the page says so when there are more


@dataclass(frozen=True)
class Glance:
    """Counts, and `now`, the database's clock."""

    now: datetime
    open_requests: int
    applications: int
    on_shift: int


@dataclass(frozen=True)
class Person:
    """A mechanic with the address of their account and their presence."""

    mechanic: Mechanic
    email: str
    presence: Presence


@dataclass(frozen=True)
class OpenRequest:
    """A session request that somebody waits for; names are None where there is nobody."""

    request: SessionRequest
    customer: Customer
    plan: str
    preferred: str | None
    mechanic: str | None
    workshop: str | None
    is_in_window: bool
    is_live: bool

    @property
    def ends_at(self) -> datetime | None:
        """The end of its window, or of its lifetime while everyone is asked; None when it is accepted."""
        if self.is_in_window:
            return self.request.priority_expires_at
        return None if self.mechanic else self.request.expires_at


def glance(session: Session) -> Glance:
    """How many wait, for what, and how many are there to help."""
    counts = select(
        clock().label("now"),
        select(func.count()).where(is_open).scalar_subquery().label("open_requests"),
        select(func.count()).where(Mechanic.status == MechanicStatus.PENDING).scalar_subquery().label("applications"),
        select(func.count())
        .where(Mechanic.status == MechanicStatus.APPROVED, Mechanic.shift_started_at.is_not(None))
        .scalar_subquery()
        .label("on_shift"),
    )
    return Glance(**session.execute(counts).one()._asdict())


def applications(session: Session) -> Sequence[Person]:
    """Those who wait for approval, the oldest first."""
    waiting = _people().where(Mechanic.status == MechanicStatus.PENDING)
    return [_person(*row) for row in session.execute(waiting.order_by(Mechanic.created_at).limit(LIMIT))]


def mechanics(session: Session) -> Sequence[Person]:
    """Everyone who was ever approved or refused, by name."""
    judged = _people().where(Mechanic.status != MechanicStatus.PENDING)
    by_name = (Mechanic.first_name, Mechanic.last_name, Mechanic.id)
    return [_person(*row) for row in session.execute(judged.order_by(*by_name).limit(LIMIT))]


def workshops(session: Session) -> Sequence[Workshop]:
    """All workshops, by name."""
    return session.scalars(select(Workshop).order_by(Workshop.name)).all()


def flag(session: Session, key: str) -> FeatureFlag | None:
    """The row of a feature flag; None when it is missing."""
    return session.get(FeatureFlag, key)


def customer_by_email(session: Session, email: str) -> UUID | None:
    """The customer whose account has this address, in whatever case it is written."""
    owner = select(Customer.id).join(User).where(User.email == email.strip().lower())
    return session.scalars(owner).one_or_none()


def open_requests(session: Session) -> Sequence[OpenRequest]:
    """Every pending or accepted session request, the oldest first, in one statement."""
    preferred, mechanic = aliased(Mechanic), aliased(Mechanic)
    waiting = (
        select(
            SessionRequest,
            Customer,
            Plan.name,
            preferred.first_name,
            mechanic.first_name,
            Workshop.name,
            func.coalesce(window_is_open, False),
            func.coalesce(Consultation.status == ConsultationStatus.LIVE, False),
        )
        .join(Customer, Customer.id == SessionRequest.customer_id)
        .join(Plan, Plan.code == SessionRequest.plan_code)
        .outerjoin(Consultation, Consultation.id == SessionRequest.session_id)
        .outerjoin(preferred, preferred.id == SessionRequest.preferred_mechanic_id)
        .outerjoin(mechanic, mechanic.id == SessionRequest.mechanic_id)
        .outerjoin(Workshop, Workshop.id == SessionRequest.workshop_id)
        .where(is_open)
        .order_by(SessionRequest.created_at, SessionRequest.id)
        .limit(LIMIT)
    )
    return [OpenRequest(*row) for row in session.execute(waiting)]


def _people() -> Select[Mechanic, str, str]:
    return select(Mechanic, User.email, presence_state).join(User, User.id == Mechanic.user_id)


def _person(mechanic: Mechanic, email: str, state: str) -> Person:
    return Person(mechanic, email, Presence(PresenceState(state), mechanic.board_seen_at))
