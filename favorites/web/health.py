"""For whoever watches the server: does the process live, and does everything behind it work?"""

from collections.abc import Callable, Iterator
from time import sleep

import psycopg2
from flask import Blueprint, Response, abort, request
from sqlalchemy.exc import SQLAlchemyError

from favorites import probe, schema
from favorites.db import db
from favorites.live import live_of
from favorites.live.stream import HEADERS
from favorites.postgres import MachineError
from favorites.queries import engine, invariants
from favorites.settings import current

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


@bp.get("/healthz/stream")
def flows() -> Response:
    """Two events a little apart, for `flask doctor` alone: each holds a thread while it lasts."""
    if not probe.is_good(current(), request.args.get("ticket", "")):
        abort(404)
    return Response(_two_events(), mimetype="text/event-stream", headers=HEADERS)


def _two_events() -> Iterator[str]:
    yield "event: ping\ndata: 1\n\n"
    sleep(probe.APART)
    yield "event: ping\ndata: 2\n\n"


def _holds(is_good: Callable[[], bool]) -> bool:
    try:
        return is_good()
    except (SQLAlchemyError, psycopg2.Error, schema.SchemaDiffers, MachineError):
        db.session.rollback()
        return False


def _schema_fits() -> bool:
    schema.check()
    return True
