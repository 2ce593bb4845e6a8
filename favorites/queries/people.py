"""Who somebody is."""

from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, Interval, Select, Text, bindparam, exists, func, select
from sqlalchemy.orm import contains_eager
from sqlalchemy.orm.attributes import set_committed_value

from favorites.db import Session, clock
from favorites.models import Customer, Mechanic, Role, SignIn, User
from favorites.models.people import sign_in_holds
from favorites.plans import KEEPS

SEEN_EVERY = timedelta(minutes=1)

Found = TypeVar("Found", bound=Select[*tuple[Any, ...]])


class SignedIn(NamedTuple):
    """A sign-in that holds, and its person with the customer's and mechanic's rows (and workshop) loaded."""

    id: UUID
    user: User
    is_due: bool  # last seen longer ago than SEEN_EVERY


class Listener(NamedTuple):
    """Who asks for a stream: a sign-in that holds, and what its person is."""

    sign_in_id: UUID
    user_id: UUID
    uniquifier: str
    role: str
    customer_id: UUID | None
    mechanic_id: UUID | None
    mechanic_status: str | None
    workshop_id: UUID | None


def signed_in(session: Session, key_hash: str, idle: timedelta) -> SignedIn | None:
    """The sign-in of that key: not ended, not over, used within `idle`, and its person active.

    The rows are detached from the session: a snapshot for one request, which no commit expires.
    """
    row = session.execute(_signed_in(), _given([key_hash], idle)).one_or_none()
    if row is None:
        return None
    _detach(session, row.User)
    return SignedIn(*row)


def listeners(session: Session, key_hashes: list[str], idle: timedelta) -> dict[str, Listener]:
    """The same for many keys, in one query, and only what a stream has to know."""
    return {key_hash: Listener(*who) for key_hash, *who in session.execute(_listeners(), _given(key_hashes, idle))}


def listener(sign_in_id: UUID, user: User) -> Listener:
    """A person with both rows loaded, signed in by that row."""
    customer, mechanic = user.customer, user.mechanic
    about = (mechanic.id, mechanic.status, mechanic.workshop_id) if mechanic else (None, None, None)
    return Listener(sign_in_id, user.id, user.fs_uniquifier, user.role, customer.id if customer else None, *about)


def _given(key_hashes: list[str], idle: timedelta) -> dict[str, Any]:
    return {"key_hashes": key_hashes, "idle": idle}


@cache
def _signed_in() -> Select[UUID, User, bool]:
    """Built once, like the next: it is read at every request."""
    person = contains_eager(User.customer), contains_eager(User.mechanic).contains_eager(Mechanic.workshop)
    found = select(SignIn.id, User, SignIn.seen_at < clock() - SEEN_EVERY)
    return _of_those_keys(found).outerjoin(Mechanic.workshop).options(*person)


@cache
def _listeners() -> Select[*tuple[Any, ...]]:
    mechanic = (Mechanic.id, Mechanic.status, Mechanic.workshop_id)
    return _of_those_keys(
        select(SignIn.key_hash, SignIn.id, User.id, User.fs_uniquifier, User.role, Customer.id, *mechanic)
    )


def _of_those_keys(found: Found) -> Found:
    keys, idle = bindparam("key_hashes", type_=ARRAY(Text)), bindparam("idle", type_=Interval)
    return (
        found.join(User, SignIn.user_id == User.id)
        .outerjoin(User.customer)
        .outerjoin(User.mechanic)
        .where(SignIn.key_hash == func.any(keys), sign_in_holds(idle), User.active)
        .execution_options(**KEEPS)
    )


def _detach(session: Session, user: User) -> None:
    for row in (user.customer, user.mechanic):
        if row is not None:
            set_committed_value(row, "user", user)
    workshop = user.mechanic.workshop if user.mechanic else None
    for part in (user, user.customer, user.mechanic, workshop):
        if part is not None:
            session.expunge(part)


def customer_of(session: Session, user_id: UUID) -> Customer | None:
    """The customer's row of a user."""
    return session.scalars(select(Customer).where(Customer.user_id == user_id)).one_or_none()


def mechanic_of(session: Session, user_id: UUID) -> Mechanic | None:
    """The mechanic's row of a user, approved or not."""
    return session.scalars(select(Mechanic).where(Mechanic.user_id == user_id)).one_or_none()


def user_with(session: Session, email: str) -> User | None:
    """The user with that address, in lower case."""
    return session.scalars(select(User).where(User.email == email)).one_or_none()


def has_owner(session: Session) -> bool:
    """Whether anybody can approve mechanics."""
    return session.scalars(select(exists().where(User.role == Role.ADMIN, User.active))).one()


def wants_mail(session: Session, user_id: UUID) -> bool | None:
    """Whether the customer with this account is written to; None when there is no such customer."""
    return session.scalar(select(Customer.wants_mail).where(Customer.user_id == user_id))
