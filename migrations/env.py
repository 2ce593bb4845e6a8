"""How migrations run: one transaction a revision, one migrator at a time, without the time limits of the web."""

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

import favorites.models
from favorites import db, schema

METADATA = favorites.models.SessionRequest.metadata
OPTIONS = {"target_metadata": METADATA, "transaction_per_migration": True, "compare_server_default": True}


def online() -> None:
    engine = create_engine("postgresql+psycopg2://", creator=lambda: db.connect("-c timezone=UTC"), poolclass=NullPool)
    with engine.connect() as connection:
        # Two processes that start at once must not migrate at once.
        connection.execute(text("SELECT pg_advisory_lock(hashtext('migrations'))"))
        connection.commit()
        schema.refuse_newer(schema.stored_revision())  # Alembic would only say that it cannot locate a revision
        context.configure(connection=connection, **OPTIONS)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", as_sql=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()
else:
    online()
