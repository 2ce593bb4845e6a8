"""Where the embedded PostgreSQL keeps its data, its socket and its locks; the hub's process keeps the same rules."""

import fcntl
import os
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from favorites.embedded.machine import MachineError, User, may_enter, nobody

PORT = 5432
OUTSIDE = Path("/var/lib/book-again")


def home_of(instance: Path) -> Path:
    """Where the data live: `instance/pg`, or below /var/lib/book-again when root's server user cannot get there."""
    inside = instance.resolve() / "pg"
    if os.geteuid() or (inside / "data").exists():
        return inside
    outside = OUTSIDE / _short_name(inside)
    reached = may_enter(nobody(), instance.resolve().parent)
    return inside if reached and not (outside / "data").exists() else outside


def socket_dir(home: Path) -> Path:
    """Where PostgreSQL listens: `home/socket`, or a short one."""
    usual = home / "socket"
    is_plain = not set(',"') & set(str(usual))  # libpq splits at commas
    return fitting(usual, socket_in(usual).name) if is_plain else _short(home)


def fitting(usual: Path, name: str) -> Path:
    """`usual`, or a short one where the name of a socket in it would not fit (unix(7): 108 bytes with the NUL)."""
    longest = 103 if sys.platform == "darwin" else 107
    return usual if len(os.fsencode(usual / name)) <= longest else _short(usual.parent)


def _short(home: Path) -> Path:
    return Path("/tmp") / f"book-again-{_short_name(home)}"


def make_private(directory: Path, user: User | None) -> None:
    """A socket's directory, open to `user` only (None: to us); below /tmp somebody else may have taken the name."""
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        if user:
            os.chown(directory, *user)
    found = directory.lstat()
    if (found.st_mode, found.st_uid) != (0o040700, user.uid if user else os.geteuid()):
        raise MachineError(f"{directory} belongs to somebody else or is open to others: remove it and start again.")


def socket_in(directory: Path) -> Path:
    return directory / f".s.PGSQL.{PORT}"


def _short_name(path: Path) -> str:
    return sha256(os.fsencode(path)).hexdigest()[:12]


def open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)  # 0600: who may open it may keep the server from stopping


def lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
