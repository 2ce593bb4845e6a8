"""Asking: the preferred mechanic alone, or everyone."""

from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, update

from favorites.db import Session, clock
from favorites.dispatch.actors import Actor
from favorites.dispatch.events import Recorder, Subject, insert_events
from favorites.dispatch.facts import Choice
from favorites.dispatch.routing import Preferred, Route, Stage
from favorites.dispatch.verb import say
from favorites.models import FallbackReason, Kind, SessionRequest
from favorites.models.session_request import lifetime

FAILED = "[Priority] Priority notification failed, falling back to standard broadcast"
HEAD_START_OVER = "head_start_over"  # why everyone is asked after a workshop; no reason of a fallback
# On the stream a lapse has the seeds' word; every other reason is its own.
TOLD: dict[str | None, str] = {FallbackReason.NO_RESPONSE: "priority_timeout"}


class Asked(Subject, Protocol):
    """A session request, or a row of one, with those who are asked."""

    @property
    def routing_type(self) -> str: ...
    @property
    def workshop_id(self) -> UUID | None: ...
    @property
    def workshop_is_not_alone(self) -> bool: ...


class Made(NamedTuple):
    """A session request just written."""

    id: UUID
    customer_id: UUID
    routing_type: str
    workshop_id: UUID | None
    workshop_is_not_alone: bool
    priority_window_minutes: int


def lifetime_from_now() -> ColumnElement[datetime]:
    """When a session request that is broadcast now expires, by the lifetime that its row has."""
    return clock() + lifetime()


def fallback_values(reason: FallbackReason) -> dict[str, Any]:
    """The columns that leave a window: now, why, and a fresh lifetime."""
    return {"fallback_broadcast_at": clock(), "fallback_reason": reason.value, "expires_at": lifetime_from_now()}


def ask(session: Session, made: Made, choice: Choice, route: Route) -> None:
    """Offer it to the preferred mechanic, or broadcast it; an error while offering broadcasts it at once."""
    if route.stage is Stage.PRIORITY and choice.preferred_id:
        say(session, f"[Priority] Attempting priority notification to mechanic {choice.preferred_id}")
        if not _offered(session, made, choice.preferred_id):
            say(session, FAILED)
            _tell_everyone(session, made, FallbackReason.ERROR, choice, FallbackReason.ERROR)
        return
    if route.reason in (Preferred.NOT_FOUND, Preferred.NOT_APPROVED):
        say(session, f"[Priority] Attempting priority notification to mechanic {choice.preferred}")
        say(session, f"[Priority] Mechanic {choice.preferred} not found (or not approved)")
        say(session, FAILED)
    _tell_everyone(session, made, route.reason, choice)


def offer(session: Session, request_id: UUID) -> None:
    """Open the window: from now on only the preferred mechanic is asked."""
    session.execute(update(SessionRequest).where(SessionRequest.id == request_id).values(priority_notified_at=clock()))


def _offered(session: Session, made: Made, mechanic_id: UUID) -> bool:
    """Offer, tell and write its events, or nothing of it: nothing but the commit comes after."""
    before = {kept: list(session.info[kept]) for kept in ("said", "events")}
    try:
        with session.begin_nested():
            say(session, f"[Priority] Notifying preferred mechanic {mechanic_id} for session request {made.id}")
            offer(session, made.id)
            _tell_preferred(session, made, mechanic_id)
            insert_events(session)
    except Exception as error:  # whatever it is: the customer must not wait for it (rule 7)
        session.info.update(before)
        say(session, "Offering failed", is_error=True, error=type(error).__name__, session_request=made.id)
        _fall_back(session, made.id)
        return False
    return True


def _fall_back(session: Session, request_id: UUID) -> None:
    fallen = update(SessionRequest).where(SessionRequest.id == request_id)
    session.execute(fallen.values(fallback_values(FallbackReason.ERROR)))


def _tell_preferred(session: Session, made: Made, mechanic_id: UUID) -> None:
    minutes = made.priority_window_minutes
    tell = Recorder(session, made, Actor.customer(made.customer_id), "priority")
    tell.customer(Kind.REQUEST_OFFERED, mechanic_id=str(mechanic_id), minutes=minutes)
    tell.mechanic(Kind.PRIORITY_SESSION_REQUEST, mechanic_id)
    say(session, f"[Priority] ✅ Sent priority notification to mechanic {mechanic_id}")
    say(session, f"[Priority] Scheduling fallback broadcast for session request {made.id} in {minutes * 60}s")
    say(session, f"[Priority] ✅ Priority flow initiated - mechanic {mechanic_id} has {minutes} minutes")


def _tell_everyone(
    session: Session, made: Made, reason: str | None, choice: Choice, fallback_reason: str | None = None
) -> None:
    tell = Recorder(session, made, Actor.customer(made.customer_id), "routing", preferred=choice.preferred)
    broadcast(tell, made, reason, fallback_reason)
    words = "Workshop routing" if made.workshop_id else "Broadcast routing to all mechanics"
    say(session, f"[fulfillment] {words}", session_request=made.id, reason=reason)


def broadcast(tell: Recorder, subject: Asked, reason: str | None, fallback_reason: str | None) -> None:
    """Tell the customer and everyone who may answer now; `fallback_reason` is what the payload carries."""
    tell.customer(Kind.REQUEST_BROADCAST, reason=reason)
    tell.everyone(
        Kind.NEW_REQUEST, asked_workshop(subject), routing_type=subject.routing_type, fallback_reason=fallback_reason
    )


def announce_head_start_over(tell: Recorder, subject: Asked) -> None:
    """Tell the customer and every mechanic but those of the workshop, who know it."""
    tell.customer(Kind.REQUEST_BROADCAST, reason=HEAD_START_OVER)
    payload = {"routing_type": subject.routing_type, "fallback_reason": HEAD_START_OVER}
    tell.everyone_else(Kind.NEW_REQUEST, subject.workshop_id, **payload)


def asked_workshop(subject: Asked) -> UUID | None:
    """The workshop that alone is asked, if one is."""
    return None if subject.workshop_is_not_alone else subject.workshop_id
