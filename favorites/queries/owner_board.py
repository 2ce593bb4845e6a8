"""The owner's board: session requests, open ones or those that are over, with who was asked and what is needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, true
from sqlalchemy.orm import aliased

from favorites.db import Session, clock
from favorites.models import (
    Consultation,
    Customer,
    Intake,
    Mechanic,
    Plan,
    SessionRequest,
    Status,
    Workshop,
)
from favorites.models.attention import asked_since, is_present, is_unattended, needs_rescue
from favorites.models.consultation import ConsultationStatus
from favorites.models.session_request import (
    can_answer,
    is_accepted,
    is_open,
    is_pending,
    window_is_open,
    workshop_is_not_alone,
)

LIMIT = 200  # rows of one page

_is_live = func.coalesce(Consultation.status == ConsultationStatus.LIVE, False)
_of_a_workshop: ColumnElement[bool] = ~workshop_is_not_alone
STAGES: dict[str, Any] = {
    "priority": window_is_open,
    "workshop": and_(is_pending, _of_a_workshop),
    "broadcast": and_(is_pending, ~window_is_open, ~_of_a_workshop),
    "accepted": and_(is_accepted, ~_is_live),
    "started": and_(is_accepted, _is_live),
}
CLOSED = (Status.COMPLETED.value, Status.CANCELLED.value, Status.EXPIRED.value)


class Looked(NamedTuple):
    """What the owner looks for: a stage, `alarm`, or one of `CLOSED`; None: everything that is open. `page` from 1 on.

    `since` and `until`: when it was asked, or closed where it is over.
    """

    stage: str | None = None
    plan: str | None = None
    workshop: UUID | None = None
    mechanic: UUID | None = None
    urgent: bool = False
    name: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    page: int = 1

    @property
    def is_over(self) -> bool:
        """Whether they are closed ones."""
        return self.stage in CLOSED


@dataclass(frozen=True)
class Row:
    """One session request; names are None where there is nobody. `eligible`, `on_shift`: who may answer it now."""

    request: SessionRequest
    customer: Customer
    plan: str
    preferred: str | None
    mechanic: str | None
    workshop: str | None
    urgent: bool
    stage: str  # priority, workshop, broadcast, accepted, started, or the status
    asked_since: datetime
    needs_rescue: bool
    eligible: int
    on_shift: int

    @property
    def has_nobody(self) -> bool:
        """It waits, and nobody who could take it is on shift."""
        return self.request.status == Status.PENDING and not self.on_shift

    @property
    def ends_at(self) -> datetime | None:
        """The end of its window or head start, or of its lifetime; None where no clock runs."""
        if self.stage == "priority":
            return self.request.priority_expires_at
        if self.stage == "workshop" and self.request.workshop_until:
            return self.request.workshop_until
        return self.request.expires_at if self.request.status == Status.PENDING else None

    @property
    def verbs(self) -> Sequence[str]:
        """What the owner can do about it."""
        if self.stage == "started":
            return ("complete",)
        if self.stage == "accepted":
            return ("assign", "release", "cancel")
        opening = ("open",) if self.stage in {"priority", "workshop"} else ()
        return ("assign", *opening, "cancel") if self.request.status == Status.PENDING else ()


class Page(NamedTuple):
    """One page of rows, and `now`, the database's clock."""

    now: datetime
    rows: Sequence[Row]
    has_more: bool


def board(session: Session, looked: Looked) -> Page:
    """One page of what is looked for: what needs the owner first, then the oldest; of what is over, the latest."""
    statement = _rows().where(*_conditions(looked))
    order = (SessionRequest.closed_at.desc(),) if looked.is_over else (_BY_NEED, SessionRequest.created_at)
    found = session.execute(
        statement.order_by(*order, SessionRequest.id).limit(LIMIT + 1).offset((looked.page - 1) * LIMIT)
    ).all()
    now = session.execute(select(clock())).scalar_one()
    return Page(now, [Row(*row) for row in found[:LIMIT]], len(found) > LIMIT)


def row(session: Session, request_id: UUID) -> Row | None:
    """One of them, open or over."""
    found = session.execute(_rows().where(SessionRequest.id == request_id)).one_or_none()
    return Row(*found) if found else None


_preferred, _mechanic = aliased(Mechanic), aliased(Mechanic)
_helpers = (
    select(func.count().label("eligible"), func.count().filter(is_present).label("on_shift"))
    .select_from(Mechanic)
    .where(is_pending, can_answer)
    .correlate(SessionRequest)
    .lateral()
)
_BY_NEED = case((and_(is_pending, or_(needs_rescue(), _helpers.c.on_shift == 0)), 0), else_=1)
_stage = case(*((condition, name) for name, condition in STAGES.items()), else_=SessionRequest.status)


def _rows() -> Select[*tuple[Any, ...]]:
    return (
        select(
            SessionRequest,
            Customer,
            Plan.name,
            _preferred.first_name,
            _mechanic.first_name,
            Workshop.name,
            func.coalesce(Intake.urgent, False),
            _stage,
            asked_since,
            func.coalesce(needs_rescue(), False),
            _helpers.c.eligible,
            _helpers.c.on_shift,
        )
        .join(Customer, Customer.id == SessionRequest.customer_id)
        .join(Plan, Plan.code == SessionRequest.plan_code)
        .outerjoin(Consultation, Consultation.id == SessionRequest.session_id)
        .outerjoin(Intake, Intake.session_id == SessionRequest.session_id)
        .outerjoin(_preferred, _preferred.id == SessionRequest.preferred_mechanic_id)
        .outerjoin(_mechanic, _mechanic.id == SessionRequest.mechanic_id)
        .outerjoin(Workshop, Workshop.id == SessionRequest.workshop_id)
        .join(_helpers, true())
    )


def _conditions(looked: Looked) -> list[ColumnElement[bool]]:
    at = SessionRequest.closed_at if looked.is_over else SessionRequest.created_at
    whose = (SessionRequest.mechanic_id, SessionRequest.preferred_mechanic_id)
    asked: dict[str, Callable[[Any], ColumnElement[bool]]] = {
        "plan": lambda code: SessionRequest.plan_code == code,
        "workshop": lambda id_: SessionRequest.workshop_id == id_,
        "mechanic": lambda id_: or_(*(column == id_ for column in whose)),
        "urgent": lambda _: Intake.urgent.is_(True),
        "name": lambda text: full_name(Customer).icontains(text, autoescape=True),
        "since": lambda instant: at >= instant,
        "until": lambda instant: at < instant,
    }
    given = [(condition, getattr(looked, name)) for name, condition in asked.items()]
    return [_is_at(looked.stage), *(condition(value) for condition, value in given if value)]


def _is_at(stage: str | None) -> ColumnElement[bool]:
    if stage == "alarm":
        return is_unattended()
    if stage in CLOSED:
        return SessionRequest.status == stage
    condition: ColumnElement[bool] = STAGES[stage] if stage else is_open
    return condition


def full_name(person: type[Customer] | type[Mechanic]) -> ColumnElement[str]:
    """As people are called."""
    return func.concat(person.first_name, " ", person.last_name)
