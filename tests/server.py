"""`python app.py` as people start it, for tests: real processes, real sockets, each ended by its id."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from shutil import rmtree
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, build_opener

import psutil

from favorites.postgres import home_of

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 120  # seconds: what a cold start may take on the slowest machine
OURS = ("DATABASE_URL", "PUBLIC_URL", "DEMO", "HOST", "PORT", "TRUSTED_PROXIES", "WORKERS", "HUB_PROCESS")


def until(fact: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """What `fact` answers once it is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := fact()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return answer


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def new_instance() -> Path:
    """A new INSTANCE_DIR, in memory if the machine can."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="book-again-", dir=memory if memory.is_dir() else None))


def clear(instance: Path) -> None:
    """Takes it away, and the data."""
    rmtree(home_of(instance), ignore_errors=True)
    rmtree(instance)


def environment(instance: Path, **more: str) -> dict[str, str]:
    """Ours without what would lead to another database, and with the instance."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return kept | {"INSTANCE_DIR": str(instance), "PYTHONUNBUFFERED": "1"} | more


def flask(instance: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """`flask …`, on the instance's own PostgreSQL."""
    line = [sys.executable, "-m", "flask", *command]
    return subprocess.run(
        line, cwd=ROOT, env=environment(instance), capture_output=True, text=True, check=False, timeout=PATIENCE
    )


def is_stopped(instance: Path) -> bool:
    """PostgreSQL has shut down cleanly: then, and only then, it takes its pid file away."""
    return not (home_of(instance) / "data" / "postmaster.pid").exists()


class Server:
    """One `python app.py`; a context manager that leaves nothing behind."""

    def __init__(self, instance: Path, out: Path | None = None, inside: tuple[str, ...] = (), **more: str) -> None:
        """`out`: a device that takes its log, which then cannot be read. `inside`: a command that becomes it."""
        self.instance = instance
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = instance.parent / f"{instance.name}.{self.port}.log"
        self.log.touch()
        with (out or self.log).open("w") as log:
            self.process = subprocess.Popen(
                [*inside, sys.executable, "app.py"],
                cwd=ROOT,
                env=environment(instance, PORT=str(self.port), **more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own, as a terminal makes one
            )

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGTERM)
        self.log.unlink()

    def ready(self) -> str:
        """What it has said once it is ready."""
        until(lambda: "is ready" in self.said() or self.process.poll() is not None, "the server is ready")
        assert self.process.poll() is None, self.said()
        return self.said()

    def said(self) -> str:
        """All it has said."""
        return self.log.read_text()

    def workers(self) -> list[psutil.Process]:
        """gunicorn's workers that live."""
        return [
            child for child in psutil.Process(self.process.pid).children() if child.status() != psutil.STATUS_ZOMBIE
        ]

    def end(self, number: signal.Signals, *, everybody: bool = False) -> int:
        """Sends the signal to the arbiter, or as Ctrl-C does to everybody, and waits; the exit code."""
        (os.killpg if everybody else os.kill)(self.process.pid, number)
        return self.process.wait(30)

    def signed_in(self, email: str, password: str) -> OpenerDirector:
        """A browser in which this person has signed in."""
        browser = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
        page = browser.open(f"{self.url}/login", timeout=30).read().decode()
        token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)
        assert token, page
        form = urlencode({"email": email, "password": password, "csrf_token": token[1]}).encode()
        browser.open(f"{self.url}/login", form, timeout=30)
        return browser
