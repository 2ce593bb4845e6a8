"""The care of the open streams: who may no longer listen is cut off, whose board is open is written down.

On a connection of its own and in small batches: with thousands of streams it takes hundreds of milliseconds, in which
no event would be read and no mechanic's row would be free.
"""

import os
import selectors
from collections.abc import Iterator
from datetime import UTC, datetime
from time import monotonic
from typing import TypeVar

from psycopg2.extensions import connection as Raw  # noqa: N812 - psycopg2 names its class in lower case
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from favorites.dispatch import boards
from favorites.live.hub import Hub
from favorites.live.line import Line
from favorites.queries import standing

CHECK, BOARDS = 4.0, 10.0  # seconds
BATCH = 500

Item = TypeVar("Item")


class Care(Line):
    """Looks after the streams of `hub` every few seconds, and at once when woken."""

    def __init__(self, hub: Hub) -> None:
        super().__init__("care of the streams")
        self._hub = hub
        self._boards_at = 0.0

    def _follow(self, connection: Connection, _raw: Raw, selector: selectors.BaseSelector) -> None:
        while not self._stopped.is_set():
            with Session(connection) as session:
                tell_time(session, self._hub)
                self._end_lost(session)
                if monotonic() >= self._boards_at:
                    self._boards_at = monotonic() + BOARDS
                    self._see_boards(session)
            self.beat = monotonic()
            if selector.select(CHECK):
                os.read(self._ear, 4096)

    def _end_lost(self, session: Session) -> None:
        for batch in _batches(self._hub.standings()):
            if lost := standing.lost(session, batch):
                self._hub.end(lost)
            self.beat = monotonic()

    def _see_boards(self, session: Session) -> None:
        for batch in _batches([*{each.mechanic_id for each in self._hub.standings() if each.mechanic_id}]):
            boards.seen(session, batch)
            self.beat = monotonic()


def tell_time(session: Session, hub: Hub) -> None:
    """Tells the hub the database's clock."""
    hub.skew = standing.database_time(session) - datetime.now(UTC)


def _batches(items: list[Item]) -> Iterator[list[Item]]:
    for first in range(0, len(items), BATCH):
        yield items[first : first + BATCH]
