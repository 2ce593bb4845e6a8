"""What the machine refuses, as one sentence, and the user who runs PostgreSQL when root asks for it."""

import errno
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple


class MachineError(Exception):
    """Something about this machine is not as it must be: one sentence, what is wrong and what to do."""


@contextmanager
def told(place: Path) -> Iterator[None]:
    """Turns what the system refuses into a sentence."""
    try:
        yield
    except OSError as error:
        what = f"{error.strerror or error}: {error.filename or place}"
        raise MachineError(f"PostgreSQL's files under {place} cannot be kept ({what}): {advice(what)}.") from error


def failure(what: str, home: Path) -> MachineError:
    """The sentence for a program of PostgreSQL that ended: its last words, and what they call for."""
    full = shutil.disk_usage(home).free < 1 << 20  # then not even the log could be written
    words = last_words(read_log(home)) or (os.strerror(errno.ENOSPC) if full else "it said nothing")
    return MachineError(f"{what} in {home} ({words}): {advice(words)}.")


def read_log(home: Path) -> str:
    return (home / "log").read_text(errors="replace")


def last_words(log: str) -> str:
    """The last line that says why: of a full disk before all that follows from it, else a grave one, else any."""
    lines = [line.strip() for line in log.splitlines() if line.strip()] or [""]
    full = [line for line in lines if os.strerror(errno.ENOSPC) in line]
    grave = [line for line in lines if re.search(r"(FATAL|PANIC|error):", line)]
    return re.sub(r"^.*?(FATAL|PANIC):\s*", "", (full or grave or lines)[-1])


def advice(words: str) -> str:
    if any(os.strerror(number) in words for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)):
        return "free some space there and start again"
    if any(os.strerror(number) in words for number in (errno.EACCES, errno.EPERM, errno.EROFS)):
        return "start as the user who made them, or make that directory writable, or set DATABASE_URL"
    return "set that right and start again, or set DATABASE_URL to a PostgreSQL of yours"


class User(NamedTuple):
    uid: int
    gid: int


def server_user(home: Path) -> User | None:
    """Who runs the server when root asks for it: the data's owner, nobody at first. None: we are not root."""
    if os.geteuid():
        return None
    with suppress(FileNotFoundError):
        data = (home / "data").stat()
        if data.st_uid:
            return User(data.st_uid, data.st_gid)
    return nobody()


def nobody() -> User:
    try:
        return User(*pwd.getpwnam("nobody")[2:4])
    except KeyError:
        return User(65534, 65534)


def as_user(user: User | None) -> dict[str, Any]:
    return {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}


def may_enter(user: User, path: Path) -> bool:
    return subprocess.run(["test", "-x", path], cwd="/", check=False, **as_user(user)).returncode == 0
