"""Erasure: in one transaction everything goes that says who somebody is; what happened stays, and is nobody's.

Rows that figures and the ledger count are emptied, not deleted. Whoever writes for a person at the same moment has
their row locked before us, and is seen here, or after us, and finds that they are erased.
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select, update

from favorites.db import Session
from favorites.dispatch.actors import Actor
from favorites.dispatch.answers.reopening import leave_windows
from favorites.dispatch.errors import LastOwner, NotFound, NotOverYet
from favorites.dispatch.forgetting import forget_account, forget_customer, forget_mechanic
from favorites.dispatch.locks import lock_customer, lock_mechanic, lock_requests
from favorites.dispatch.owner_events import tell
from favorites.dispatch.verb import verb
from favorites.models import Customer, FallbackReason, Mechanic, OwnerEvent, OwnerKind, Role, SessionRequest, User
from favorites.models.session_request import is_accepted, is_open, is_preferred, window_is_open


class Person(NamedTuple):
    """An account, and the rows of its customer and its mechanic, where it has them."""

    user_id: UUID
    role: str
    customer_id: UUID | None
    mechanic_id: UUID | None
    is_erased: bool

    @property
    def subject_id(self) -> UUID:
        """As whom the trail of the owner's acts knows them."""
        return self.customer_id or self.mechanic_id or self.user_id


@verb
def tell_export(session: Session, user_id: UUID, actor: Actor) -> None:
    """Write down that the owner took a copy of somebody's data. Raises `NotFound`."""
    tell(session, OwnerKind.DATA_EXPORTED, actor, _person(session, user_id).subject_id)


@verb
def erase_person(session: Session, user_id: UUID, actor: Actor, reason: str = "asked") -> None:
    """Empty everything that says who this is, and sign them out; a repeat changes nothing.

    A mechanic's open offers fall back, as when they are suspended. `reason`: a code, for the trail.
    Raises `NotFound`, `NotOverYet` while a session request is not over, or `LastOwner`.
    """
    person = _person(session, user_id)
    if person.is_erased:
        return
    _refuse_the_last_owner(session, person)
    _lock(session, person)
    if person.mechanic_id:
        its = [is_preferred(person.mechanic_id)]
        leave_windows(session, its, FallbackReason.UNAVAILABLE, actor)
        forget_mechanic(session, person.mechanic_id, user_id)
    if person.customer_id:
        forget_customer(session, person.customer_id)
    forget_account(session, user_id)
    _empty_notes(session, person)
    tell(session, OwnerKind.PERSON_ERASED, actor, person.subject_id, role=person.role, reason=reason)


def _person(session: Session, user_id: UUID) -> Person:
    is_erased = or_(Customer.erased_at.is_not(None), Mechanic.erased_at.is_not(None))
    found = select(User.id, User.role, Customer.id, Mechanic.id, is_erased).select_from(User).where(User.id == user_id)
    joined = found.outerjoin(Customer, Customer.user_id == User.id).outerjoin(Mechanic, Mechanic.user_id == User.id)
    row = session.execute(joined).one_or_none()
    if row is None:
        raise NotFound
    return Person(*row)


def _refuse_the_last_owner(session: Session, person: Person) -> None:
    """Two owners who erase each other at once do it one after the other."""
    owners = select(User.id).where(User.role == Role.ADMIN, User.active).order_by(User.id).with_for_update()
    if person.role == Role.ADMIN and session.scalars(owners).all() == [person.user_id]:
        raise LastOwner


def _lock(session: Session, person: Person) -> None:
    """Their own rows, and those of all that they asked for or did; then nobody books, offers or writes to them."""
    theirs: list[ColumnElement[bool]] = []
    unfinished: list[ColumnElement[bool]] = []
    if person.customer_id:
        lock_customer(session, person.customer_id)
        theirs += [SessionRequest.customer_id == person.customer_id]
        unfinished += [theirs[-1] & is_open]
    if person.mechanic_id:
        lock_mechanic(session, person.mechanic_id)
        theirs += [SessionRequest.mechanic_id == person.mechanic_id, is_preferred(person.mechanic_id) & window_is_open]
        unfinished += [theirs[-2] & is_accepted]
    if theirs:
        lock_requests(session, or_(*theirs))
        if session.execute(select(exists().where(or_(*unfinished)))).scalar_one():
            raise NotOverYet


def _empty_notes(session: Session, person: Person) -> None:
    """The owner's own words about them, and about what they asked for."""
    ids = [id_ for id_ in (person.user_id, person.customer_id, person.mechanic_id) if id_]
    requests = select(SessionRequest.id).where(SessionRequest.customer_id == person.customer_id)
    about = or_(OwnerEvent.subject_id.in_(ids), OwnerEvent.subject_id.in_(requests))
    session.execute(update(OwnerEvent).where(about, OwnerEvent.note != "").values(note=""))
