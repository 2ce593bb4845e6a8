"""`flask person export|erase`: what is kept of somebody, and its end."""

import os
from pathlib import Path

import click

from favorites.cli.command import command
from favorites.cli.people import user_of
from favorites.db import db
from favorites.dispatch import privacy
from favorites.dispatch.actors import SYSTEM
from favorites.models import User
from favorites.queries.archive import write_archive
from favorites.queries.own_talks import whose


@click.group("person")
def group() -> None:
    """Anybody's own data."""


@group.command("export")
@click.argument("email")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@command
def export(email: str, folder: Path) -> None:
    """Write all that is kept of somebody into FOLDER: a JSON file, or a ZIP where there are photos."""
    user_id = _user(email).id
    privacy.tell_export(db.session(), user_id, SYSTEM)
    person = whose(db.session(), user_id)
    assert person
    file = folder / f"book-again-{user_id}.part"
    with open(file, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        kind = write_archive(db.session(), person, out, most=None)
    file.replace(file.with_suffix(f".{kind}"))
    click.echo(file.with_suffix(f".{kind}"))


@group.command("erase")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def erase(email: str, yes: bool) -> None:
    """Empty all that says who somebody is, and sign them out; what happened stays. Nothing can bring it back."""
    user = _user(email)
    user_id = user.id
    if not yes:
        click.confirm(f"Erase {user.email}? Nothing can bring it back.", abort=True)
    privacy.erase_person(db.session(), user_id, SYSTEM)
    click.echo("Erased.")


def _user(email: str) -> User:
    found = user_of(email)
    if found is None:
        raise click.ClickException(f"There is nobody with the address {email}.")
    return found
