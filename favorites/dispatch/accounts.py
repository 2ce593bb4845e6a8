"""New accounts: customers sign up, mechanics apply."""

import secrets
from collections.abc import Mapping

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from favorites.db import Session, clock
from favorites.dispatch.verb import verb
from favorites.models import Customer, Mechanic, Role, User


class EmailTaken(Exception):
    """There is an account with this address already; the person asking must not learn that from the page."""


def sign_up(session: Session, account: Mapping[str, str], person: Mapping[str, str]) -> User:
    """A new customer. `account`: email in lower case, password (its hash), time_zone; `person`: the customer's columns.

    Raises `EmailTaken`.
    """
    return _open(session, User(**account, role=Role.CUSTOMER, customer=Customer(**person), fs_uniquifier=_uniquifier()))


def apply(session: Session, account: Mapping[str, str], person: Mapping[str, str]) -> User:
    """A new mechanic, who waits for approval. As `sign_up`, with the mechanic's columns. Raises `EmailTaken`."""
    return _open(session, User(**account, role=Role.MECHANIC, mechanic=Mechanic(**person), fs_uniquifier=_uniquifier()))


def _uniquifier() -> str:
    return secrets.token_hex(32)


def _open(session: Session, user: User) -> User:
    try:
        _add(session, user)
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", None) == "users_email_key":
            raise EmailTaken from error
        raise
    return user


@verb
def _add(session: Session, user: User) -> None:
    session.add(user)


@verb
def confirm_address(session: Session, user: User) -> None:
    """Whoever followed a link we mailed to the address has shown that it is theirs."""
    never = (User.id == user.id, User.confirmed_at.is_(None))
    session.execute(update(User).where(*never).values(confirmed_at=clock()))


@verb
def keep_time_zone(session: Session, user: User, zone: str) -> None:
    """The zone whose clock this person reads."""
    session.execute(update(User).where(User.id == user.id).values(time_zone=zone))
