"""How migrations run: one transaction a revision, one migrator at a time, while the former version goes on serving.

A statement may take as long as it needs, but not wait for long: who comes later queues behind a waiting ALTER TABLE.
"""

import time

import structlog
from alembic import context
from psycopg2.errorcodes import DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

import favorites.models
from favorites import db, schema

METADATA = favorites.models.SessionRequest.metadata
OPTIONS = {"target_metadata": METADATA, "transaction_per_migration": True, "compare_server_default": True}
WAIT = "2s"  # for a lock; a request waits for 5 s before it gives up
TRIES, PAUSE = 60, 1.0  # seconds in which those who queued are served

log = structlog.get_logger(__name__)


def online() -> None:
    engine = create_engine("postgresql+psycopg2://", creator=lambda: db.connect("-c timezone=UTC"), poolclass=NullPool)
    with engine.connect() as connection:
        # Two processes that start at once must not migrate at once.
        connection.execute(text("SELECT pg_advisory_lock(hashtext('migrations'))"))
        connection.execute(text(f"SET lock_timeout = '{WAIT}'"))
        connection.commit()
        schema.refuse_newer(schema.stored_revision())  # Alembic would only say that it cannot locate a revision
        for left in reversed(range(TRIES)):
            if run(connection, last=not left):
                break
            time.sleep(PAUSE)
    engine.dispose()


def run(connection: Connection, *, last: bool) -> bool:
    """All revisions that are missing; False when one met a lock: it was undone and may be tried again."""
    context.configure(connection=connection, **OPTIONS)
    try:
        with context.begin_transaction():
            context.run_migrations()
    except OperationalError as error:
        if last or getattr(error.orig, "pgcode", "") not in (LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED):
            raise
        connection.rollback()
        log.warning("A table is in use: the migration steps back and tries again")
        return False
    return True


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", as_sql=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()
else:
    online()
