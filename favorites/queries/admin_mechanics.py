"""Mechanics as the owner sees them: who applied, everyone else, and one of them with all there is to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import joinedload

from favorites.db import Session
from favorites.models import Customer, CustomerFavorite, Mechanic, MechanicStatus, SessionRequest, User
from favorites.queries.acts import Act, acts
from favorites.queries.pages import Line, Part, is_called, part
from favorites.queries.presence import Presence, PresenceState, presence_state

MOST = 200  # applications
LATEST = 20  # session requests on a mechanic's page
NO_WORKSHOP = "none"


@dataclass(frozen=True)
class Person:
    """A mechanic with the address of their account and their presence."""

    mechanic: Mechanic
    email: str
    presence: Presence


class Wanted(NamedTuple):
    """Which of the mechanics: whose name or address has `find` in it, of a status, of a workshop or of none."""

    find: str | None = None
    status: str | None = None
    workshop: str | None = None  # an id, or NO_WORKSHOP


EVERYONE = Wanted()
_is_somebody: ColumnElement[bool] = Mechanic.erased_at.is_(None)


@dataclass(frozen=True)
class Known:
    """All there is to know of one mechanic."""

    person: Person
    user: User
    admirers: int
    requests: Sequence[Line]
    acts: Sequence[Act]


def applications(session: Session) -> Sequence[Person]:
    """Those who wait for approval, the oldest first."""
    waiting = _people().where(Mechanic.status == MechanicStatus.PENDING)
    return [_person(*row) for row in session.execute(waiting.order_by(Mechanic.created_at).limit(MOST))]


def mechanics(session: Session, wanted: Wanted = EVERYONE, number: int = 1) -> Part[Person]:
    """A page of everyone who was ever approved or refused, by name."""
    judged = _people().where(Mechanic.status != MechanicStatus.PENDING, _is_somebody, *_conditions(wanted))
    found = part(session, judged.order_by(Mechanic.first_name, Mechanic.last_name, Mechanic.id), number)
    return Part([_person(*row) for row in found.rows], number, found.has_more)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions = []
    if wanted.find:
        conditions.append(is_called(wanted.find, Mechanic.first_name, Mechanic.last_name, User.email))
    if wanted.status:
        conditions.append(Mechanic.status == wanted.status)
    if wanted.workshop:
        is_of = wanted.workshop if wanted.workshop != NO_WORKSHOP else None
        conditions.append(Mechanic.workshop_id.is_not_distinct_from(UUID(is_of) if is_of else None))
    return conditions


def mechanic(session: Session, mechanic_id: UUID) -> Known | None:
    """One mechanic, approved or not; None when there is no such."""
    row = session.execute(_people().where(Mechanic.id == mechanic_id)).one_or_none()
    if row is None:
        return None
    favor = select(func.count()).where(CustomerFavorite.mechanic_id == mechanic_id).scalar_subquery()
    user, admirers = session.execute(select(User, favor).where(User.id == row[0].user_id)).one()
    return Known(_person(*row), user, admirers, _latest(session, mechanic_id), acts(session, mechanic_id))


def mechanic_by_email(session: Session, email: str) -> UUID | None:
    """The mechanic whose account has this address, in whatever case it is written."""
    return session.scalar(select(Mechanic.id).join(User).where(User.email == email.strip().lower()))


def of_workshop(session: Session, workshop_id: UUID) -> Sequence[Person]:
    """The mechanics of a workshop, by name."""
    theirs = _people().where(Mechanic.workshop_id == workshop_id, _is_somebody)
    return [_person(*row) for row in session.execute(theirs.order_by(Mechanic.first_name, Mechanic.id))]


def _latest(session: Session, mechanic_id: UUID) -> list[Line]:
    asked = or_(SessionRequest.mechanic_id == mechanic_id, SessionRequest.preferred_mechanic_id == mechanic_id)
    name = func.trim(func.concat_ws(" ", Customer.first_name, Customer.last_name))
    found = select(SessionRequest, name).join(Customer, Customer.id == SessionRequest.customer_id).where(asked)
    rows = session.execute(found.order_by(SessionRequest.created_at.desc()).limit(LATEST))
    told = {True: "accepted", False: "asked first"}
    return [Line(request, customer, told[request.mechanic_id == mechanic_id]) for request, customer in rows]


def _people() -> Select[Mechanic, str, str]:
    people = select(Mechanic, User.email, presence_state)
    return people.join(User, User.id == Mechanic.user_id).options(joinedload(Mechanic.workshop))


def _person(mechanic: Mechanic, email: str, state: str) -> Person:
    return Person(mechanic, email, Presence(PresenceState(state), mechanic.board_seen_at))
