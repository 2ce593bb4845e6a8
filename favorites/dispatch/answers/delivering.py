"""An offer has reached a screen of its mechanic: the first device that says so is the one that counts."""

from uuid import UUID

from sqlalchemy import Select, select, update

from favorites.db import Session, clock
from favorites.dispatch import errors
from favorites.dispatch.actors import Actor
from favorites.dispatch.events import Recorder
from favorites.dispatch.verb import verb
from favorites.models import Kind, SessionRequest
from favorites.models.session_request import had_window, is_preferred, window_is_open


@verb
def deliver(session: Session, request_id: UUID, mechanic_id: UUID) -> None:
    """A device of the preferred mechanic shows the offer; its customer is told once, while the window is open.

    A repeat is a success, and so is what comes too late. Raises `NotFound` for everyone else.
    """
    shown = update(SessionRequest).where(
        SessionRequest.id == request_id,
        window_is_open,
        is_preferred(mechanic_id),
        SessionRequest.delivered_at.is_(None),
    )
    told = shown.values(delivered_at=clock()).returning(SessionRequest.id, SessionRequest.customer_id)
    row = session.execute(told).one_or_none()
    if row is not None:
        tell = Recorder(session, row, Actor.mechanic(mechanic_id), "delivered")
        tell.customer(Kind.REQUEST_DELIVERED, mechanic_id=str(mechanic_id))
    elif not session.execute(_offered(request_id, mechanic_id)).first():
        raise errors.NotFound


def _offered(request_id: UUID, mechanic_id: UUID) -> Select[UUID]:
    return select(SessionRequest.id).where(SessionRequest.id == request_id, had_window, is_preferred(mechanic_id))
