"""`flask owner add`: who runs the place. There is no sign-up for owners, so the first one is made here."""

from uuid import uuid4

import click
from flask import current_app
from flask_security import url_for_security
from flask_security.recoverable import generate_reset_password_token

from favorites import welcome
from favorites.cli.command import command
from favorites.cli.people import user_of
from favorites.db import clock, db
from favorites.models import Role, User
from favorites.settings import current


@click.group("owner")
def group() -> None:
    """Who runs the place."""


@group.command("add")
@click.argument("email")
@command
def add(email: str) -> None:
    """Make somebody an owner, and print the link where they choose their password."""
    user = _owner(email)
    if user.password:
        click.echo(f"{user.email} is an owner now, and signs in with the password they have.")
        return
    click.echo(f"{user.email} is an owner now. The password is chosen here, within {_days()}:")
    click.echo(_set_password_link(user))


def _normal(email: str) -> str:
    try:
        address: str = current_app.extensions["security"]._mail_util.validate(email)
    except ValueError as error:
        raise click.ClickException(f"{email} is no e-mail address: {error}") from error
    return address.lower()


def _owner(email: str) -> User:
    user = user_of(email)
    if user is None:
        user = User(email=_normal(email), fs_uniquifier=uuid4().hex)
        db.session.add(user)
    user.role, user.active = Role.ADMIN, True
    user.confirmed_at = user.confirmed_at or clock()  # who can run commands here vouches for the address
    db.session.commit()
    return user


def _set_password_link(user: User) -> str:
    with current_app.test_request_context(base_url=welcome.url(current())):
        token = generate_reset_password_token(user)  # type: ignore[no-untyped-call] # not annotated there
        link: str = url_for_security("reset_password", token=token, _external=True)
    return link


def _days() -> str:
    return str(current_app.config["SECURITY_RESET_PASSWORD_WITHIN"])
