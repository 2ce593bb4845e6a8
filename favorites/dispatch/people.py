"""Who may do what from now on: favorites, shifts, approving, suspending, workshops."""

from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, update
from sqlalchemy.dialects.postgresql import insert

from favorites.db import Session, clock
from favorites.dispatch.actors import Actor
from favorites.dispatch.answers.reopening import leave_windows, take_back
from favorites.dispatch.errors import NotFound
from favorites.dispatch.locks import lock_mechanic, lock_requests
from favorites.dispatch.verb import verb
from favorites.models import (
    CustomerFavorite,
    FallbackReason,
    Mechanic,
    MechanicStatus,
    SessionRequest,
    Workshop,
)
from favorites.models.session_request import is_accepted, is_preferred, window_is_open


@verb
def add_favorite(session: Session, customer_id: UUID, mechanic_id: UUID) -> None:
    """Mark a mechanic as favorite; a repeat changes nothing. Raises `NotFound`."""
    if session.get(Mechanic, mechanic_id) is None:
        raise NotFound
    session.execute(
        insert(CustomerFavorite).values(customer_id=customer_id, mechanic_id=mechanic_id).on_conflict_do_nothing()
    )


@verb
def remove_favorite(session: Session, customer_id: UUID, mechanic_id: UUID) -> None:
    """Take the mark away, by the customer or (rule 17) the mechanic; an open window stays as it is."""
    theirs = (CustomerFavorite.customer_id == customer_id, CustomerFavorite.mechanic_id == mechanic_id)
    session.execute(delete(CustomerFavorite).where(*theirs))


@verb
def start_shift(session: Session, mechanic_id: UUID) -> None:
    """On shift from now; a repeat keeps the first start."""
    off = update(Mechanic).where(Mechanic.id == mechanic_id, Mechanic.shift_started_at.is_(None))
    session.execute(off.values(shift_started_at=clock()))


@verb
def end_shift(session: Session, mechanic_id: UUID) -> None:
    """Off shift from now."""
    session.execute(update(Mechanic).where(Mechanic.id == mechanic_id).values(shift_started_at=None))


@verb
def approve_mechanic(session: Session, mechanic_id: UUID) -> None:
    """From any other status to approved; a repeat changes nothing. Raises `NotFound`."""
    lock_mechanic(session, mechanic_id)
    _set_status(session, mechanic_id, MechanicStatus.APPROVED)


@verb
def refuse_mechanic(session: Session, mechanic_id: UUID) -> None:
    """Refuse an application. Raises `NotFound` when there is none waiting."""
    if lock_mechanic(session, mechanic_id) != MechanicStatus.PENDING:
        raise NotFound
    _set_status(session, mechanic_id, MechanicStatus.REFUSED)


@verb
def suspend_mechanic(session: Session, mechanic_id: UUID, actor: Actor) -> None:
    """Suspend an approved mechanic: their open windows fall back, and what they had not started is asked again.

    All in one transaction; a trigger ends their sign-ins. A repeat changes nothing.
    Raises `NotFound` unless approved or suspended.
    """
    if lock_mechanic(session, mechanic_id) not in (MechanicStatus.APPROVED, MechanicStatus.SUSPENDED):
        raise NotFound
    _set_status(session, mechanic_id, MechanicStatus.SUSPENDED)
    held: ColumnElement[bool] = is_accepted & (SessionRequest.mechanic_id == mechanic_id)
    its = SessionRequest.id.in_(lock_requests(session, or_(window_is_open & is_preferred(mechanic_id), held)))
    leave_windows(session, [its, is_preferred(mechanic_id)], FallbackReason.UNAVAILABLE, actor)
    take_back(session, [its, held], actor)


def _set_status(session: Session, mechanic_id: UUID, status: MechanicStatus) -> None:
    changed = update(Mechanic).where(Mechanic.id == mechanic_id, Mechanic.status != status)
    leaves_shift = {} if status is MechanicStatus.APPROVED else {"shift_started_at": None}
    session.execute(changed.values(status=status.value, **leaves_shift))


@verb
def join_workshop(session: Session, mechanic_id: UUID, workshop_id: UUID | None) -> None:
    """Make the mechanic one of the workshop's, or independent (None). Raises `NotFound`."""
    lock_mechanic(session, mechanic_id)
    if workshop_id and session.get(Workshop, workshop_id) is None:
        raise NotFound
    session.execute(update(Mechanic).where(Mechanic.id == mechanic_id).values(workshop_id=workshop_id))


@verb
def add_workshop(session: Session, slug: str, name: str) -> UUID | None:
    """A new workshop's id; None when the slug is taken. The table refuses a slug that is not plain."""
    added = insert(Workshop).values(slug=slug, name=name).on_conflict_do_nothing(index_elements=["slug"])
    return session.execute(added.returning(Workshop.id)).scalar_one_or_none()
