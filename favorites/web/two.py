"""Who reads a consultation: its customer, the mechanic who has it, or the owner. For everyone else there is none."""

from typing import NamedTuple
from uuid import UUID

from flask import abort
from flask_security import current_user

from favorites.db import db
from favorites.dispatch.actors import Actor
from favorites.models import MechanicStatus, Role, Status
from favorites.queries.talk import Reader
from favorites.queries.waiting import Waiting, consultation_of_two
from favorites.settings import current

CUSTOMER, MECHANIC, OWNER = "customer", "mechanic", "owner"
VIDEO = "video"


class Seat(NamedTuple):
    """A consultation, and as whom the signed-in person reads it."""

    waiting: Waiting
    viewer: str

    @property
    def is_together(self) -> bool:
        """Whether there are two: accepted, and not taken back or cancelled since."""
        return self.waiting.session_request.status in {Status.ACCEPTED, Status.COMPLETED}

    @property
    def reader(self) -> Reader:
        """For the talk."""
        mechanic_id = self.waiting.session_request.mechanic_id
        return Reader(current_user.id, mechanic_id, is_owner=self.viewer == OWNER)

    @property
    def meeting_url(self) -> str | None:
        """Where the two meet on video, while there is something to meet for."""
        row, template = self.waiting.session_request, current().meeting_url_template
        is_on = row.status == Status.ACCEPTED and row.session_type == VIDEO and self.viewer != OWNER
        return template.replace("{room}", row.room) if is_on and template and row.room else None


def seat(session_id: UUID) -> Seat:
    """The consultation for who may read it; 404 for everyone else."""
    found = consultation_of_two(db.session(), session_id) or abort(404)
    return Seat(found, _viewer(found) or abort(404))


def together(session_id: UUID) -> Seat:
    """As `seat`, once there are two."""
    found = seat(session_id)
    return found if found.is_together else abort(404)


def one_of_the_two(session_id: UUID) -> Actor:
    """Who acts, once there are two; the owner only looks on, and gets 404 as everyone else."""
    found = together(session_id)
    if found.viewer == CUSTOMER:
        return Actor.customer(found.waiting.session_request.customer_id)
    return Actor.mechanic(current_user.mechanic.id) if found.viewer == MECHANIC else abort(404)


def _viewer(found: Waiting) -> str | None:
    """As whom the signed-in person reads it; None: it is not theirs to know."""
    row = found.session_request
    if row.mechanic and row.mechanic.user_id == current_user.id and row.mechanic.status == MechanicStatus.APPROVED:
        return MECHANIC
    if row.customer.user_id == current_user.id:
        return CUSTOMER
    return OWNER if current_user.role == Role.ADMIN else None
