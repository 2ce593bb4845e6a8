"""People by their e-mail address, as the owner knows them."""

import click
from sqlalchemy import select

from favorites.db import db
from favorites.models import Customer, Mechanic, User


def user_of(email: str) -> User | None:
    """The account with this address, whatever the case it was typed in."""
    return db.session.scalar(select(User).where(User.email == email.strip().lower()))


def mechanic_of(email: str) -> Mechanic:
    """The mechanic with this address; ClickException with one sentence."""
    found = db.session.scalar(select(Mechanic).join(User).where(User.email == email.strip().lower()))
    if found is None:
        raise click.ClickException(f"There is no mechanic {email}; `flask mechanic list` shows them.")
    return found


def customer_of(email: str) -> Customer:
    """The customer with this address; ClickException with one sentence."""
    found = db.session.scalar(select(Customer).join(User).where(User.email == email.strip().lower()))
    if found is None:
        raise click.ClickException(f"There is no customer {email}.")
    return found
