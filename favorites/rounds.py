"""A thread beside the polls that looks every few seconds for what is due.

What it finds it claims by its row, so any number of processes may run one; only the one that polls does, or all if it
does not. Whatever it waits for, requests, feed and hub do not.
"""

import threading
from collections.abc import Callable

import structlog
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from favorites import db
from favorites.queries import engine

log = structlog.get_logger(__name__)

PATIENCE = 2.0  # seconds for what is in hand when it ends


class Rounds:
    """Calls `look` every so many seconds, while `leads` says that this process polls; `name` stands in the log."""

    def __init__(self, name: str, seconds: float, leads: Callable[[], bool], look: Callable[[Session], None]) -> None:
        self._name, self._seconds, self._leads, self._look = name, seconds, leads, look
        self._engine = create_engine("postgresql+psycopg2://", creator=db.connect, poolclass=NullPool)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it after what is in hand, or without waiting for somebody who hangs: it is done again."""
        self._stopped.set()
        self._thread.join(PATIENCE)

    @property
    def goes_on(self) -> bool:
        """Whether there is time for one more."""
        return not self._stopped.is_set()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                self._round()
            except Exception as error:  # the poll tells of a database that is away
                log.debug("Not now", what=self._name, why=db.reason(error))

    def _round(self) -> None:
        with Session(self._engine) as session:
            if self._leads() or engine.has_stopped(session):
                session.rollback()  # a claim's now() is the begin of its own transaction
                self._look(session)
