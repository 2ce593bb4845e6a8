"""Tells browsers whose pages are closed: of an offer at once, and when it is over, so that its notification goes.

Every web process runs one, and the database says which of them sends what (see `favorites.dispatch.push`). It has a
thread and a connection of its own, and each message has a thread: a push service that hangs delays nothing else.
"""

import os
import selectors
import threading
from collections import deque
from datetime import timedelta
from time import monotonic

from psycopg2.extensions import connection as Raw  # noqa: N812 - psycopg2 names its class in lower case
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from favorites.dispatch import push
from favorites.dispatch.push import Sending
from favorites.live.line import Line
from favorites.live.pushed import Outcome, tell
from favorites.webpush import services

POLL = 2.0  # seconds
AT_ONCE = 16  # messages on their way


class Pusher(Line):
    """Sends what is due when woken, and looks every few seconds. `idle_days`: as sign-ins have it."""

    def __init__(self, idle_days: int) -> None:
        super().__init__("push")
        self._idle = timedelta(days=idle_days)
        self._on_their_way = 0  # of this thread alone
        self._outcomes: deque[Outcome] = deque()  # of messages that are through, still to be written down
        self._end = threading.Lock()

    def stop(self) -> None:
        """Ends the thread and its connection. Messages on their way are left to themselves, and ring no bell."""
        with self._end:
            self._stopped.set()
        super().stop()

    def _follow(self, connection: Connection, _raw: Raw, selector: selectors.BaseSelector) -> None:
        with Session(connection) as session:
            push.forget_expired(session, self._idle)
            if push.has_subscribers(session):
                services.warm_up()
        while not self._stopped.is_set():
            with Session(connection) as session:
                self._write_down(session)
                self._send(session)
            self.beat = monotonic()
            if selector.select(POLL):
                os.read(self._ear, 4096)

    def _write_down(self, session: Session) -> None:
        while self._outcomes:
            self._outcomes[0](session)  # stays the first until it is written: the connection may be lost meanwhile
            self._outcomes.popleft()
            self._on_their_way -= 1

    def _send(self, session: Session) -> None:
        while free := AT_ONCE - self._on_their_way:
            due = push.claim(session, free, self._idle)
            for sending in due:
                self._on_their_way += 1
                threading.Thread(target=self._tell, args=(sending,), name="push", daemon=True).start()
            if len(due) < free:
                break

    def _tell(self, sending: Sending) -> None:
        self._outcomes.append(tell(sending))
        with self._end:
            if not self._stopped.is_set():
                self.wake()
