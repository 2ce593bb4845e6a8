"""One PostgreSQL: how we connect, the registry the tables share, and the session."""

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import psycopg2
from flask_sqlalchemy import SQLAlchemy
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from sqlalchemy import ColumnElement, DateTime, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, registry, scoped_session
from sqlalchemy.orm import Session as OneSession

from favorites import patience, postgres
from favorites.settings import current

NAMES = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
}

# A query that hangs must not hold a thread, a row or the sweep for ever; migrations lift these for themselves.
LIMITS = "-c timezone=UTC -c statement_timeout=15s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s"

PATIENCE = 5.0  # seconds that a request waits for the private PostgreSQL to come back; on a full disk it cannot
_revival_lock = threading.Lock()
_reviving: Future[str] | None = None


class Base(DeclarativeBase):
    # The map belongs in the registry: as a class attribute Flask-SQLAlchemy refuses it (issue 1361).
    registry = registry(
        metadata=MetaData(naming_convention=NAMES),
        type_annotation_map={datetime: DateTime(timezone=True), dict[str, Any]: JSONB, str: Text},
    )


db = SQLAlchemy(model_class=Base)

# A verb or a read takes either: the web's, which is one for each request, or one of its own.
Session = OneSession | scoped_session[Any]


def clock() -> ColumnElement[datetime]:
    """The database's clock at this very moment; `now()` is the transaction's start and stale after a lock wait."""
    return func.clock_timestamp(type_=DateTime(timezone=True))


def array_of(ids: Iterable[UUID | None]) -> str:
    """These as PostgreSQL reads a `uuid[]`: for thousands of them the driver's own way takes seven times as long."""
    return "{" + ",".join([id_.hex if id_ else "null" for id_ in ids]) + "}"


@cache
def url() -> str:
    """The address of the database as psql takes it; starts the private PostgreSQL when none is configured.

    Raises `postgres.MachineError` when there is none to be had.
    """
    settings = current()
    return settings.database_url or postgres.ensure(settings.instance_dir)


def connect(options: str = LIMITS) -> Connection:
    """A new connection, outside any pool; revives the private PostgreSQL when it does not answer.

    `options` are libpq's. Raises `psycopg2.OperationalError` when the server does not answer, or not in time.
    """
    address = url()
    try:
        return _connect(address, options)
    except psycopg2.OperationalError as error:
        if current().database_url:
            raise
        try:
            return _connect(_revival().result(PATIENCE), options)
        except TimeoutError:
            raise error from None


def _revival() -> Future[str]:
    """The start of the private PostgreSQL: one for all who wait, and who may give up waiting."""
    global _reviving
    with _revival_lock:
        if _reviving is None or _reviving.done():
            _reviving = Future()
            threading.Thread(target=_revive, args=(_reviving,), name="revival", daemon=True).start()
        return _reviving


def _revive(revival: Future[str]) -> None:
    try:
        revival.set_result(postgres.ensure(current().instance_dir))
    except Exception as error:
        revival.set_exception(error)


def _connect(address: str, options: str) -> Connection:
    return psycopg2.connect(
        address,
        options=options,
        application_name="book-again",
        connect_timeout=5,
        keepalives_idle=5,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=5000,
        connection_factory=patience.Patient,
        cursor_factory=patience.PatientCursor,
    )


def configuration() -> dict[str, Any]:
    """Flask-SQLAlchemy's part of the application's configuration."""
    return {
        "SQLALCHEMY_DATABASE_URI": "postgresql+psycopg2://",
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "creator": connect,
            "pool_pre_ping": True,
            "pool_size": 8,
            "max_overflow": 8,
            "pool_timeout": 10,
        },
    }


def reason(error: Exception) -> str:
    """What went wrong, on one line, for the log: without the statement and its values, which may be somebody's."""
    return " ".join(str(getattr(error, "orig", None) or error).split())
