"""The file: written beside, checked, then given its name; read again with every mistake it may have."""

import json
import os
import shutil
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

from favorites.backups import BackupError
from favorites.backups.rows import Rows

KEYS = ("secret_key", "vapid_key")  # below INSTANCE_DIR; with others everybody is signed out, or no push is taken
DUMP, MANIFEST = "database.dump", "manifest.json"
FORMAT = 1
NAMED = "book-again-{:%Y%m%dT%H%M%SZ}.zip"
PATTERN = f"book-again-{'[0-9]' * 8}T{'[0-9]' * 6}Z.zip"
FORGOTTEN = 86_400  # seconds after which a half that a killed backup left is taken away
PIECE = 1 << 20  # bytes


@dataclass(frozen=True)
class Manifest:
    """What the file says of itself: the schema's revision, when, by which PostgreSQL and pg_dump, and what it holds."""

    revision: str
    at: str
    postgresql: int
    pg_dump: int
    rows: Rows
    format: int = FORMAT


def target_of(path: Path) -> Path:
    """The file to write: `path`, or one with a name of the moment in it when that is a directory. BackupError."""
    target = path / NAMED.format(datetime.now(UTC)) if path.is_dir() else path
    if target.exists():
        raise BackupError(f"{target} is there already: choose another name, or take it away.")
    if not target.parent.is_dir():
        raise BackupError(f"There is no directory {target.parent}: make it, or choose another place.")
    return target


@contextmanager
def half(target: Path) -> Iterator[Path]:
    """A file beside, readable by us alone; it has `target`'s name when the block ends well, and else is gone."""
    part = target.with_name(f".{target.name}.part")
    try:
        _forget_halves(target.parent)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        yield part
        part.rename(target)
    except OSError as error:
        raise BackupError(
            f"{target} cannot be written ({error.strerror or error}): set that right, or choose another place."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _forget_halves(directory: Path) -> None:
    for part in directory.glob(f".{PATTERN}.part"):
        with suppress(FileNotFoundError):
            if part.stat().st_mtime < time.time() - FORGOTTEN:
                part.unlink()


def write(part: Path, dump: IO[bytes], manifest: Manifest, instance: Path) -> None:
    """All parts; `dump` is read to its end, and is compressed already."""
    with part.open("r+b") as file:
        with ZipFile(file, "w") as archive:
            with archive.open(DUMP, "w", force_zip64=True) as member:
                shutil.copyfileobj(dump, member, PIECE)
            for key in KEYS:
                if (instance / key).exists():
                    archive.write(instance / key, key)
            archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
        os.fsync(file.fileno())


@contextmanager
def reading(path: Path) -> Iterator[tuple[ZipFile, Manifest]]:
    """The file, open, every byte of it found to be as it was written. BackupError."""
    archive = _opened(path)
    with archive:
        yield archive, _manifest(archive, path)


def _opened(path: Path) -> ZipFile:
    try:
        archive = ZipFile(path)
        if archive.testzip() is None:
            return archive
        archive.close()
    except OSError as error:
        raise BackupError(f"{path} cannot be read ({error.strerror or error}).") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError):  # the last one: it asks for a password
        pass
    raise BackupError(f"{path} is damaged, or no backup of `flask backup`: take another one.")


def _manifest(archive: ZipFile, path: Path) -> Manifest:
    try:
        told: dict[str, Any] = json.loads(archive.read(MANIFEST))
        rows = {table: (int(number), str(total)) for table, (number, total) in told.pop("rows").items()}
        manifest = Manifest(rows=rows, **told)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BackupError(f"{path} is no backup of `flask backup`: take one that is.") from None
    if manifest.format != FORMAT:
        raise BackupError(f"{path} was made by a newer Book Again: restore it with that.")
    return manifest


def forget_old(directory: Path, keep: int) -> list[Path]:
    """Takes the oldest backups away until `keep` are left, looking at names that we give only; which they were."""
    old = sorted(directory.glob(PATTERN))[:-keep]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def put_keys_back(archive: ZipFile, instance: Path, moment: str) -> list[str]:
    """The keys of the backup take the place of others, which are kept beside; the names of those that changed."""
    instance.mkdir(parents=True, exist_ok=True)
    names = sorted(set(KEYS) & set(archive.namelist()))
    changed = [name for name in names if _content(instance / name) != archive.read(name)]
    for name in changed:
        place = instance / name
        if place.exists():
            place.rename(instance / f"{name}.before_restore_{moment}")
        with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(archive.read(name))
    return changed


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
