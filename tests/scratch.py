"""Databases of a test's own, in the tests' cluster: for schemas that come and go, and for volume."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from favorites import postgres
from tests.database import hang_up, sql, sql_at

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 120  # seconds a command may take


class Database:
    """One more database; `flask` and `psql` speak to it as an operator would."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.url = os.environ["DATABASE_URL"].replace("/book_again?", f"/{name}?")

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """Run one statement, committed at once; its rows."""
        return sql_at(self.url, statement, *values)

    def one(self, statement: str, *values: Any) -> Any:
        """The one row of a statement; of one column, its value."""
        (row,) = self.sql(statement, *values)
        return row[0] if len(row) == 1 else row

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python …` on this database; never raises."""
        return self._run(sys.executable, *arguments)

    def flask(self, *command: str) -> subprocess.CompletedProcess[str]:
        """`flask …` on this database; never raises."""
        return self.python("-m", "flask", "--app", "app", *command)

    def psql(self, file: Path) -> subprocess.CompletedProcess[str]:
        """`psql -f file`, stopping at the first error; never raises."""
        psql = str(postgres.binaries() / "psql")
        return self._run(psql, "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-d", self.url, "-f", str(file))

    def _run(self, *line: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"DATABASE_URL": self.url, "PGCLIENTENCODING": "UTF8", "PYTHONIOENCODING": "utf-8"}
        return subprocess.run(
            line, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=PATIENCE
        )


@contextmanager
def new_database(template: str = "template0") -> Iterator[Database]:
    """An empty database, or a copy of `template`; gone at the end."""
    database = Database(f"scratch_{secrets.token_hex(4)}")
    sql(f"CREATE DATABASE {database.name} TEMPLATE {template}")
    try:
        yield database
    finally:
        hang_up(database.url)
        sql(f"DROP DATABASE {database.name} WITH (FORCE)")


@contextmanager
def migrated_database() -> Iterator[Database]:
    """A database with the schema at head and nothing in it but what migrations write."""
    with new_database(_pristine(os.environ["DATABASE_URL"])) as database:
        yield database


@cache
def _pristine(cluster: str) -> str:
    """Migrated once in each cluster, by the command; copies of it take 30 ms."""
    database = Database("pristine")
    sql("CREATE DATABASE pristine TEMPLATE template0")
    told = database.flask("db", "upgrade")
    assert told.returncode == 0, told.stderr
    return database.name
