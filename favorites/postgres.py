"""The embedded PostgreSQL: a private server under `instance/`, and the guardian that owns it.

Who uses the database calls `ensure()`: it holds a shared lock on `users.lock` for the life of the process (the kernel
frees it, kill -9 included) and starts a guardian when no connection succeeds. The guardian, `python -m
favorites.postgres HOME`, makes the cluster, restarts the server when it dies, and stops it when nobody holds that lock.
It is nobody's child: gunicorn's waitpid(-1) would reap it, Ctrl-C would hit it, a command would take it along.
Ready means that a connection succeeded, never that a pid lives.
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from favorites.embedded.cluster import answers, make_cluster, spawn, stop, trim, version_of, waits_for_another
from favorites.embedded.connection import url, why_unreachable
from favorites.embedded.machine import MachineError, failure, last_words, may_enter, server_user, told
from favorites.embedded.places import home_of, lock, open_lock, socket_dir, socket_in
from favorites.embedded.programs import binaries, readable

__all__ = ["MachineError", "binaries", "ensure", "home_of", "release"]

PATIENCE = 60  # seconds a start may take, recovery included
RETRY = 0.2  # seconds
DEATHS = 3  # in a row and without an answer: then the guardian gives up and says why
WAITS = 100  # deaths, while what another server left has not gone yet

_mutex = threading.RLock()
# (pid, home) → descriptor of users.lock; with the pid, because a fork shares the lock's open description.
_held: dict[tuple[int, Path], int] = {}


def ensure(instance: Path, *, fast: bool = False) -> str:
    """The URL (as psql takes it) of a PostgreSQL that has just answered; starts it when it has not.

    `fast` is for throw-away clusters: nothing is written durably. Safe in threads and after a fork; MachineError.
    """
    with _mutex, told(instance):
        home = home_of(instance)
        _hold(home)
        if why_unreachable(home):
            _start(home, fast)
        return url(home)


def release(instance: Path, *, fast: bool = False) -> None:
    """Gives the database back; the last user waits until it has stopped cleanly. `fast` as for ensure()."""
    with _mutex, told(instance):
        home = home_of(instance)
        users = _held.pop((os.getpid(), home), None)
        if users is None:
            return
        last = lock(users, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_UN)  # not by closing alone: a forked child may share the description
        os.close(users)
        if last:
            _wait_for_the_stop(home)


def _wait_for_the_stop(home: Path) -> None:
    deadline = time.monotonic() + PATIENCE + 5
    users, guardian = open_lock(home / "users.lock"), open_lock(home / "guardian.lock")
    while time.monotonic() < deadline and not lock(guardian, fcntl.LOCK_SH):
        stopping = not lock(users, fcntl.LOCK_SH)
        if not stopping and not lock(users, fcntl.LOCK_EX):
            break  # somebody came and uses it
        fcntl.flock(users, fcntl.LOCK_UN)
        time.sleep(0.03)
    os.close(guardian)
    os.close(users)


def _hold(home: Path) -> None:
    """Takes the shared lock once a process. A forked child takes one of its own and lets go of its parent's copy."""
    key = (os.getpid(), home)
    if key in _held:
        return
    _prepare(home)
    users = open_lock(home / "users.lock")
    fcntl.flock(users, fcntl.LOCK_SH)  # waits while a guardian is stopping the server
    for inherited in [other for other in _held if other[1] == home]:
        os.close(_held.pop(inherited))
    _held[key] = users


def _prepare(home: Path) -> None:
    home.parent.mkdir(exist_ok=True)
    home.mkdir(mode=0o700, exist_ok=True)
    user = server_user(home)
    if user and not may_enter(user, home):
        for directory in (home.parent, home):  # both are ours; nothing above is touched
            directory.chmod(directory.stat().st_mode | 0o011)


def _start(home: Path, fast: bool) -> None:
    deadline = time.monotonic() + PATIENCE
    next_guardian = 0.0
    while why := why_unreachable(home):
        now = time.monotonic()
        if now > deadline:
            why = last_words(why)
            raise MachineError(
                f"PostgreSQL has not answered for {PATIENCE} s ({why}): see {home / 'log'} and try again."
            )
        if now >= next_guardian:
            next_guardian = now + 1
            _start_guardian(home, fast)
        time.sleep(0.03)


def _start_guardian(home: Path, fast: bool) -> None:
    """Returns when the guardian's server listens, or when another guardian is at work; MachineError with its words."""
    command = [sys.executable, "-m", "favorites.postgres", str(home), *(["--fast"] if fast else [])]
    with suppress(subprocess.TimeoutExpired):
        words = subprocess.run(
            command,
            cwd=Path(__file__).resolve().parents[1],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        ).stdout.strip()
        if words:
            raise MachineError(words.splitlines()[-1])


def _after_fork() -> None:
    global _mutex
    _mutex = threading.RLock()  # another thread may have held it


def main(arguments: list[str]) -> None:
    """`python -m favorites.postgres HOME [--fast]`: the guardian, as a process of nobody's."""
    if os.fork():
        os._exit(0)  # at once: the starter has no child to reap
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    home = Path(arguments[0])
    try:
        with told(home):
            guard(home, fast="--fast" in arguments)
    except MachineError as error:
        print(error)


def guard(home: Path, *, fast: bool) -> None:
    """Keeps the server of `home` alive while anybody holds `users.lock`; returns at once if another guardian does.

    MachineError when the cluster cannot be made or the server cannot be started.
    """
    guardian, users = open_lock(home / "guardian.lock"), open_lock(home / "users.lock")
    if not lock(guardian, fcntl.LOCK_EX):
        return
    os.truncate(guardian, 0)
    os.write(guardian, f"{os.getpid()}\n".encode())
    with suppress(FileNotFoundError):
        (home / "log").replace(home / "log.old")
    user = server_user(home)
    bin_dir = readable(binaries(version_of(home / "data")), home, user)
    if not (home / "data").exists():
        make_cluster(bin_dir, home, user, fast)
    _keep_running(lambda: spawn(bin_dir, home, user, fast), home, users)
    os.close(guardian)  # first: who then gets the users' lock finds the guardian's free


def _keep_running(start: Callable[[], subprocess.Popen[bytes]], home: Path, users: int) -> None:
    listening = socket_in(socket_dir(home))
    server, deaths, answered = start(), 0, False
    try:
        while not lock(users, fcntl.LOCK_EX):  # held until we are gone: nobody comes while the server stops
            if server.poll() is not None:
                deaths = 1 if answered else deaths + 1
                if deaths > (WAITS if waits_for_another(home) else DEATHS):
                    raise failure("PostgreSQL does not start", home)
                time.sleep(RETRY)
                server, answered = start(), False
            elif not answered and answers(listening):
                answered = True
                _detach()
            elif answered and not listening.exists():
                server.send_signal(signal.SIGINT)  # somebody cleaned /tmp; only a new start makes the socket again
            trim(home / "log")
            time.sleep(RETRY if answered else 0.02)
    finally:
        stop(server)


def _detach() -> None:
    """Closes the pipe to the process that started us: it reads to the end, which says "it listens"."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.close(nothing)


os.register_at_fork(after_in_child=_after_fork)

if __name__ == "__main__":
    main(sys.argv[1:])
