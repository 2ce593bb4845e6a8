"""Where the embedded PostgreSQL keeps its data, its socket and its locks."""

import fcntl
import os
import sys
from hashlib import sha256
from pathlib import Path

from favorites.embedded.machine import may_enter, nobody

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
    """`home/socket`, or a short one where the whole name would not fit (unix(7): 108 bytes with the final NUL)."""
    usual = home / "socket"
    longest = 103 if sys.platform == "darwin" else 107
    fits = len(os.fsencode(socket_in(usual))) <= longest and not set(',"') & set(str(usual))  # libpq splits at commas
    return usual if fits else Path("/tmp") / f"book-again-{_short_name(home)}"


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
