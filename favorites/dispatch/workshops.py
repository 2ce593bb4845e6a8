"""Workshops: add, change, close, reopen, and whose mechanics are whose; each told with who did it."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from favorites.db import Session
from favorites.dispatch.actors import Actor
from favorites.dispatch.answers.reopening import leave_workshops
from favorites.dispatch.errors import NotFound
from favorites.dispatch.locks import lock_mechanic, lock_requests
from favorites.dispatch.owner_events import tell
from favorites.dispatch.verb import verb
from favorites.models import Mechanic, SessionRequest, Workshop
from favorites.models.owner_event import OwnerKind
from favorites.models.people import WorkshopRouting
from favorites.models.session_request import is_pending, workshop_is_not_alone

CLOSED = "workshop_closed"  # why everyone is asked; no reason of a fallback


@verb
def add_workshop(
    session: Session, slug: str, name: str, actor: Actor, routing: WorkshopRouting = WorkshopRouting.WORKSHOP_ONLY
) -> UUID | None:
    """A new workshop's id; None when the slug is taken. The table refuses a slug that is not plain."""
    added = insert(Workshop).values(slug=slug, name=name, routing=routing.value)
    added = added.on_conflict_do_nothing(index_elements=["slug"])
    workshop_id = session.execute(added.returning(Workshop.id)).scalar_one_or_none()
    if workshop_id:
        tell(session, OwnerKind.WORKSHOP_ADDED, actor, workshop_id, slug=slug, routing=routing.value)
    return workshop_id


@verb
def change_workshop(session: Session, workshop_id: UUID, name: str, routing: WorkshopRouting, actor: Actor) -> None:
    """Its name, and whom it asks from the next booking on; a repeat changes nothing. Raises `NotFound`."""
    new = {"name": name, "routing": routing.value}
    _change(session, workshop_id, new, actor)


@verb
def close_workshop(session: Session, workshop_id: UUID, actor: Actor) -> None:
    """Its link takes no bookings; everyone is asked about what its mechanics alone were asked. Raises `NotFound`.

    A repeat changes nothing.
    """
    _change(session, workshop_id, {"is_active": False}, actor)
    theirs = SessionRequest.workshop_id == workshop_id
    its = SessionRequest.id.in_(lock_requests(session, theirs, is_pending, ~workshop_is_not_alone))
    leave_workshops(session, [its], CLOSED, actor)


@verb
def reopen_workshop(session: Session, workshop_id: UUID, actor: Actor) -> None:
    """Its link takes bookings again; a repeat changes nothing. Raises `NotFound`."""
    _change(session, workshop_id, {"is_active": True}, actor)


def _change(session: Session, workshop_id: UUID, new: dict[str, Any], actor: Actor) -> None:
    _known(session, workshop_id)
    differs = or_(*(getattr(Workshop, column) != value for column, value in new.items()))
    changed = update(Workshop).where(Workshop.id == workshop_id, differs).values(new)
    if session.execute(changed.returning(Workshop.id)).one_or_none():
        tell(session, OwnerKind.WORKSHOP_CHANGED, actor, workshop_id, **new)


@verb
def join_workshop(session: Session, mechanic_id: UUID, workshop_id: UUID | None, actor: Actor) -> None:
    """Make the mechanic one of the workshop's, or independent (None); a repeat changes nothing. Raises `NotFound`."""
    lock_mechanic(session, mechanic_id)
    if workshop_id:
        _known(session, workshop_id)
    _belong(session, mechanic_id, workshop_id, actor, Mechanic.workshop_id.is_distinct_from(workshop_id))


@verb
def leave_workshop(session: Session, mechanic_id: UUID, workshop_id: UUID, actor: Actor) -> None:
    """Make this workshop's mechanic independent; whoever is not its own stays as they are. Raises `NotFound`."""
    lock_mechanic(session, mechanic_id)
    _known(session, workshop_id)
    _belong(session, mechanic_id, None, actor, Mechanic.workshop_id == workshop_id)


def _belong(
    session: Session, mechanic_id: UUID, workshop_id: UUID | None, actor: Actor, before: ColumnElement[bool]
) -> None:
    changed = update(Mechanic).where(Mechanic.id == mechanic_id, before).values(workshop_id=workshop_id)
    if session.execute(changed.returning(Mechanic.id)).one_or_none():
        told = {"workshop_id": str(workshop_id)} if workshop_id else {}
        tell(session, OwnerKind.WORKSHOP_JOINED, actor, mechanic_id, **told)


def _known(session: Session, workshop_id: UUID) -> None:
    if session.execute(select(Workshop.id).where(Workshop.id == workshop_id)).one_or_none() is None:
        raise NotFound
