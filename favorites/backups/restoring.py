"""A backup is restored beside, proved, brought to this code's schema, and only then takes the database's place."""

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

from favorites import revisions, schema
from favorites.backups import BackupError, archive
from favorites.backups.archive import Manifest
from favorites.backups.making import fill
from favorites.backups.rows import Rows
from favorites.backups.server import ROOM, Server
from favorites.settings import ROOT


@dataclass(frozen=True)
class Restored:
    """What was put back."""

    at: str  # when the backup was made, ISO
    rows: Rows
    kept: str  # the name that the former database has now; empty: there was none
    keys: list[str]  # which keys below INSTANCE_DIR changed


def put_back(url: str, path: Path, instance: Path, *, in_use: bool) -> Restored:
    """The backup takes the place of the database at `url`, which is kept under another name, and of other keys.

    `in_use` allows it while somebody is connected, whose connections end. BackupError, MachineError, psycopg2.Error:
    then everything is as it was, unless that says otherwise.
    """
    with archive.reading(path) as (file, manifest), Server(url) as server:
        _refuse_what_does_not_fit(manifest, server)
        if not in_use and (users := server.users()):
            raise BackupError(
                f"The database is in use ({', '.join(users)}): stop the server, or say --in-use; then its pages answer "
                "503 for a moment, and come back by themselves."
            )
        moment = f"{datetime.now(UTC):%Y%m%d_%H%M%S}"
        kept = f"{server.name[:ROOM]}_before_restore_{moment}" if server.exists() else ""
        with server.new_database("restoring") as name:
            fill(server, name, file, manifest)
            if manifest.revision != revisions.newest():
                _migrate(server.url(name))
            server.exchange(name, kept)
        return Restored(manifest.at, manifest.rows, kept, _put_keys_back(file, instance, moment))


def _put_keys_back(file: ZipFile, instance: Path, moment: str) -> list[str]:
    try:
        return archive.put_keys_back(file, instance, moment)
    except OSError as error:
        raise BackupError(
            f"The database is restored, and the keys are not: {error.filename or instance} cannot be written "
            f"({error.strerror or error}). Set that right, unpack them there from the backup, and restart the server."
        ) from error


def _refuse_what_does_not_fit(manifest: Manifest, server: Server) -> None:
    try:
        schema.refuse_newer(manifest.revision)
    except schema.SchemaDiffers:
        raise BackupError(
            f"The backup is of schema {manifest.revision}, which this code does not know: restore it with newer code."
        ) from None
    if manifest.postgresql > server.major:
        raise BackupError(
            f"The backup is of PostgreSQL {manifest.postgresql} and this server is {server.major}: "
            "restore it on that version or a newer one."
        )


def _migrate(url: str) -> None:
    """In a process of its own, for the address of the database is one a process."""
    ran = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "db", "upgrade"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        words = (ran.stderr.strip() or "it said nothing").splitlines()[-1]
        raise BackupError(f"The restored database cannot be migrated ({words}): restore it with the code of its time.")
