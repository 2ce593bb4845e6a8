"""The product as in production, for one measure: gunicorn, its private PostgreSQL with fsync, a new INSTANCE_DIR."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg2

from bench.people import Town
from favorites.embedded.connection import url
from favorites.postgres import ensure, home_of, release
from tests.server import Server

SETTINGS = {
    "DATABASE_URL": "",  # the embedded PostgreSQL, which writes durably
    "DEMO": "0",
    "PUBLIC_URL": "",
    "ENABLE_FAVORITES_PRIORITY": "1",
}


class Stage(NamedTuple):
    """A running server with its people."""

    server: Server
    town: Town
    address: str = "127.0.0.1"

    @property
    def port(self) -> int:
        """Where it listens, at its address."""
        return self.server.port


@contextmanager
def stage(*, postgresql: Mapping[str, str] | None = None, **settings: str) -> Iterator[Stage]:
    """Starts it with these settings and waits until it is ready; leaves nothing behind.

    `postgresql`: parameters that its server has to be started with.
    """
    instance = Path(tempfile.mkdtemp(prefix="book-again-bench-"))
    try:
        if postgresql:
            _prepare(instance, postgresql)
        with Server(instance, **SETTINGS, **settings) as server:
            server.ready()
            with closing(Town(url(home_of(instance)), (instance / "secret_key").read_text())) as town:
                yield Stage(server, town)
    finally:
        shutil.rmtree(home_of(instance), ignore_errors=True)
        shutil.rmtree(instance, ignore_errors=True)


def _prepare(instance: Path, postgresql: Mapping[str, str]) -> None:
    """Makes the cluster before the product does."""
    with closing(psycopg2.connect(ensure(instance))) as connection:
        connection.autocommit = True
        for name, value in postgresql.items():
            connection.cursor().execute(f"ALTER SYSTEM SET {name} = '{value}'")
    release(instance)
