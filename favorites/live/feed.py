"""The feed: one connection a process that hears of new events, reads them and gives them to the hub.

A NOTIFY is only a hint. The table is read after every hint and every two seconds, from the last id on: a lost hint
costs seconds, never an event.
"""

import logging
import os
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from favorites import crash, db
from favorites.dispatch import boards
from favorites.live.frames import Frame, frame_of
from favorites.live.hub import Hub
from favorites.queries import events, standing

log = logging.getLogger(__name__)

POLL, CHECK, BOARDS, RETRY = 2.0, 4.0, 10.0, 0.3  # seconds
TOO_LONG = 8.0  # seconds without a beat: the connection is half open, and its query would block for ever
# Events a read. The planner takes a short one for short and goes by the keys, with statistics or without: 0.5 ms, not
# 1.8, for what one commit brings.
FEW, BATCH = 20, 500
WARM = 500  # events that a process reads before it serves: after a restart everybody comes back at once, from memory


class Feed:
    """Reads for `hub`; tells `wake` of every deadline that an event sets (by the database's clock)."""

    def __init__(self, hub: Hub, wake: Callable[[datetime], None]) -> None:
        self.beat = monotonic()
        self.is_ready = threading.Event()  # it has read its first position
        self._hub, self._wake = hub, wake
        self._last = -1  # not known yet
        self._check_at = self._boards_at = 0.0
        self._connection: Connection | None = None
        self._connection_lock = threading.Lock()
        self._stopped = threading.Event()
        self._ear, self._bell = os.pipe()
        self._engine = create_engine(
            "postgresql+psycopg2://", creator=self._connect, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        self._thread = threading.Thread(target=self._run, name="live-feed", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and its connection."""
        self._stopped.set()
        os.write(self._bell, b"!")
        self._thread.join(1)
        if self._thread.is_alive():
            self.interrupt()
            self._thread.join(2)
        os.close(self._ear)
        os.close(self._bell)

    def is_late(self) -> bool:
        """Whether nothing has been read for too long."""
        return monotonic() - self.beat > TOO_LONG

    def watch(self) -> None:
        """Called each second from elsewhere: a feed that hangs in its connection is cut loose."""
        if self.is_late():
            self.interrupt()

    def interrupt(self) -> None:
        """Shuts the socket down under whatever waits on it."""
        with self._connection_lock:  # else the descriptor could be somebody else's by now
            if self._connection and not self._connection.closed:
                log.warning("[Live] the event feed hangs; connecting again")
                with suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as sock:
                    sock.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        is_lost = False
        while not self._stopped.is_set():
            try:
                self._follow()
            except Exception as error:  # whatever it is: without the feed every page stands still
                (log.debug if is_lost else log.warning)("[Live] the event feed is interrupted: %s", db.reason(error))
                is_lost = True
            finally:
                self._drop()
            self._stopped.wait(RETRY)

    def _follow(self) -> None:
        with self._engine.connect() as connection, selectors.DefaultSelector() as selector:
            raw = self._connection
            if raw is None:  # interrupted before it began
                return
            for channel in ("request_events", "control"):  # first listen, then read: nothing falls between
                connection.exec_driver_sql(f"LISTEN {channel}")
            selector.register(raw, selectors.EVENT_READ)
            selector.register(self._ear, selectors.EVENT_READ)
            self._check_at = 0.0
            with Session(connection) as session:
                self._find_position(session)
            while not self._stopped.is_set():
                with Session(connection) as session:
                    self._read(session)
                    self._look_after_streams(session)
                self.beat = monotonic()
                self.is_ready.set()
                self._wait(raw, selector)

    def _find_position(self, session: Session) -> None:
        """Where it was; at first a little before the present, which is where it goes when the table has gone back."""
        newest = events.newest_id(session)
        if self._last < 0:
            oldest = events.oldest_id(session) or 1
            self._last = max(newest - WARM, oldest - 1)
            self._hub.begin(self._last)
        elif self._last > newest:  # a restored backup
            self._last = newest
            self._hub.begin(newest)

    def _read(self, session: Session) -> None:
        limit = FEW
        while frames := self._next(session, limit):
            self._last = frames[-1].id
            crash.here("push.before")
            self._hub.publish(frames)
            limit = FEW if len(frames) < limit else BATCH

    def _next(self, session: Session, limit: int) -> list[Frame]:
        """The next frames; a row that nobody can make sense of is left out: it must not silence all that follow."""
        while True:
            try:
                signals = events.events_after(session, self._last, limit)
                frames = [frame_of(signal) for signal in signals]
            except SQLAlchemyError:
                raise
            except Exception:
                if limit == 1:
                    self._last += 1
                    log.exception("[Live] event %d cannot be told and is left out", self._last)
                limit = 1
            else:
                for signal in signals:
                    if signal.wake_at:
                        self._wake(signal.wake_at)
                return frames

    def _look_after_streams(self, session: Session) -> None:
        now = monotonic()
        if now >= self._check_at:
            self._check_at = now + CHECK
            self._hub.skew = standing.database_time(session) - datetime.now(UTC)
            if lost := standing.lost(session, self._hub.standings()):
                self._hub.end(lost)
        if now >= self._boards_at:
            self._boards_at = now + BOARDS
            if mechanics := {each.mechanic_id for each in self._hub.standings() if each.mechanic_id}:
                boards.seen(session, mechanics)

    def _wait(self, raw: Connection, selector: selectors.BaseSelector) -> None:
        raw.poll()  # a hint may have come with the last answer; the socket does not show it any more
        if not raw.notifies:
            selector.select(max(0.0, min(POLL, self._check_at - monotonic())))
            raw.poll()
        if any(notify.channel == "control" for notify in raw.notifies):
            self._check_at = 0.0
        raw.notifies.clear()

    def _connect(self) -> Connection:
        # The joins stand in the order in which they are best made: the planner need not look for another.
        connection = db.connect(f"{db.LIMITS} -c join_collapse_limit=1")
        with self._connection_lock:
            self._connection = connection
        return connection

    def _drop(self) -> None:
        with self._connection_lock:
            if self._connection:
                self._connection.close()
            self._connection = None
