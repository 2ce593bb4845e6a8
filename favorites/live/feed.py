"""The feed: one connection a process that hears of new events, reads them and gives them to the hub.

A NOTIFY is only a hint. The table is read after every hint and every two seconds, from the last id on: a lost hint
costs seconds, never an event.
"""

import json
import logging
import selectors
import threading
from collections.abc import Callable
from datetime import datetime
from time import monotonic

from psycopg2.extensions import connection as Raw  # noqa: N812 - psycopg2 names its class in lower case
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from favorites import crash
from favorites.live.care import Care, tell_time
from favorites.live.frames import Frame, frames_of, render
from favorites.live.hub import Hub
from favorites.live.line import Line
from favorites.models import ProcessKind
from favorites.queries import events
from favorites.queries.events import Signal

log = logging.getLogger(__name__)

POLL = 2.0  # seconds
WHISPERS = "typing"  # what is told to who listens now, and kept nowhere
# Events a read. The planner takes a short one for short and goes by the keys, with statistics or without: 0.5 ms, not
# 1.8, for what one commit brings.
FEW, BATCH = 20, 500
WARM = 500  # events that a process reads before it serves: after a restart everybody comes back at once, from memory


class Feed(Line):
    """Reads for `hub`; tells `wake` of every deadline that an event sets (by the database's clock).

    `asked` is called when somebody was asked, or is no longer. `kind`: of the process it is in.
    """

    def __init__(
        self,
        hub: Hub,
        wake: Callable[[datetime], None],
        asked: Callable[[], None] = lambda: None,
        kind: ProcessKind = ProcessKind.WEB,
    ) -> None:
        super().__init__("event feed")
        self.is_ready = threading.Event()  # it has read its first position
        self.care = Care(hub, kind, lambda: self._last if self.is_ready.is_set() else None)
        self._hub, self._tell, self._asked = hub, wake, asked
        self._last = -1  # not known yet

    def start(self) -> None:
        """Starts the thread, and that of the care."""
        self.care.start()
        super().start()

    def stop(self) -> None:
        """Ends both."""
        super().stop()
        self.care.stop()

    def is_late(self) -> bool:
        """Whether nothing has been read, or looked after, for too long."""
        return super().is_late() or self.care.is_late()

    def watch(self) -> None:
        """Called each second from elsewhere: what hangs in its connection is cut loose."""
        if super().is_late():
            self.interrupt()
        self.care.watch()

    def _follow(self, connection: Connection, raw: Raw, selector: selectors.BaseSelector) -> None:
        for channel in ("request_events", "control", WHISPERS):  # first listen, then read: nothing falls between
            connection.exec_driver_sql(f"LISTEN {channel}")
        # The joins stand in the order in which they are best made: the planner need not look for another.
        connection.exec_driver_sql("SET join_collapse_limit = 1")
        self.care.wake()
        selector.register(raw, selectors.EVENT_READ)
        with Session(connection) as session:
            tell_time(session, self._hub)
            self._find_position(session)
        while not self._stopped.is_set():
            with Session(connection) as session:
                self._read(session)
            self.beat = monotonic()
            if not self.is_ready.is_set():
                self.is_ready.set()
                self.care.wake()  # it can tell now how far we are
            self._wait(raw, selector)

    def _find_position(self, session: Session) -> None:
        """Where it was; at first a little before the present, which is where it goes when the table has gone back."""
        newest = events.newest_id(session)
        if self._last < 0:
            oldest = events.oldest_id(session) or 1
            self._last = events.whole_above(session, max(newest - WARM, oldest - 1))
            self._hub.begin(self._last)
        elif self._last > newest:  # a restored backup
            self._last = newest
            self._hub.begin(newest)

    def _read(self, session: Session) -> None:
        limit, is_last = FEW, False
        while not is_last:
            signals, frames, is_last = self._next(session, limit)
            limit = BATCH
            if frames:
                self._last = frames[-1].id
                crash.here("push.before")
                self._hub.publish(frames)
            self._pass_on(signals)  # whom it wakes would stand in front of the streams

    def _next(self, session: Session, limit: int) -> tuple[list[Signal], list[Frame], bool]:
        """The next events, their frames, and whether they are all: what is written from now on has its own hint.

        A row that nobody can make sense of is left out: it must not silence all that follow.
        """
        while True:
            try:
                signals = events.events_after(session, self._last, limit)
                frames = [frame for signal in signals for frame in frames_of(signal)]
            except SQLAlchemyError:
                raise
            except Exception:
                if limit == 1:
                    self._last += 1
                    log.exception("[Live] event %d cannot be told and is left out", self._last)
                limit = 1
            else:
                return signals, frames, len(signals) < limit

    def _pass_on(self, signals: list[Signal]) -> None:
        for signal in signals:
            if signal.wake_at:
                self._tell(signal.wake_at)
        if any(signal.event in events.ASKING | events.CLOSING for signal in signals):
            self._hub.afterwards(self._asked)

    def _wait(self, raw: Raw, selector: selectors.BaseSelector) -> None:
        raw.poll()  # a hint may have come with the last answer; the socket does not show it any more
        if not raw.notifies:
            selector.select(POLL)
            raw.poll()
        if any(notify.channel == "control" for notify in raw.notifies):
            self.care.wake()
        for notify in raw.notifies:
            if notify.channel == WHISPERS:
                self._whisper(notify.payload)
        raw.notifies.clear()

    def _whisper(self, payload: str) -> None:
        """`{"topic", "request_id"}`; what is not that is nobody's to hear."""
        try:
            told = json.loads(payload)
            self._hub.whisper(told["topic"], render(WHISPERS, {"request_id": told["request_id"]}, None))
        except (ValueError, KeyError, TypeError):
            log.warning("[Live] a whisper that makes no sense is left out")
