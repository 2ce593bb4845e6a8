"""The tests' PostgreSQL: a throw-away cluster in memory, one a process, on the binaries that TEST_POSTGRES names."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions
import psycopg2.extras
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session as OneSession

from favorites import db
from favorites.embedded import programs

MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None

psycopg2.extras.register_uuid()
# Emptied between tests, whoever refers to whom; request_events are append-only here, too.
TABLES = (
    "house_rules",
    "owner_events",
    "push_sendings",
    "session_requests",
    "payments",
    "payment_events",
    "credit_entries",
    "sessions",
    "customer_favorites",
    "mechanics",
    "customers",
    "users",
    "workshops",
    "engine_beats",
    "engine_processes",
)


# What invariants are about; a test of theirs holds them to it.
JUDGED = ("session_requests", "sessions", "credit_entries WHERE credits < 0")


@contextmanager
def cluster() -> Iterator[str]:
    """A fresh cluster with the schema at head, in the environment as DATABASE_URL; gone at the end."""
    from favorites import postgres

    home = Path(tempfile.mkdtemp(prefix="book-again-", dir=MEMORY))
    os.environ["INSTANCE_DIR"] = str(home / "instance")
    os.environ["DATABASE_URL"] = url = postgres.ensure(home, fast=True)
    try:
        migrate()
        yield url
    finally:
        postgres.release(home, fast=True)
        shutil.rmtree(home, ignore_errors=True)


def other_binaries() -> Path | None:
    """Of the supported PostgreSQLs here that this run does not use, the one furthest from it; None: there is none."""
    found = {programs.major_of(path): path for path in programs.candidates()}
    used = programs.major_of(programs.binaries()) or 0
    others = [version for version in found if version in programs.SUPPORTED and version != used]
    return found[max(others, key=lambda version: abs((version or 0) - used))] if others else None


def newer_binaries() -> Path | None:
    """The newest PostgreSQL here, if it is newer than the one that this run uses."""
    newest = max(programs.candidates(), key=lambda path: programs.major_of(path) or 0)
    return newest if (programs.major_of(newest) or 0) > (programs.major_of(programs.binaries()) or 0) else None


def migrate() -> None:
    """Bring the schema to head."""
    command.upgrade(config(), "head")


def config() -> Config:
    """Alembic's, for our migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    return config


_connections: dict[str, Any] = {}


def sql(statement: str, *values: Any) -> list[Any]:
    """Run one statement, committed at once; the rows it returns, as named tuples."""
    return sql_at(os.environ["DATABASE_URL"], statement, *values)


def sql_at(url: str, statement: str, *values: Any) -> list[Any]:
    """The same in another database; forget it with `hang_up`."""
    connection = _connections.get(url)
    if connection is None or connection.closed:
        connection = _connections[url] = psycopg2.connect(url, options="-c timezone=UTC")
        connection.autocommit = True
    with connection.cursor(cursor_factory=psycopg2.extras.NamedTupleCursor) as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def hang_up(url: str) -> None:
    """Close the connection of `sql_at`."""
    if connection := _connections.pop(url, None):
        connection.close()


def one(statement: str, *values: Any) -> Any:
    """The one row of a statement; of one column, its value."""
    (row,) = sql(statement, *values)
    return row[0] if len(row) == 1 else row


def broken() -> list[str]:
    """The invariants that do not hold, once all that is due is done; where nothing was booked or spent all do."""
    from favorites.dispatch import fallback
    from favorites.queries import invariants

    if not one(f"SELECT {' OR '.join(f'EXISTS (SELECT FROM {rows})' for rows in JUDGED)}"):
        return []
    with OneSession(_engine()) as session:
        fallback.sweep(session)
        return [f"{finding.invariant.name}: {finding.rows}" for finding in invariants.broken(session)]


@cache
def _engine() -> Engine:
    return create_engine("postgresql+psycopg2://", creator=db.connect, pool_size=1, pool_pre_ping=True)


def empty() -> None:
    """Everything but plans, events and the schema goes; the flags are undecided again."""
    sql(";".join(f"DELETE FROM {table}" for table in TABLES))
    sql(
        "INSERT INTO feature_flags VALUES ('ENABLE_FAVORITES_PRIORITY'), ('ENABLE_PAID_PLANS')"
        " ON CONFLICT (flag_key) DO UPDATE SET is_enabled = NULL"
    )


def fast_forward(minutes: float = 0, seconds: float = 0) -> None:
    """Let time pass by ageing what is stored; no clock is touched, and every process sees it."""
    past = f"interval '{minutes * 60 + seconds} seconds'"
    sql(
        f"""UPDATE session_requests
               SET created_at = created_at - {past}, priority_notified_at = priority_notified_at - {past},
                   accepted_at = accepted_at - {past}, expires_at = expires_at - {past}, closed_at = closed_at - {past},
                   fallback_broadcast_at = fallback_broadcast_at - {past}, declined_at = declined_at - {past},
                   delivered_at = delivered_at - {past}, prolonged_at = prolonged_at - {past},
                   extended_at = extended_at - {past}, workshop_until = workshop_until - {past},
                   workshop_over_at = workshop_over_at - {past}, assigned_at = assigned_at - {past},
                   reopened_at = reopened_at - {past}, unattended_at = unattended_at - {past}"""
    )
    sql(f"UPDATE sessions SET started_at = started_at - {past}, created_at = created_at - {past}")
    seen = f"board_seen_at = board_seen_at - {past}, back_at = back_at - {past}"
    sql(f"UPDATE mechanics SET shift_started_at = shift_started_at - {past}, {seen}")


def until_waiting(connection: Any = None) -> None:
    """Returns once a statement of `connection`, or of anybody, waits for a lock."""
    pid = connection.info.backend_pid if connection else None
    deadline = time.monotonic() + 5
    while not one("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = coalesce(%s, pid)", pid):
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.005)
