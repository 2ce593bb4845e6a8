"""One session request as its customer, or the two of an accepted one, see it; all by the database's clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from favorites.db import Session, clock
from favorites.models import Consultation, Customer, Mechanic, SessionRequest, Status
from favorites.models.session_request import window_is_open, workshop_is_not_alone
from favorites.queries.sentences import HEAD_START_OUTLOOK

SILENCE = timedelta(seconds=30)  # without a device that shows the offer: that is told, and a way out is offered
LAST_MINUTE = timedelta(minutes=1)

# What the customer reads at each stage: where it stands, and what happens next.
STAGES = {
    "priority": ("{first} is asked first", "If {first} can't, or the time runs out, we ask everyone."),
    "workshop": (
        "{workshop} is asked",
        "Its mechanics see your session request now. You can ask everyone at any time.",
    ),
    "head_start": ("{workshop} is asked first", HEAD_START_OUTLOOK),
    "broadcast": ("Everyone is asked", "The first mechanic to accept takes it. You see it here at once."),
    "accepted": ("{who} accepted", "Open the consultation to see how to reach each other."),
    "assigned": ("{who} was assigned by the owner", "Open the consultation to see how to reach each other."),
    "live": ("{who} has started", "Your consultation is running."),
    "completed": ("Your session is complete", "Thank you. You can book {who} again whenever you like."),
    "cancelled": (
        "This session request is cancelled",
        "What it cost is given back. You can book again from your dashboard.",
    ),
    "expired": ("Nobody could take it in time", "We are sorry. What it cost is given back; you can ask again."),
}


@dataclass(frozen=True)
class Waiting:
    """A session request at the instant `now`: where it stands, until when, and what may be done."""

    session_request: SessionRequest
    window_is_open: bool
    everyone_may_help: bool
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
        return "broadcast" if self.everyone_may_help else "workshop"

    @property
    def headline(self) -> str:
        """Where it stands, in a few words."""
        is_given = self.stage == "accepted" and self.session_request.assigned_at
        words = STAGES["assigned"] if is_given else self._words
        return words[0].format_map(self._names)

    @property
    def outlook(self) -> str:
        """What happens next, in a sentence; a head start's has `{at}` where its end is to be told."""
        return self._words[1].format_map(self._names)

    @property
    def _words(self) -> tuple[str, str]:
        return STAGES["head_start" if self.head_start_ends_at else self.stage]

    @property
    def head_start_ends_at(self) -> datetime | None:
        """Until when the workshop alone is asked; None where that has no end but the session request's own."""
        return self.session_request.workshop_until if self.stage == "workshop" else None

    @property
    def _names(self) -> dict[str, str]:
        row = self.session_request
        return {
            "first": row.preferred_mechanic.first_name if row.preferred_mechanic else "Your mechanic",
            "who": row.mechanic.first_name if row.mechanic else "your mechanic",
            "workshop": row.workshop.name if row.workshop else "The workshop",
            "at": "{at}",
        }

    @property
    def started_at(self) -> datetime | None:
        """When the mechanic pressed Start."""
        return self.session_request.consultation.started_at if self.session_request.consultation else None

    @property
    def deadline(self) -> datetime | None:
        """The end of what is running: window, head start, or the time everyone has; None where no clock runs."""
        if self.stage == "priority":
            return self.session_request.priority_expires_at
        return self.head_start_ends_at or self.stops_at

    @property
    def stops_at(self) -> datetime | None:
        """While a workshop or everyone is asked: until when; None at all other stages."""
        return self.session_request.expires_at if self.stage in {"workshop", "broadcast"} else None

    @property
    def total_seconds(self) -> int:
        """The full length of what `deadline` ends."""
        if self.head_start_ends_at:
            return round((self.head_start_ends_at - self.session_request.created_at).total_seconds())
        row = self.session_request
        return (row.priority_window_minutes if self.stage == "priority" else row.lifetime_minutes) * 60

    @property
    def is_silent(self) -> bool:
        """The favorite was asked a while ago, and no device of theirs has said that it shows the offer."""
        return self.stage == "priority" and self._silent_from is not None and self._silent_from <= self.now

    @property
    def _silent_from(self) -> datetime | None:
        row = self.session_request
        return row.priority_notified_at + SILENCE if row.priority_notified_at and not row.delivered_at else None

    @property
    def is_ending(self) -> bool:
        """Less than a minute is left of what runs."""
        return self.deadline is not None and self.deadline - LAST_MINUTE <= self.now

    @property
    def is_over(self) -> bool:
        """Its time has run out, and nobody has written down yet how it ended."""
        return self.deadline is not None and self.deadline <= self.now

    @property
    def may_prolong(self) -> bool:
        """*Wait longer*: nobody has accepted in two thirds of the time, and it was not made longer before."""
        return self._last_third_from is not None and self._last_third_from <= self.now

    @property
    def _last_third_from(self) -> datetime | None:
        if self.stops_at is None or self.session_request.prolonged_at is not None:
            return None
        return self.stops_at - timedelta(minutes=self.session_request.lifetime_minutes) / 3

    @property
    def changes_at(self) -> datetime | None:
        """When the page reads differently by the clock alone, before `deadline`; None when that is not to come."""
        ends_at, grace = self.deadline, self.grace_ends_at
        of_window = [self._silent_from, ends_at and ends_at - LAST_MINUTE] if self.stage == "priority" else []
        moments = [*of_window, self._last_third_from, grace, self._due_from]
        return min((moment for moment in moments if moment and moment > self.now), default=None)

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
        row = self.session_request
        if self.stage != "accepted" or row.accepted_at is None:
            return None
        return row.accepted_at + timedelta(minutes=row.grace_minutes)

    @property
    def may_complete(self) -> bool:
        """Whether the plan's minutes have passed since the start."""
        return self._due_from is not None and self._due_from <= self.now

    @property
    def _due_from(self) -> datetime | None:
        consultation = self.session_request.consultation
        if self.stage != "live" or consultation is None or consultation.started_at is None:
            return None
        return consultation.started_at + timedelta(minutes=consultation.plan.minutes)


def waiting(session: Session, customer_id: UUID, request_id: UUID) -> Waiting | None:
    """The customer's own session request; None for anybody else's."""
    return _one(session, SessionRequest.id == request_id, SessionRequest.customer_id == customer_id)


def consultation_of_two(session: Session, consultation_id: UUID) -> Waiting | None:
    """The session request of a consultation, with both people; who may read it is for the caller to ask."""
    return _one(session, SessionRequest.session_id == consultation_id)


def _one(session: Session, *conditions: ColumnElement[bool]) -> Waiting | None:
    row = session.execute(
        select(SessionRequest, window_is_open, workshop_is_not_alone, clock())
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
