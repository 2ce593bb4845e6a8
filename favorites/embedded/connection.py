"""The proof that PostgreSQL is ready: a connection."""

from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg2
import psycopg2.errors
import psycopg2.extensions

from favorites.embedded.machine import MachineError
from favorites.embedded.places import PORT, socket_dir

DATABASE = "book_again"


def why_unreachable(home: Path) -> str:
    """Why no connection can be made now, empty when one was; makes the database if only that is missing."""
    if not (home / "data").exists():
        return "its data directory is not made yet"
    try:
        _connect(home, DATABASE).close()
    except psycopg2.OperationalError as error:
        text = str(error).strip()
        if f'database "{DATABASE}" does not exist' in text:
            return _create_database(home)
        if "authentication failed" in text:
            what = f"The server does not take the password in {home / 'password'}"
            raise MachineError(f"{what}: put the right one back, or move {home} away to begin anew.") from error
        full = "too many clients" in text or "remaining connection slots" in text  # it runs: the caller may say so
        return "" if full else text
    return ""


def _create_database(home: Path) -> str:
    taken = (psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation)  # another process was quicker
    try:
        with closing(_connect(home, "postgres")) as connection, suppress(*taken):
            connection.autocommit = True
            connection.cursor().execute(f"CREATE DATABASE {DATABASE}")
    except psycopg2.OperationalError as error:
        return str(error)
    return ""


def _connect(home: Path, database: str) -> psycopg2.extensions.connection:
    return psycopg2.connect(url(home, database), connect_timeout=5)


def url(home: Path, database: str = DATABASE) -> str:
    try:
        password = (home / "password").read_text()
    except FileNotFoundError:
        raise MachineError(
            f"{home / 'password'} is missing: put it back from a backup, or move {home} away to begin anew."
        ) from None
    # The port, which names the socket's file, is said because PGPORT in the environment would change it.
    return f"postgresql://app:{password}@/{database}?host={quote(str(socket_dir(home)), safe='')}&port={PORT}"
