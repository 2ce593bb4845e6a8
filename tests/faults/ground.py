"""Where faults are provoked: a durable PostgreSQL of their own, real servers on it, and what must hold at the end."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import psycopg2
import structlog
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from favorites import postgres
from favorites.queries import invariants
from tests.database import MEMORY
from tests.faults.town import SECRET, Town
from tests.server import ROOT, Server, environment, until

# The limits stay as they are; only the pauses between two offers to one favorite go, or stories would wait an hour.
SETTINGS = {
    "SECRET_KEY": SECRET,
    "ENABLE_FAVORITES_PRIORITY": "true",
    "POLL_SECONDS": "1",
    "PRIORITY_COOLDOWN_MINUTES": "0",
    "LOG_JSON": "true",
}


class Ground:
    """A database with the schema, its town, and the switch of the crash points; counts what should not have been."""

    def __init__(self, home: Path) -> None:
        self.home, self.switch = home, home / "switch"
        self.url = postgres.ensure(home)  # durable: nothing that was acknowledged may be lost with it
        self.town = Town(self.url)
        self.violations: list[str] = []

    @contextmanager
    def server(self, **more: str) -> Iterator[Server]:
        """A server that has answered."""
        settings = SETTINGS | {"DATABASE_URL": self.url, "CRASH_AT": str(self.switch)} | more
        with Server(self.home / "instance", **settings) as server:
            server.ready()
            self.town.sql("UPDATE feature_flags SET is_enabled = true")
            yield server

    def migrate(self) -> None:
        """The schema, where no server starts."""
        self.flask("db", "upgrade")

    def flask(self, *command: str) -> None:
        """`flask …` on this database; it must succeed."""
        line = [sys.executable, "-m", "flask", "--app", "app", *command]
        where = environment(self.home / "instance", DATABASE_URL=self.url)
        subprocess.run(line, cwd=ROOT, env=where, capture_output=True, check=True)

    def restart_postgres(self, how: signal.Signals) -> None:
        """SIGINT: fast, SIGQUIT: immediate. The guardian starts it again; returns once it answers."""
        before = self.town.one("SELECT pg_postmaster_start_time()")
        pid_file = postgres.home_of(self.home) / "data" / "postmaster.pid"
        os.kill(int(pid_file.read_text().partition("\n")[0]), how)
        until(lambda: self.town.one("SELECT pg_postmaster_start_time()") != before, "PostgreSQL is back")

    def claim(self, fact: object, otherwise: str) -> None:
        """Counts a violation, and tells it, unless `fact` holds."""
        if not fact:
            self.violations.append(otherwise)
            print(f"VIOLATION: {otherwise}", file=sys.stderr, flush=True)

    def check(self) -> None:
        """The invariants of the reliability list, all of them."""
        engine = create_engine("postgresql+psycopg2://", creator=lambda: _connect(self.url))
        with Session(engine) as session:
            for finding in invariants.broken(session):
                self.claim(False, f"{finding.invariant.name}: {finding.rows}")
        engine.dispose()


def _connect(url: str) -> object:
    return psycopg2.connect(url, options="-c timezone=UTC")


@contextmanager
def ground() -> Iterator[Ground]:
    """A fresh one; nothing of it is left at the end."""
    home = Path(tempfile.mkdtemp(prefix="book-again-", dir=MEMORY))
    be_quiet()
    try:
        yield Ground(home)
    finally:
        postgres.release(home)
        shutil.rmtree(postgres.home_of(home), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def be_quiet() -> None:
    """The verbs are called in this process, too, and would tell all they do."""
    if not structlog.is_configured():
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


def answers(server: Server) -> bool:
    """Whether it serves; a request to a worker that dies meanwhile is none."""
    try:
        with build_opener(ProxyHandler({})).open(f"{server.url}/healthz", timeout=30) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def back(server: Server) -> None:
    """Returns once it serves again."""
    until(lambda: answers(server), "the server is back")
