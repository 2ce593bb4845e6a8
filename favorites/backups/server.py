"""The PostgreSQL around our database: who uses that, and databases made beside it and exchanged with it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extensions import parse_dsn
from psycopg2.sql import SQL, Identifier, Literal

from favorites.backups import BackupError
from favorites.backups.rows import WRITTEN

OPTIONS = f"{WRITTEN} -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
NAME = "book-again backup"  # what pg_stat_activity calls us
SPARE = 2.0  # seconds until a connection that was closed is seen no more
OF_CLIENTS = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = {}"
ROOM = 31  # letters that a name may have, so that `_before_restore_` and a time fit behind it


class Server:
    """One backup or restore at a time; a context manager. Raises `psycopg2.Error` when the server does not answer."""

    def __init__(self, url: str) -> None:
        """`url` names our database, which need not exist."""
        self._parts = parse_dsn(url)
        if not self._parts.get("dbname"):
            raise BackupError("DATABASE_URL names no database: add its name, as in postgresql://host/name.")
        self.name: str = self._parts["dbname"]
        # Not our database: it may be missing, and its name is exchanged.
        self._beside = self.connect("template1" if self.name == "postgres" else "postgres")
        self._beside.autocommit = True
        self.major = self._beside.server_version // 10000

    def __enter__(self) -> "Server":
        if not self._ask("SELECT pg_try_advisory_lock(hashtext('book-again backup'), hashtext({}))", self.name)[0]:
            self._beside.close()
            raise BackupError("Another backup or restore of this database is under way: wait until it has ended.")
        return self

    def __exit__(self, *_: object) -> None:
        self._beside.close()

    def connect(self, database: str | None = None) -> Connection:
        """A connection to ours, or to another database there, without limits of time."""
        more = {"dbname": database or self.name, "options": OPTIONS, "application_name": NAME}
        connection: Connection = psycopg2.connect(**self._parts | more)
        return connection

    def url(self, database: str) -> str:
        """The address of another database there, as DATABASE_URL takes it."""
        rest = {name: value for name, value in self._parts.items() if name != "dbname"}
        return f"postgresql:///{quote(database, safe='')}?{urlencode(rest, quote_via=quote)}"

    def exists(self) -> bool:
        """Whether our database is there."""
        return bool(self._ask("SELECT true FROM pg_database WHERE datname = {}", self.name))

    def size(self) -> int:
        """Of our database, bytes."""
        return int(self._ask("SELECT pg_database_size({})", self.name)[0])

    def users(self) -> list[str]:
        """Who is connected to our database, by the name their program gives, once what just ended has gone."""
        asked = f"SELECT array_agg(DISTINCT coalesce(nullif(application_name, ''), usename::text)) {OF_CLIENTS}"
        deadline = time.monotonic() + SPARE
        while (users := self._ask(asked, self.name)[0]) and time.monotonic() < deadline:
            time.sleep(0.1)
        return users or []

    @contextmanager
    def new_database(self, purpose: str) -> Iterator[str]:
        """The name of an empty one, which is gone at the end if it still has that name."""
        name = f"{self.name[:ROOM]}_{purpose}"
        self._drop(name)  # a killed predecessor's
        self._execute("CREATE DATABASE {} TEMPLATE template0" + self._locale(), Identifier(name))
        try:
            yield name
        finally:
            self._drop(name)

    def _locale(self) -> str:
        """As ours has it, so that names are sorted as before."""
        asked = "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = {}"
        found = self._ask(asked, self.name) or ("UTF8", None, None)
        words = zip(("ENCODING", "LC_COLLATE", "LC_CTYPE"), found, strict=True)
        return "".join(f" {word} {Literal(value).as_string(self._beside)}" for word, value in words if value)

    def exchange(self, new: str, kept: str) -> None:
        """`new` takes our database's name, and ours the name `kept`, at once; all connections to it end."""
        ours = Identifier(self.name)
        if not self.exists():
            self._execute("ALTER DATABASE {} RENAME TO {}", Identifier(new), ours)
            return
        self._execute("ALTER DATABASE {} ALLOW_CONNECTIONS false", ours)
        try:
            self._ask(f"SELECT count(pg_terminate_backend(pid, 5000)) {OF_CLIENTS}", self.name)
            renamed = "ALTER DATABASE {0} RENAME TO {1}; ALTER DATABASE {2} RENAME TO {0}"  # one transaction
            self._execute(renamed, ours, Identifier(kept), Identifier(new))
        except psycopg2.Error:
            self._execute("ALTER DATABASE {} ALLOW_CONNECTIONS true", ours)
            raise
        self._execute("ALTER DATABASE {} ALLOW_CONNECTIONS true", Identifier(kept))

    def _drop(self, name: str) -> None:
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", Identifier(name))

    def _execute(self, statement: str, *words: Identifier) -> None:
        with self._beside.cursor() as cursor:
            cursor.execute(SQL(statement).format(*words))

    def _ask(self, question: str, value: str) -> Any:
        with self._beside.cursor() as cursor:
            cursor.execute(SQL(question).format(Literal(value)))
            return cursor.fetchone()
