"""A backup is made from one snapshot while everything goes on, and is one only when it could be restored."""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from favorites.backups import BackupError, archive, programs
from favorites.backups.archive import Manifest
from favorites.backups.rows import Rows, difference, rows_of
from favorites.backups.server import Server
from favorites.embedded.programs import client, version_of

OURS = "SELECT to_regclass('alembic_version') IS NOT NULL AND to_regclass('session_requests') IS NOT NULL"


@dataclass(frozen=True)
class Backup:
    """One that was made."""

    path: Path
    rows: Rows


def make(url: str, path: Path, instance: Path, *, check: bool) -> Backup:
    """Writes the database at `url` and the keys below `instance` to `path`, a new file or a directory for one.

    `check` restores it into a database made for that and compares every row. BackupError, MachineError, psycopg2.Error.
    """
    target = archive.target_of(path)
    with Server(url) as server, archive.half(target) as part:
        with closing(server.connect()) as connection:
            manifest = _write(server, connection, part, instance)
        if check:
            _check(server, part)
    return Backup(target, manifest.rows)


def _write(server: Server, connection: Connection, part: Path, instance: Path) -> Manifest:
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone() or ("",)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    pg_dump = client("pg_dump", server.major)
    version = version_of(pg_dump) or server.major
    manifest = Manifest(revision_of(connection), now, server.major, version, rows_of(connection))
    with programs.dumping(pg_dump, server.url(server.name), snapshot) as dump:
        archive.write(part, dump, manifest, instance)
    return manifest


def revision_of(connection: Connection) -> str:
    """Of the schema; BackupError when the database is none of ours."""
    with connection.cursor() as cursor:
        cursor.execute(OURS)
        if cursor.fetchone() == (True,):
            cursor.execute("SELECT version_num FROM alembic_version")
            if row := cursor.fetchone():
                return str(row[0])
    raise BackupError("The database holds no tables of Book Again: correct DATABASE_URL, or run `flask db upgrade`.")


def _check(server: Server, part: Path) -> None:
    with archive.reading(part) as (file, manifest), server.new_database("check") as name:
        fill(server, name, file, manifest)


def fill(server: Server, name: str, file: ZipFile, manifest: Manifest) -> None:
    """Restores into the empty database `name`; BackupError unless every row of every table is there again."""
    with file.open(archive.DUMP) as dump:
        programs.restore(client("pg_restore", max(server.major, manifest.pg_dump)), server.url(name), dump)
    with closing(server.connect(name)) as connection:
        if other := difference(manifest.rows, rows_of(connection)):
            raise BackupError(f"What was restored is not what was backed up ({other}): make another backup.")
