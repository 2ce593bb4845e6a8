"""What the answers share: what an event needs of a row, and who hears of it."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from favorites.db import Session
from favorites.dispatch import errors
from favorites.dispatch.events import Recorder
from favorites.dispatch.locks import share_mechanic
from favorites.dispatch.offering import asked_workshop
from favorites.models import Kind, MechanicStatus, SessionRequest
from favorites.models.session_request import everyone_was_asked, workshop_is_not_alone

# What an answer's events need to know, as the row is after the change.
AFTER = (
    SessionRequest.id,
    SessionRequest.customer_id,
    SessionRequest.session_id,
    SessionRequest.mechanic_id,
    SessionRequest.preferred_mechanic_id,
    SessionRequest.routing_type,
    SessionRequest.workshop_id,
    everyone_was_asked.label("everyone_was_asked"),
    workshop_is_not_alone.label("workshop_is_not_alone"),
)


def approved(session: Session, mechanic_id: UUID) -> None:
    """Hold the mechanic's row until the commit, so that no suspension comes between. Raises `NotAllowed`."""
    if share_mechanic(session, mechanic_id) != MechanicStatus.APPROVED:
        raise errors.NotAllowed


def tell_those_who_saw(tell: Recorder, row: Row[*tuple[Any, ...]], kind: Kind, **payload: Any) -> None:
    """Tell every mechanic whose it was to see: everyone, the workshop, or the preferred mechanic alone."""
    if row.everyone_was_asked:
        tell.everyone(kind, asked_workshop(row), **payload)
    elif row.preferred_mechanic_id:
        tell.mechanic(kind, row.preferred_mechanic_id, **payload)
