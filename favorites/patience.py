"""Connections that know how long they wait for an answer, and can be cut loose when it will not come.

A network that swallows everything, or a server's machine that stands still, tells nobody; libpq would wait for ever,
and the eight threads of the web with it.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any
from weakref import WeakSet

from psycopg2.extensions import connection, cursor

LONGEST = 20.0  # seconds; the server itself ends a statement after 15
PING = "SELECT 1"  # the pool asks it of each connection that it gives out
PING_LONGEST = 4.0


class Patient(connection):
    """psycopg2's connection, with the moment when its patience ends."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self._until: float | None = None
        self.plans: dict[tuple[Any, ...], str] = {}  # how to run what it has planned before (`plans`)
        self._held = threading.Lock()  # else the descriptor could be somebody else's by now
        super().__init__(*arguments, **more)
        with _changing:
            _known.add(self)

    @contextmanager
    def waiting(self, seconds: float | None = None) -> Iterator[None]:
        """A block that waits for the server, so long at most."""
        self._until = monotonic() + (seconds or LONGEST)
        try:
            yield
        finally:
            self._until = None

    def commit(self) -> None:
        with self.waiting():
            super().commit()

    def rollback(self) -> None:
        with self.waiting():
            super().rollback()

    def close(self) -> None:
        with self._held:
            super().close()

    def give_up(self) -> None:
        """Shuts the socket down under whoever waits for too long: they get an OperationalError."""
        with self._held, suppress(OSError):
            if self._until and self._until < monotonic() and not self.closed:
                with socket.socket(fileno=os.dup(self.fileno())) as sock:
                    sock.shutdown(socket.SHUT_RDWR)


class PatientCursor(cursor):
    """A cursor of such a connection."""

    connection: Patient

    def execute(self, query: Any, vars: Any = None) -> None:
        with self.connection.waiting(PING_LONGEST if query == PING else None):
            super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Any) -> None:
        with self.connection.waiting():
            super().executemany(query, vars_list)


_known: WeakSet[Patient] = WeakSet()
_changing = threading.Lock()


def watch() -> None:
    """Called each second: whoever waits for too long is cut loose."""
    with _changing:
        known = tuple(_known)
    for each in known:
        each.give_up()
