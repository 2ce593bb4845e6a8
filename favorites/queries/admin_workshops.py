"""Workshops as the owner sees them: each with how many mechanics it has and how many wait for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, select

from favorites.db import Session
from favorites.models import Mechanic, MechanicStatus, SessionRequest, Workshop
from favorites.models.session_request import is_open
from favorites.queries.acts import Act, acts
from favorites.queries.admin_mechanics import Person, of_workshop


class Shop(NamedTuple):
    """A workshop; `mechanics`: its approved ones; `open_requests`: that came by its link and are not over."""

    workshop: Workshop
    mechanics: int
    open_requests: int


@dataclass(frozen=True)
class Known:
    """All there is to know of one workshop."""

    shop: Shop
    mechanics: Sequence[Person]
    acts: Sequence[Act]


def shops(session: Session) -> Sequence[Shop]:
    """All workshops: the open ones first, by name."""
    listed = _shops().order_by(Workshop.is_active.desc(), Workshop.name, Workshop.id)
    return [Shop(*row) for row in session.execute(listed)]


def shop(session: Session, workshop_id: UUID) -> Known | None:
    """One workshop; None when there is no such."""
    row = session.execute(_shops().where(Workshop.id == workshop_id)).one_or_none()
    if row is None:
        return None
    return Known(Shop(*row), of_workshop(session, workshop_id), acts(session, workshop_id))


def _shops() -> Select[Workshop, int, int]:
    theirs = (Mechanic.workshop_id == Workshop.id, Mechanic.status == MechanicStatus.APPROVED)
    mechanics = select(func.count()).where(*theirs).scalar_subquery()
    waiting = select(func.count()).where(SessionRequest.workshop_id == Workshop.id, is_open).scalar_subquery()
    return select(Workshop, mechanics, waiting)
