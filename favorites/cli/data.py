"""`flask database-url`, `flask demo-data`, `flask sweep`."""

import fcntl
import os

import click
from flask_migrate import upgrade

from favorites import demo
from favorites.cli.command import command, release
from favorites.db import db, url
from favorites.dispatch import fallback
from favorites.dispatch.processes import this_process
from favorites.embedded.places import home_of, lock, open_lock
from favorites.settings import current


@click.command("database-url")
@command
def database_url() -> None:
    """Print the address of the database, as psql takes it."""
    click.echo(url())
    release()
    if not current().database_url and not _runs():
        click.echo("PostgreSQL answers there while Book Again runs; now it does not.", err=True)


def _runs() -> bool:
    """Whether somebody else keeps the private PostgreSQL up: a guardian holds its lock for as long as it runs."""
    guardian = open_lock(home_of(current().instance_dir) / "guardian.lock")
    try:
        return not lock(guardian, fcntl.LOCK_SH)
    finally:
        os.close(guardian)


@click.command("demo-data")
@command
def demo_data() -> None:
    """Bring the schema up to date, and write the demo's people and their past month, once."""
    upgrade()
    click.echo("The demo data are written." if demo.write() else "The demo data are there already.")


@click.command("sweep")
@command
def sweep() -> None:
    """Poll once, now: ask everyone where a window has lapsed, expire what nobody took."""
    swept = fallback.sweep(db.session)
    fallback.beat(db.session, f"{this_process()} flask sweep", swept)
    due = f"Next due: {swept.next_due.isoformat(timespec='seconds')}." if swept.next_due else "Nothing else is due."
    click.echo(f"Windows lapsed: {swept.lapsed}. Session requests expired: {swept.expired}. {due}")


COMMANDS = (database_url, demo_data, sweep)
