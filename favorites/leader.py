"""Who leads: the process that holds an advisory lock of PostgreSQL, for as long as its connection lives."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from favorites import db

log = logging.getLogger(__name__)

LOOK = 1.0  # seconds between two tries, and two looks whether the lock is still ours


class Leadership:
    """A candidate for the lock `name`; calls `gained` each time it gets it. The server frees it when we die.

    `each_look` is called about once a second by the monotonic clock, whether or not the database answers.
    """

    def __init__(self, name: str, gained: Callable[[], None], each_look: Callable[[], None] = lambda: None) -> None:
        self.is_held = False
        self._name, self._gained, self._each_look = name, gained, each_look
        self._connection: Connection | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leader", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Gives the lock back."""
        self._stopped.set()
        self._thread.join(2)  # a connection that hangs must not keep the process

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._each_look()
            try:
                self._look()
            except Exception as error:
                log.debug("leadership is in doubt: %s", error)
                self._let_go()
            self._stopped.wait(LOOK)
        self._let_go()

    def _look(self) -> None:
        if self._connection is None:
            self._connection = db.connect()
            self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            if self.is_held:
                cursor.execute("SELECT 1")
                return
            cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [self._name])
            row = cursor.fetchone()
        if row and row[0]:
            self.is_held = True
            self._gained()

    def _let_go(self) -> None:
        self.is_held = False
        if self._connection:
            with suppress(psycopg2.Error):
                self._connection.close()
        self._connection = None
