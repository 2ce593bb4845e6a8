"""A thread with a connection of its own to PostgreSQL, made again when it is lost and cut loose when it hangs."""

import logging
import os
import selectors
import socket
import threading
from contextlib import suppress
from time import monotonic

from psycopg2.extensions import connection as Raw  # noqa: N812 - psycopg2 names its class in lower case
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from favorites import db

log = logging.getLogger(__name__)

RETRY = 0.3  # seconds
TOO_LONG = 8.0  # seconds without a beat: the connection is half open, and its query would block for ever


class Line:
    """`_follow` says what it does; it must set `beat` oftener than TOO_LONG."""

    def __init__(self, what: str) -> None:
        """`what`: as the log names it."""
        self.beat = monotonic()
        self._what = what
        self._connection: Raw | None = None
        self._connection_lock = threading.Lock()
        self._stopped = threading.Event()
        self._ear, self._bell = os.pipe()
        os.set_blocking(self._bell, False)
        self._engine = create_engine(
            "postgresql+psycopg2://", creator=self._connect, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        self._thread = threading.Thread(target=self._run, name=f"live {what}", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and its connection."""
        self._stopped.set()
        self.wake()
        self._thread.join(1)
        if self._thread.is_alive():
            self.interrupt()
            self._thread.join(2)
        os.close(self._ear)
        os.close(self._bell)

    def wake(self) -> None:
        """Ends its rest, if it rests."""
        with suppress(BlockingIOError):  # it has not even heard the first
            os.write(self._bell, b"!")

    def is_late(self) -> bool:
        """Whether nothing has been done for too long."""
        return monotonic() - self.beat > TOO_LONG

    def watch(self) -> None:
        """Called each second from elsewhere: if it hangs in its connection it is cut loose."""
        if self.is_late():
            self.interrupt()

    def interrupt(self) -> None:
        """Shuts the socket down under whatever waits on it."""
        with self._connection_lock:  # else the descriptor could be somebody else's by now
            if self._connection and not self._connection.closed:
                log.warning("[Live] the %s hangs; connecting again", self._what)
                with suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as sock:
                    sock.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        is_lost = False
        while not self._stopped.is_set():
            try:
                self._begin()
            except Exception as error:  # whatever it is: without the feed every page stands still
                (log.debug if is_lost else log.warning)(
                    "[Live] the %s is interrupted: %s", self._what, db.reason(error)
                )
                is_lost = True
            finally:
                self._drop()
            self._stopped.wait(RETRY)

    def _begin(self) -> None:
        with self._engine.connect() as connection, selectors.DefaultSelector() as selector:
            raw = self._connection
            if raw is None:  # interrupted before it began
                return
            selector.register(self._ear, selectors.EVENT_READ)
            self._follow(connection, raw, selector)

    def _follow(self, connection: Connection, raw: Raw, selector: selectors.BaseSelector) -> None:
        """What there is to do, until `_stopped`; `selector` hears `wake`."""
        raise NotImplementedError

    def _connect(self) -> Raw:
        connection = db.connect()
        with self._connection_lock:
            self._connection = connection
        return connection

    def _drop(self) -> None:
        with self._connection_lock:
            if self._connection:
                self._connection.close()
            self._connection = None
