"""Whether the database is at the code's last migration. On another schema nothing is served (acceptance D9)."""

import sys

import click
import psycopg2
import structlog
from flask import Flask, request

from favorites import db
from favorites.log import say
from favorites.postgres import MachineError
from favorites.revisions import known, newest, stored_in

log = structlog.get_logger(__name__)

BOOT_ERROR = 3  # gunicorn's WORKER_BOOT_ERROR: with any other code it would start the worker again, for ever


class SchemaDiffers(RuntimeError):  # which `flask db` tells without a traceback
    """The database has another schema than this code; the text says what to do."""


def check() -> None:
    """Raises `SchemaDiffers`, or `psycopg2.OperationalError` when the database does not answer."""
    stored, needed = stored_revision(), newest()
    if stored == needed:
        return
    refuse_newer(stored)
    raise SchemaDiffers(f"The database is behind (at {stored or 'nothing'}, not {needed}): run `flask db upgrade`.")


def refuse_newer(stored: str | None) -> None:
    """Raises `SchemaDiffers` when this code does not know the revision that is stored."""
    if stored is not None and stored not in known():
        raise SchemaDiffers(f"The database is at {stored}, which this code does not know: run the newer code.")


def init_app(app: Flask) -> None:
    """Checks now, and while the database does not answer, or a command made the app, at the first request again."""
    if not _for_a_command():
        _check_or_end(app)

    @app.before_request
    def check_at_last() -> None:
        # Files need no schema, and health.py tells of it in its own way.
        if request.endpoint != "static" and request.blueprint != "health":
            _check_once(app)


def _for_a_command() -> bool:
    # `flask db upgrade` and `flask doctor` must work on an old schema. The built-in `run` loads the app inside itself.
    context = click.get_current_context(silent=True)
    return context is not None and context.info_name != "run"


def _check_or_end(app: Flask) -> None:
    try:
        _check_once(app)
    except (SchemaDiffers, MachineError) as refusal:
        say(str(refusal))
        sys.exit(BOOT_ERROR)
    except psycopg2.OperationalError:
        log.warning("The database does not answer yet; its schema is checked at the first request")


def _check_once(app: Flask) -> None:
    if "schema_checked" not in app.extensions:
        check()
        app.extensions["schema_checked"] = True


def stored_revision() -> str | None:
    """The revision that the database is at; None: it has no schema. Raises `psycopg2.OperationalError`."""
    connection = db.connect()
    try:
        return stored_in(connection)
    except psycopg2.Error as error:
        if error.pgcode:
            raise
        # Lost meanwhile: psycopg2 may raise a plain DatabaseError then, and that would end the server for good.
        raise psycopg2.OperationalError(str(error)) from error
    finally:
        connection.close()
