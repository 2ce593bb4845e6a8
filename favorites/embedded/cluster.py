"""One cluster: made by initdb, served by `postgres`, both children of the guardian."""

import ctypes
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from favorites.embedded.machine import User, as_user, failure, last_words, read_log
from favorites.embedded.places import PORT, make_private, socket_dir, socket_in

STOP_PATIENCE = 60  # seconds
LOG_LIMIT = 4 << 20  # bytes
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def version_of(data: Path) -> int | None:
    with suppress(FileNotFoundError, ValueError):
        return int((data / "PG_VERSION").read_text())
    return None


def make_cluster(bin_dir: Path, home: Path, user: User | None, fast: bool) -> None:
    """initdb beside, then rename: a cluster is either whole or not there."""
    for left in home.glob("new-*"):
        shutil.rmtree(left, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix="new-", dir=home))
    pwfile = new / "password"
    pwfile.write_text(_password(home))
    if user:
        os.chown(new, *user)
        os.chown(pwfile, *user)
    options = ["-U", "app", "-A", "scram-sha-256", f"--pwfile={pwfile}", "-E", "UTF8", "--no-locale", "-k"]
    command = [str(bin_dir / "initdb"), "-D", str(new / "data"), *options, *(["-N"] if fast else [])]
    made = _run(command, home, user).wait()
    if made == 0:
        (new / "data").rename(home / "data")
    shutil.rmtree(new, ignore_errors=True)
    if made != 0:
        raise failure("initdb fails", home)


def _password(home: Path) -> str:
    path = home / "password"
    if not path.exists():
        with open(os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(24))
            new.flush()
            os.fsync(new.fileno())
        path.with_suffix(".new").rename(path)
    return path.read_text()


def spawn(bin_dir: Path, home: Path, user: User | None, fast: bool) -> subprocess.Popen[bytes]:
    directory = socket_dir(home)
    make_private(directory, user)
    _clear_stale_pids(home / "data", socket_in(directory), user)
    options = {
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": f'"{directory}"',
        "max_connections": 200,
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] ",
    } | (dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off") if fast else {})
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return _run([str(bin_dir / "postgres"), "-D", str(home / "data"), *settings], home, user)


def waits_for_another(home: Path) -> bool:
    """The start failed because a killed server's backends, or a killed guardian's server, have not ended yet."""
    words = last_words(read_log(home))
    return "shared memory" in words or "lock file" in words


def _clear_stale_pids(data: Path, listening: Path, user: User | None) -> None:
    """Removes lock files that name a foreign process, which PostgreSQL would take for a server; under our lock.

    Where a guardian's death does not stop its server (no prctl), the orphan still answers: stop it, the retry follows.
    """
    for lock_file in (data / "postmaster.pid", listening.with_name(f"{listening.name}.lock")):
        try:
            pid = int(lock_file.read_text().partition("\n")[0] or 0)
        except (FileNotFoundError, ValueError):
            continue
        if answers(listening):
            subprocess.run(["kill", "-INT", str(pid)], check=False, **as_user(user))
        elif pid == 0 or _is_foreign(pid, data):
            lock_file.unlink()


def _is_foreign(pid: int, data: Path) -> bool:
    """Surely no server on `data`: /proc shows another program, a zombie, or a server of another directory."""
    process = Path(f"/proc/{pid}")
    try:
        is_server = re.search(rb"postgres|postmaster", (process / "cmdline").read_bytes())
        return not is_server or not (process / "cwd").samefile(data)
    except OSError:
        return False  # gone (PostgreSQL sees that itself), not ours to read, or no /proc: PostgreSQL decides


def _run(command: list[str], home: Path, user: User | None) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    with open(os.open(home / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
        return subprocess.Popen(
            command,
            cwd=home,
            env=environment | {"LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_dies_with(os.getpid()),
            **as_user(user),
        )


def _dies_with(guardian: int) -> Callable[[], None] | None:
    """Run in the child after its setuid, which would clear it: a fast shutdown when the guardian dies (prctl(2))."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def tie() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != guardian:
            os._exit(1)

    return tie


def answers(listening: Path) -> bool:
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(listening))
        except OSError:
            return False
        return True


def stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)  # "fast": open transactions are rolled back
    try:
        server.wait(STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait()


def trim(log: Path) -> None:
    with suppress(OSError):  # a full disk must not end the guardian
        if log.stat().st_size > LOG_LIMIT:
            shutil.copyfile(log, log.with_suffix(".old"))
            os.truncate(log, 0)
