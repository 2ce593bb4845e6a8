"""One session request as its customer, or the two of an accepted one, see it; all by the database's clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from favorites.db import Session, clock
from favorites.models import Consultation, Customer, Mechanic, RoutingType, SessionRequest, Status
from favorites.models.session_request import window_is_open
from favorites.settings import current

# What the customer reads at each stage: where it stands, and what happens next.
STAGES = {
    "priority": ("{first} is asked first", "If {first} can't, or the time runs out, we ask everyone."),
    "workshop": (
        "{workshop} is asked",
        "Its mechanics see your session request now. You can ask everyone at any time.",
    ),
    "broadcast": ("Everyone is asked", "The first mechanic to accept takes it. You see it here at once."),
    "accepted": ("{who} accepted", "Open the consultation to see how to reach each other."),
    "live": ("{who} has started", "Your consultation is running."),
    "completed": ("Your session is complete", "Thank you. You can book {who} again whenever you like."),
    "cancelled": (
        "This session request is cancelled",
        "What it cost has been given back. You can book again from your dashboard.",
    ),
    "expired": ("Nobody could take it in time", "We are sorry. What it cost has been given back; you can ask again."),
}


@dataclass(frozen=True)
class Waiting:
    """A session request at the instant `now`: where it stands, until when, and what may be done."""

    session_request: SessionRequest
    window_is_open: bool
    now: datetime

    @property
    def stage(self) -> str:
        """priority, workshop, broadcast, accepted, live, completed, cancelled or expired."""
        if self.session_request.status == Status.ACCEPTED:
            return "live" if self.started_at else "accepted"
        if self.session_request.status != Status.PENDING:
            return self.session_request.status
        if self.window_is_open:
            return "priority"
        return "workshop" if self.session_request.routing_type == RoutingType.WORKSHOP_ONLY else "broadcast"

    @property
    def headline(self) -> str:
        """Where it stands, in a few words."""
        return STAGES[self.stage][0].format_map(self._names)

    @property
    def outlook(self) -> str:
        """What happens next, in a sentence."""
        return STAGES[self.stage][1].format_map(self._names)

    @property
    def _names(self) -> dict[str, str]:
        row = self.session_request
        return {
            "first": row.preferred_mechanic.first_name if row.preferred_mechanic else "Your mechanic",
            "who": row.mechanic.first_name if row.mechanic else "your mechanic",
            "workshop": row.workshop.name if row.workshop else "The workshop",
        }

    @property
    def started_at(self) -> datetime | None:
        """When the mechanic pressed Start."""
        return self.session_request.consultation.started_at if self.session_request.consultation else None

    @property
    def deadline(self) -> datetime | None:
        """The end of what is running: the window, or the time everyone has; None where no clock runs."""
        row = self.session_request
        return {"priority": row.priority_expires_at, "workshop": row.expires_at, "broadcast": row.expires_at}.get(
            self.stage
        )

    @property
    def total_seconds(self) -> int:
        """The full length of what `deadline` ends."""
        minutes = (
            self.session_request.priority_window_minutes
            if self.stage == "priority"
            else current().request_lifetime_minutes
        )
        return minutes * 60

    @property
    def may_cancel(self) -> bool:
        """Until the mechanic has started."""
        return self.stage in {"priority", "workshop", "broadcast", "accepted"}

    @property
    def may_ask_again(self) -> bool:
        """Accepted, not started, and the mechanic has had their time."""
        return self.grace_ends_at is not None and self.grace_ends_at <= self.now

    @property
    def grace_ends_at(self) -> datetime | None:
        """Accepted, not started: until when the mechanic has time to start."""
        accepted_at = self.session_request.accepted_at
        if self.stage != "accepted" or accepted_at is None:
            return None
        return accepted_at + timedelta(minutes=current().start_grace_minutes)

    @property
    def may_complete(self) -> bool:
        """Whether the plan's minutes have passed since the start."""
        consultation = self.session_request.consultation
        if self.stage != "live" or consultation is None or consultation.started_at is None:
            return False
        return consultation.started_at + timedelta(minutes=consultation.plan.minutes) <= self.now


def waiting(session: Session, customer_id: UUID, request_id: UUID) -> Waiting | None:
    """The customer's own session request; None for anybody else's."""
    return _one(session, SessionRequest.id == request_id, SessionRequest.customer_id == customer_id)


def consultation_of_two(session: Session, consultation_id: UUID) -> Waiting | None:
    """The session request of a consultation, with both people; who may read it is for the caller to ask."""
    return _one(session, SessionRequest.session_id == consultation_id)


def _one(session: Session, *conditions: ColumnElement[bool]) -> Waiting | None:
    row = session.execute(
        select(SessionRequest, window_is_open, clock())
        .where(*conditions)
        .options(
            joinedload(SessionRequest.consultation).joinedload(Consultation.intake),
            joinedload(SessionRequest.customer).joinedload(Customer.user),
            joinedload(SessionRequest.mechanic).joinedload(Mechanic.user),
            joinedload(SessionRequest.preferred_mechanic),
            joinedload(SessionRequest.workshop),
        )
    ).one_or_none()
    return Waiting(*row) if row else None
