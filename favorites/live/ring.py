"""The last frames, kept so that a reader who was away for a moment costs no query."""

from collections import deque
from typing import Protocol
from uuid import UUID

from favorites.live.frames import Frame
from favorites.live.reader import Reader

SIZE = 5000
LONGEST = 200  # a longer backlog is not worth replaying: the page reads its state anew


class Known(Protocol):
    """Every event above `floor` and up to `newest` is known."""

    @property
    def floor(self) -> int:
        """An id."""

    @property
    def newest(self) -> int:
        """An id."""


class Ring:
    """Knows every event above `floor` and up to `newest`; below it one must read the table."""

    def __init__(self, size: int = SIZE) -> None:
        self._frames: deque[Frame] = deque()
        self._size = size
        self.begin(0)

    def begin(self, newest: int) -> None:
        """Forgets everything; from here on it knows what comes after `newest`."""
        self._frames.clear()
        self.floor = self.newest = newest

    def add(self, frame: Frame) -> None:
        """The next event; one that nobody hears only moves `newest`."""
        self.newest = frame.id
        if not frame.topics:
            return
        self._frames.append(frame)
        if len(self._frames) > self._size:
            self.floor = self._frames.popleft().id

    def after(self, last: int, reader: Reader) -> list[Frame] | None:
        """What `reader` has missed since event `last`, oldest first; None: too much, or it is not known here.

        An offer that was closed since, as far as this reader heard, is left out.
        """
        missed: list[Frame] = []
        closed: set[UUID | None] = set()
        if last < self.floor:
            return None
        for frame in reversed(self._frames):
            if frame.id <= last:
                break
            if not reader.hears(frame):
                continue
            if frame.closes:
                closed.add(frame.request_id)
            elif frame.is_offer and frame.request_id in closed:
                continue
            missed.append(frame)
        return None if len(missed) > LONGEST else missed[::-1]
