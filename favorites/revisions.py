"""Which schema a database has, and which this code needs; without Alembic, so that the arbiter may ask, too."""

from functools import cache

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from favorites.settings import ROOT


@cache
def known() -> tuple[str, ...]:
    """The revisions of the migrations, in their order: each is the number that its file's name begins with."""
    files = (ROOT / "migrations" / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(path.name.partition("_")[0] for path in files))


def newest() -> str:
    """The revision that this code needs."""
    return known()[-1]


def stored_in(connection: Connection) -> str | None:
    """The revision that the database is at; None: it has no schema. Raises what psycopg2 raises."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
        if cursor.fetchone() != (True,):
            return None
        cursor.execute("SELECT version_num FROM alembic_version")
        row = cursor.fetchone()
        return row[0] if row else None
