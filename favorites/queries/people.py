"""Who somebody is."""

from datetime import timedelta
from functools import cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Interval, Select, Text, bindparam, exists, func, select
from sqlalchemy.orm import contains_eager
from sqlalchemy.orm.attributes import set_committed_value

from favorites.db import Session, clock
from favorites.models import Customer, Mechanic, Role, SignIn, User
from favorites.models.people import sign_in_holds
from favorites.plans import KEEPS

SEEN_EVERY = timedelta(minutes=1)


class SignedIn(NamedTuple):
    """A sign-in that holds, and its person with the customer's and mechanic's rows (and workshop) loaded."""

    id: UUID
    user: User
    is_due: bool  # last seen longer ago than SEEN_EVERY


def signed_in(session: Session, key_hashes: list[str], idle: timedelta) -> dict[str, SignedIn]:
    """The sign-ins of those keys, in one query: not ended, not over, used within `idle`, and their person active.

    The rows are detached from the session: a snapshot for one request, which no commit expires.
    """
    rows = session.execute(_signed_in(), {"key_hashes": key_hashes, "idle": idle}).all()
    found = {key_hash: SignedIn(id_, user, is_due) for key_hash, id_, user, is_due in rows}
    for user in {one.user for one in found.values()}:
        _detach(session, user)
    return found


@cache
def _signed_in() -> Select[str, UUID, User, bool]:
    """Built once: it is read at every request, and by thousands at once when their streams come back."""
    keys, idle = bindparam("key_hashes", type_=ARRAY(Text)), bindparam("idle", type_=Interval)
    return (
        select(SignIn.key_hash, SignIn.id, User, SignIn.seen_at < clock() - SEEN_EVERY)
        .join(User, SignIn.user_id == User.id)
        .outerjoin(User.customer)
        .outerjoin(User.mechanic)
        .outerjoin(Mechanic.workshop)
        .options(contains_eager(User.customer), contains_eager(User.mechanic).contains_eager(Mechanic.workshop))
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
