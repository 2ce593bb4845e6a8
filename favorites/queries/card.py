"""One session request as one mechanic may see it. Before acceptance: a first name and nothing else that identifies."""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, FromClause, Select, Uuid, and_, bindparam, case, func, or_, select
from sqlalchemy import true as always
from sqlalchemy.orm import aliased

from favorites.models import Consultation, Customer, Intake, Plan, SessionRequest, Status
from favorites.models.consultation import in_one_line
from favorites.models.session_request import (
    can_be_extended,
    everyone_was_asked,
    is_accepted,
    is_pending,
    is_preferred,
    said_no,
    workshop_is_not_alone,
)
from favorites.queries.sentences import offer_message
from favorites.settings import current

MECHANIC: BindParameter[UUID] = bindparam("mechanic", type_=Uuid())  # who reads


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


class Facts(NamedTuple):
    """What a mechanic may know before acceptance; `concern` is None when there is no intake."""

    vehicle: str  # in one line, without what identifies the car; empty when nothing of it was given
    concern: str | None
    plan: str
    price_cents: int
    currency: str
    minutes: int
    asked_at: datetime


class Card(NamedTuple):
    """One session request as one mechanic may see it: a row of `CARDS`, in the order of its columns.

    `concern` is None without an intake, `consultation_status` without a consultation, the last job's without one.
    """

    id: UUID
    session_id: UUID | None
    workshop_until: datetime | None
    is_for_workshop: bool
    created_at: datetime
    expires_at: datetime | None
    accepted_at: datetime | None
    priority_notified_at: datetime | None
    priority_expires_at: datetime | None
    priority_window_minutes: int
    request_lifetime_minutes: int | None
    can_be_extended: bool
    fallback_broadcast_at: datetime | None
    released_from: list[UUID]
    stage: str  # of Stage
    first_name: str
    plan: str
    price_cents: int
    currency: str
    minutes: int
    year: int | None
    make: str | None
    model: str | None
    concern: str | None
    urgent: bool | None
    consultation_status: str | None
    last_job_at: datetime | None
    last_job_plan: str | None
    was_asked_first: bool

    @property
    def message(self) -> str:
        """What the preferred mechanic reads first, here and on the stream."""
        return offer_message(self.first_name, self.priority_window_minutes)

    @property
    def facts(self) -> Facts:
        """What may be known of it."""
        vehicle = in_one_line(self.year, self.make, self.model)
        return Facts(vehicle, self.concern, self.plan, self.price_cents, self.currency, self.minutes, self.asked_at)

    @property
    def ends_at(self) -> datetime | None:
        """The end of the window, or of the session request's lifetime; None when there is no clock to show."""
        ends: dict[str, datetime | None] = {Stage.OFFER: self.priority_expires_at, Stage.OPEN: self.expires_at}
        return ends.get(self.stage)

    @property
    def lifetime_seconds(self) -> int:
        """How long everyone is asked, in all."""
        return (self.request_lifetime_minutes or current().request_lifetime_minutes) * 60

    @property
    def asked_at(self) -> datetime:
        """When this mechanic was asked."""
        offered_at = self.priority_notified_at if self.stage == Stage.OFFER else None
        return offered_at or self.fallback_broadcast_at or self.created_at

    @property
    def history(self) -> str | None:
        """What happened before everyone was asked, in a few words; None when nothing did."""
        if self.released_from:
            return "Needs another mechanic"
        if self.priority_notified_at:
            return "You were asked first" if self.was_asked_first else "Asked another mechanic first"
        if self.is_for_workshop:
            return "For your workshop first" if self.workshop_until else "For your workshop"
        return "Asked a workshop first" if self.workshop_until else None


def _stage() -> ColumnElement[str]:
    theirs = SessionRequest.mechanic_id == MECHANIC
    return case(
        (and_(is_accepted, theirs), Stage.ACTIVE),
        (and_(SessionRequest.status == Status.COMPLETED, theirs), Stage.COMPLETED),
        (SessionRequest.status == Status.CANCELLED, Stage.CANCELLED),
        (SessionRequest.status == Status.EXPIRED, Stage.EXPIRED),
        (and_(is_pending, said_no(MECHANIC)), Stage.DECLINED),
        (and_(is_pending, everyone_was_asked), Stage.OPEN),
        (is_pending, Stage.OFFER),
        else_=Stage.TAKEN,
    )


def _last_job() -> FromClause:
    """The latest job of this mechanic for the customer, where they know each other: a favorite's, or an active one."""
    job, plan = aliased(SessionRequest), aliased(Plan)
    return (
        select(job.closed_at.label("at"), plan.name.label("plan"))
        .join(plan, plan.code == job.plan_code)
        .where(
            job.mechanic_id == MECHANIC,
            job.customer_id == SessionRequest.customer_id,
            job.status == Status.COMPLETED,
            or_(is_preferred(MECHANIC), SessionRequest.mechanic_id == MECHANIC),
        )
        .order_by(job.closed_at.desc())
        .limit(1)
        .correlate(SessionRequest)
        .lateral()
    )


_last = _last_job()

# Whose `where` it is says which, and thereby who may see what. Made once, and columns instead of entities: a board has
# two hundred. Nothing but these columns of the intake is ever read here: phone, e-mail, VIN and plate cannot slip onto
# a page.
CARDS: Select[*tuple[Any, ...]] = (
    select(
        SessionRequest.id,
        SessionRequest.session_id,
        SessionRequest.workshop_until,
        (~workshop_is_not_alone).label("is_for_workshop"),
        SessionRequest.created_at,
        SessionRequest.expires_at,
        SessionRequest.accepted_at,
        SessionRequest.priority_notified_at,
        SessionRequest.priority_expires_at,
        SessionRequest.priority_window_minutes,
        SessionRequest.request_lifetime_minutes,
        can_be_extended.label("can_be_extended"),
        SessionRequest.fallback_broadcast_at,
        SessionRequest.released_from,
        _stage().label("stage"),
        Customer.first_name,
        Plan.name.label("plan"),
        Plan.price_cents,
        Plan.currency,
        Plan.minutes,
        Intake.year,
        Intake.make,
        Intake.model,
        Intake.concern,
        Intake.urgent,
        Consultation.status.label("consultation_status"),
        _last.c.at.label("last_job_at"),
        _last.c.plan.label("last_job_plan"),
        func.coalesce(is_preferred(MECHANIC), False).label("was_asked_first"),
    )
    .join(Customer, Customer.id == SessionRequest.customer_id)
    .join(Plan, Plan.code == SessionRequest.plan_code)
    .outerjoin(Consultation, Consultation.id == SessionRequest.session_id)
    .outerjoin(Intake, Intake.session_id == SessionRequest.session_id)
    .outerjoin(_last, always())
)
