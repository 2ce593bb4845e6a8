"""What every command shares: the application around it, one sentence when it fails, and the database given back."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click
import psycopg2
from flask.cli import with_appcontext
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from favorites import postgres
from favorites.backups import BackupError
from favorites.db import db
from favorites.dispatch.errors import Refusal
from favorites.schema import SchemaDiffers
from favorites.settings import current

P = ParamSpec("P")
R = TypeVar("R")


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Runs it inside the application. What fails is one sentence and exit 1; PostgreSQL stops if we alone used it."""

    @with_appcontext
    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Refusal as refusal:
            raise click.ClickException(refusal.sentence) from refusal
        except (postgres.MachineError, BackupError, SchemaDiffers) as error:
            raise click.ClickException(str(error)) from error
        except (DBAPIError, psycopg2.Error) as error:
            raise click.ClickException(_sentence(error)) from error
        finally:
            release()

    return run


def release() -> None:
    """Gives the database back, waiting for its clean stop when nobody else uses it."""
    db.session.remove()
    if not current().database_url:
        db.engine.dispose()
        postgres.release(current().instance_dir)


def _sentence(error: DBAPIError | psycopg2.Error) -> str:
    words = str(getattr(error, "orig", error)).strip().splitlines()[0]
    if isinstance(error, psycopg2.errors.InsufficientPrivilege):
        return f"PostgreSQL does not allow it ({words}): the role must own the database, and for backups have CREATEDB."
    if isinstance(error, ProgrammingError):
        return f"The tables are not as this version needs them ({words}): run `flask db upgrade`."
    if isinstance(error, OperationalError | psycopg2.OperationalError):
        return f"The database does not answer ({words}): start it, or correct DATABASE_URL."
    return f"The database refused ({words})."
