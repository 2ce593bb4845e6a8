"""For whoever watches the server: does the process live, and does everything behind it work?"""

from collections.abc import Callable

import psycopg2
from flask import Blueprint
from sqlalchemy.exc import SQLAlchemyError

from favorites import schema
from favorites.db import db
from favorites.live import live_of
from favorites.postgres import MachineError
from favorites.queries import engine, invariants

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def lives() -> dict[str, bool]:
    """The process answers; asks nobody else."""
    return {"ok": True}


@bp.get("/readyz")
def is_ready() -> tuple[dict[str, object], int]:
    """Everything works, or 503 with the names of what does not."""
    checks: dict[str, Callable[[], bool]] = {
        "database": lambda: engine.answers(db.session),
        "schema": _schema_fits,
        "session requests": lambda: not invariants.broken(db.session, cheap=True),
        "scheduler": lambda: not engine.beat_is_late(db.session),
        "feed": live_of().feeds_are_well,
    }
    wrong = [name for name, is_good in checks.items() if not _holds(is_good)]
    return ({"ok": False, "wrong": wrong}, 503) if wrong else ({"ok": True}, 200)


def _holds(is_good: Callable[[], bool]) -> bool:
    try:
        return is_good()
    except (SQLAlchemyError, psycopg2.Error, schema.SchemaDiffers, MachineError):
        db.session.rollback()
        return False


def _schema_fits() -> bool:
    schema.check()
    return True
