"""One session request as one mechanic may see it. Before acceptance: a first name and nothing else that identifies."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Row, Select, and_, case, func, or_, select, true
from sqlalchemy.orm import aliased, load_only

from favorites.models import Consultation, Customer, Intake, Plan, RoutingType, SessionRequest, Status
from favorites.models.session_request import everyone_was_asked, is_accepted, is_pending, is_preferred, said_no
from favorites.queries.events import offer_message


class Stage(StrEnum):
    """How a session request stands for one mechanic."""

    OFFER = "offer"  # the window is open and theirs
    OPEN = "open"  # everyone may answer
    ACTIVE = "active"  # they accepted it
    COMPLETED = "completed"  # they did it
    DECLINED = "declined"  # pending, but they said no or it was taken back from them
    TAKEN = "taken"  # somebody else accepted it
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True)
class LastJob:
    at: datetime
    plan: str


@dataclass(frozen=True)
class Card:
    """One session request as one mechanic may see it; `consultation_status` is None when there is no consultation."""

    request: SessionRequest
    stage: Stage
    first_name: str
    plan: Plan
    intake: Intake | None
    consultation_status: str | None
    last_job: LastJob | None
    was_asked_first: bool

    @property
    def message(self) -> str:
        """What the preferred mechanic reads first, here and on the stream."""
        return offer_message(self.first_name, self.request.priority_window_minutes)

    @property
    def is_urgent(self) -> bool:
        """As the customer sees it."""
        return self.intake is not None and self.intake.urgent

    @property
    def ends_at(self) -> datetime | None:
        """The end of the window, or of the session request's lifetime; None when there is no clock to show."""
        if self.stage == Stage.OFFER:
            return self.request.priority_expires_at
        return self.request.expires_at if self.stage == Stage.OPEN else None

    @property
    def asked_at(self) -> datetime:
        """When this mechanic was asked."""
        if self.stage == Stage.OFFER and self.request.priority_notified_at:
            return self.request.priority_notified_at
        return self.request.fallback_broadcast_at or self.request.created_at

    @property
    def history(self) -> str | None:
        """What happened before everyone was asked, in a few words; None when nothing did."""
        if self.request.released_from:
            return "Needs another mechanic"
        if self.request.priority_notified_at:
            return "You were asked first" if self.was_asked_first else "Asked another mechanic first"
        return "For your workshop" if self.request.routing_type == RoutingType.WORKSHOP_ONLY else None


def cards(mechanic_id: UUID) -> Select[*tuple[Any, ...]]:
    """The statement that `card` reads; its caller says which, and thereby who may see what."""
    last = _last_job(mechanic_id)
    # Nothing but these columns of the intake is ever read here: phone, e-mail, VIN and plate cannot slip onto a page.
    seen = load_only(Intake.year, Intake.make, Intake.model, Intake.concern, Intake.urgent, raiseload=True)
    return (
        select(
            SessionRequest,
            _stage(mechanic_id).label("stage"),
            Customer.first_name,
            Plan,
            Intake,
            Consultation.status.label("consultation_status"),
            last.c.at,
            last.c.plan,
            func.coalesce(is_preferred(mechanic_id), False).label("was_asked_first"),
        )
        .join(Customer, Customer.id == SessionRequest.customer_id)
        .join(Plan, Plan.code == SessionRequest.plan_code)
        .outerjoin(Consultation, Consultation.id == SessionRequest.session_id)
        .outerjoin(Intake, Intake.session_id == SessionRequest.session_id)
        .outerjoin(last, true())
        .options(seen)
    )


def _stage(mechanic_id: UUID) -> ColumnElement[str]:
    theirs = SessionRequest.mechanic_id == mechanic_id
    return case(
        (and_(is_accepted, theirs), Stage.ACTIVE),
        (and_(SessionRequest.status == Status.COMPLETED, theirs), Stage.COMPLETED),
        (SessionRequest.status == Status.CANCELLED, Stage.CANCELLED),
        (SessionRequest.status == Status.EXPIRED, Stage.EXPIRED),
        (and_(is_pending, said_no(mechanic_id)), Stage.DECLINED),
        (and_(is_pending, everyone_was_asked), Stage.OPEN),
        (is_pending, Stage.OFFER),
        else_=Stage.TAKEN,
    )


def _last_job(mechanic_id: UUID) -> FromClause:
    """The latest job of this mechanic for the customer, where they know each other: a favorite's, or an active one."""
    job, plan = aliased(SessionRequest), aliased(Plan)
    return (
        select(job.closed_at.label("at"), plan.name.label("plan"))
        .join(plan, plan.code == job.plan_code)
        .where(
            job.mechanic_id == mechanic_id,
            job.customer_id == SessionRequest.customer_id,
            job.status == Status.COMPLETED,
            or_(is_preferred(mechanic_id), SessionRequest.mechanic_id == mechanic_id),
        )
        .order_by(job.closed_at.desc())
        .limit(1)
        .correlate(SessionRequest)
        .lateral()
    )


def card(row: Row[*tuple[Any, ...]]) -> Card:
    """A row of `cards`."""
    return Card(
        request=row.SessionRequest,
        stage=Stage(row.stage),
        first_name=row.first_name,
        plan=row.Plan,
        intake=row.Intake,
        consultation_status=row.consultation_status,
        last_job=LastJob(row.at, row.plan) if row.at else None,
        was_asked_first=row.was_asked_first,
    )
