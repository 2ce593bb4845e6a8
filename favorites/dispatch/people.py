"""Who may do what from now on: favorites, shifts, approving, refusing, suspending."""

from datetime import time
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, update
from sqlalchemy.dialects.postgresql import insert

from favorites.db import Session, clock
from favorites.dispatch.actors import Actor
from favorites.dispatch.answers.reopening import leave_windows, take_back
from favorites.dispatch.errors import NotFound
from favorites.dispatch.locks import lock_mechanic, lock_requests
from favorites.dispatch.owner_events import tell
from favorites.dispatch.verb import verb
from favorites.models import CustomerFavorite, FallbackReason, Mechanic, MechanicStatus, SessionRequest
from favorites.models.owner_event import OwnerKind
from favorites.models.people import MechanicReason
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
    """On shift from now, and back if they were away; a repeat keeps the first start."""
    off = update(Mechanic).where(Mechanic.id == mechanic_id, Mechanic.shift_started_at.is_(None))
    session.execute(off.values(shift_started_at=clock(), back_at=clock()))


@verb
def end_shift(session: Session, mechanic_id: UUID) -> None:
    """Off shift from now."""
    session.execute(update(Mechanic).where(Mechanic.id == mechanic_id).values(shift_started_at=None))


@verb
def come_back(session: Session, mechanic_id: UUID) -> None:
    """They are there again: what they did not answer before this does not count any more."""
    session.execute(update(Mechanic).where(Mechanic.id == mechanic_id).values(back_at=clock()))


@verb
def set_offers(session: Session, mechanic_id: UUID, takes_favorites: bool, quiet: tuple[time, time] | None) -> None:
    """Whether customers may ask for them first, and their quiet hours, from and until by their own clock.

    An open window stays as it is. The table refuses hours without a length.
    """
    quiet_from, quiet_until = quiet or (None, None)
    told = {"takes_favorites": takes_favorites, "quiet_from": quiet_from, "quiet_until": quiet_until}
    session.execute(update(Mechanic).where(Mechanic.id == mechanic_id).values(told))


@verb
def approve_mechanic(session: Session, mechanic_id: UUID, actor: Actor) -> bool:
    """From any other status to approved; False: they are, and nothing changes. Raises `NotFound`."""
    before = lock_mechanic(session, mechanic_id)
    is_new = _set_status(session, mechanic_id, MechanicStatus.APPROVED)
    if is_new:
        back = before == MechanicStatus.SUSPENDED
        tell(session, OwnerKind.MECHANIC_RESTORED if back else OwnerKind.MECHANIC_APPROVED, actor, mechanic_id)
    return is_new


@verb
def refuse_mechanic(session: Session, mechanic_id: UUID, actor: Actor, reason: MechanicReason, words: str = "") -> None:
    """Refuse an application; they read why, and the owner's `words`. Raises `NotFound` when there is none waiting."""
    if lock_mechanic(session, mechanic_id) != MechanicStatus.PENDING:
        raise NotFound
    _set_status(session, mechanic_id, MechanicStatus.REFUSED, reason, words)
    tell(session, OwnerKind.MECHANIC_REFUSED, actor, mechanic_id, words, reason=reason.value)


@verb
def suspend_mechanic(
    session: Session, mechanic_id: UUID, actor: Actor, reason: MechanicReason = MechanicReason.OTHER, words: str = ""
) -> bool:
    """Suspend an approved mechanic: their open windows fall back, and what they had not started is asked again.

    All in one transaction; a trigger ends their sign-ins. They read why, and the owner's `words`. False: they are
    suspended, and nothing changes. Raises `NotFound` unless approved or suspended.
    """
    if lock_mechanic(session, mechanic_id) not in (MechanicStatus.APPROVED, MechanicStatus.SUSPENDED):
        raise NotFound
    is_new = _set_status(session, mechanic_id, MechanicStatus.SUSPENDED, reason, words)
    if is_new:
        tell(session, OwnerKind.MECHANIC_SUSPENDED, actor, mechanic_id, words, reason=reason.value)
    held: ColumnElement[bool] = is_accepted & (SessionRequest.mechanic_id == mechanic_id)
    its = SessionRequest.id.in_(lock_requests(session, or_(window_is_open & is_preferred(mechanic_id), held)))
    leave_windows(session, [its, is_preferred(mechanic_id)], FallbackReason.UNAVAILABLE, actor)
    take_back(session, [its, held], actor)
    return is_new


def _set_status(
    session: Session, mechanic_id: UUID, status: MechanicStatus, reason: MechanicReason | None = None, words: str = ""
) -> bool:
    """Whether it was another one."""
    changed = update(Mechanic).where(Mechanic.id == mechanic_id, Mechanic.status != status)
    leaves_shift = {} if status is MechanicStatus.APPROVED else {"shift_started_at": None}
    why = {"reason": reason.value if reason else None, "reason_words": words}
    set_ = changed.values(status=status.value, **why, **leaves_shift)
    return session.execute(set_.returning(Mechanic.id)).one_or_none() is not None
