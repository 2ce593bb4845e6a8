"""`flask upgrade`: a new version's schema, while the former version goes on serving."""

import shutil
import time
from pathlib import Path

import click
import flask_migrate
import psycopg2
from sqlalchemy.exc import DBAPIError

from favorites import revisions, schema
from favorites.backups import BackupError, making
from favorites.backups.rows import told
from favorites.backups.server import Server
from favorites.cli.command import command
from favorites.db import url
from favorites.embedded.programs import SUPPORTED
from favorites.settings import current


@click.command("upgrade")
@click.option("--backup", "place", type=click.Path(path_type=Path), help="File or directory; INSTANCE_DIR/backups.")
@click.option("--no-backup", is_flag=True, help="You have one that is as good.")
@command
def upgrade(place: Path | None, no_backup: bool) -> None:
    """Back up, then bring the database to this version's schema. The former version may serve meanwhile.

    Safe to repeat. When it fails, the revisions before the one that failed are in, and nothing of that one.
    """
    stored, needed = schema.stored_revision(), revisions.newest()
    schema.refuse_newer(stored)
    _refuse_old_server()
    if stored == needed:
        click.echo(f"Nothing to do: the database is at {needed} already.")
        return
    saved = _back_up(place) if stored and not no_backup else None
    began = time.monotonic()
    _migrate(saved)
    click.echo(f"The database is at {needed}, from {stored or 'nothing'}, after {time.monotonic() - began:.1f} s.")
    click.echo("Restart the server into this version now; open pages come back by themselves, with nothing missed.")
    if saved:
        click.echo(f"The way back: the former version, and there `flask restore {saved}`.")


def _refuse_old_server() -> None:
    with Server(url()) as server:
        if server.major < SUPPORTED[0]:
            raise BackupError(f"Book Again needs PostgreSQL {SUPPORTED[0]} or newer; this is {server.major}.")


def _back_up(place: Path | None) -> Path:
    if place is None:
        place = current().instance_dir / "backups"
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_small_disk(place if place.is_dir() else place.parent)
    made = making.make(url(), place, current().instance_dir, check=True)
    click.echo(f"{made.path}: {told(made.rows)}; restored into a database made for that, every row compared.")
    return made.path


def _refuse_small_disk(directory: Path) -> None:
    """A backup is pressed and so smaller than the database; with less room than that one should not begin."""
    with Server(url()) as server:
        needed = server.size()
    if directory.is_dir() and (free := shutil.disk_usage(directory).free) < needed:
        raise BackupError(
            f"{directory} has {free >> 20} MB free, and the database {needed >> 20} MB: make room, "
            "say --backup with another place, or --no-backup."
        )


def _migrate(saved: Path | None) -> None:
    try:
        flask_migrate.upgrade()
    except (DBAPIError, psycopg2.Error) as error:
        words = str(getattr(error, "orig", error)).strip().splitlines()[0]
        back = f"; the backup is {saved}" if saved else ""
        raise BackupError(
            f"A migration fails ({words}). The database is at {schema.stored_revision()}, nothing is half done and the "
            f"former version may go on serving{back}. Set that right and repeat `flask upgrade`."
        ) from error
