"""The care of the open streams: who may no longer listen is cut off; whose board or page is open is written down, and
how many there are.

On a connection of its own and in small batches: with thousands of streams it takes hundreds of milliseconds, in which
no event would be read and no mechanic's row would be free.
"""

import os
import selectors
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import monotonic
from typing import TypeVar

from psycopg2.extensions import connection as Raw  # noqa: N812 - psycopg2 names its class in lower case
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from favorites.dispatch import boards
from favorites.dispatch.processes import process_leaves, process_seen
from favorites.live.hub import Hub
from favorites.live.line import Line
from favorites.models import ProcessKind, Role
from favorites.queries import standing

CHECK, BOARDS = 4.0, 10.0  # seconds
BATCH = 500

Item = TypeVar("Item")


class Care(Line):
    """Looks after the streams of `hub` every few seconds, and at once when woken.

    `kind`: of its process. `told`: the newest event that the hub was given, None while that is not known.
    """

    def __init__(self, hub: Hub, kind: ProcessKind, told: Callable[[], int | None]) -> None:
        super().__init__("care of the streams")
        self._hub, self._kind, self._told = hub, kind, told
        self._boards_at = self._process_at = 0.0

    def _follow(self, connection: Connection, _raw: Raw, selector: selectors.BaseSelector) -> None:
        while not self._stopped.is_set():
            with Session(connection) as session:
                tell_time(session, self._hub)
                self._end_lost(session)
                if monotonic() >= self._boards_at:
                    self._boards_at = monotonic() + BOARDS
                    self._see_boards(session)
                    self._see_pages(session)
                if monotonic() >= self._process_at:
                    self._see_process(session)
            self.beat = monotonic()
            if selector.select(CHECK):
                os.read(self._ear, 4096)
        with Session(connection) as session:
            process_leaves(session)

    def _end_lost(self, session: Session) -> None:
        for batch in _batches(self._hub.standings()):
            if lost := standing.lost(session, batch):
                self._hub.end(lost)
            self.beat = monotonic()

    def _see_boards(self, session: Session) -> None:
        for batch in _batches([*{each.mechanic_id for each in self._hub.standings() if each.mechanic_id}]):
            boards.seen(session, batch)
            self.beat = monotonic()

    def _see_pages(self, session: Session) -> None:
        theirs = {each.user_id for each in self._hub.standings() if each.role == Role.CUSTOMER}
        for batch in _batches([*theirs]):
            boards.pages_seen(session, batch)
            self.beat = monotonic()

    def _see_process(self, session: Session) -> None:
        told = self._told()
        if told is not None:
            self._process_at = monotonic() + BOARDS
            process_seen(session, self._kind, self._hub.open_streams(), told)


def tell_time(session: Session, hub: Hub) -> None:
    """Tells the hub the database's clock."""
    hub.skew = standing.database_time(session) - datetime.now(UTC)


def _batches(items: list[Item]) -> Iterator[list[Item]]:
    for first in range(0, len(items), BATCH):
        yield items[first : first + BATCH]
