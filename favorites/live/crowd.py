"""Who listens: the open streams by topic, by person and by sign-in."""

from collections import Counter, defaultdict
from typing import Any
from uuid import UUID

from favorites.live.reader import Stream
from favorites.queries.standing import Standing


class Crowd:
    """Changed by the hub's thread alone; the counts may be read from any."""

    def __init__(self) -> None:
        self.streams: set[Stream] = set()
        self.standings: Counter[Standing] = Counter()
        self.users: Counter[UUID] = Counter()
        # Ordered as they came, and so in memory, the kernel's too: one tenth of the time of a broadcast.
        self._topics: defaultdict[str, dict[Stream, None]] = defaultdict(dict)

    def add(self, stream: Stream) -> None:
        """One more."""
        standing = stream.reader.standing
        self.streams.add(stream)
        self.standings[standing] += 1
        self.users[standing.user_id] += 1
        for topic in stream.reader.topics:
            self._topics[topic][stream] = None

    def remove(self, stream: Stream) -> None:
        """One less; nothing is kept of it."""
        standing = stream.reader.standing
        self.streams.discard(stream)
        _less(self.standings, standing)
        _less(self.users, standing.user_id)
        for topic in stream.reader.topics:
            self._topics[topic].pop(stream, None)
            if not self._topics[topic]:
                del self._topics[topic]

    def of(self, topic: str) -> tuple[Stream, ...]:
        """Who listens to the topic now; a copy, for a stream may end while one writes to it."""
        return tuple(self._topics.get(topic, ()))

    def size(self, topic: str) -> int:
        """How many listen to the topic now."""
        return len(self._topics.get(topic, ()))


def _less(counts: Counter[Any], key: object) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
