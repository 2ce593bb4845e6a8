"""The product as a broadcaster: from the transaction that writes the event to the sockets."""

from collections.abc import Iterable

import psutil

from bench.load import head
from bench.stage import Stage

EVENT = """
INSERT INTO request_events (session_request_id, customer_id, kind, audience, actor, payload)
SELECT id, customer_id, 'new_request', 'mechanics', 'system', '{"rule": "broadcast"}'
FROM session_requests WHERE id = %s RETURNING id
"""
FIRST = 10_000  # so that all ids of a run are of one length, and all frames


class Product:
    """A session request that waits for everyone, told to everyone as often as one likes."""

    name, key, path = "Book Again", "id: ", "/mechanic/events"

    def __init__(self, on: Stage, *more: Stage) -> None:
        """`more`: further hosts with the same database."""
        self.port = on.port
        self.stage, self._stages = on, (on, *more)
        self._cookies: list[str] = []
        self.request_id = on.town.customer("Ana").has_booked(on.port, on.address)
        on.town.rows("SELECT setval('request_events_id_seq', %s)", FIRST)

    def heads(self, streams: int) -> Iterable[str]:
        """Each of a mechanic of their own, with a sign-in of their own."""
        self._cookies += self.stage.town.mechanics(streams - len(self._cookies))
        return [head(self.path, cookie) for cookie in self._cookies[:streams]]

    def broadcasts(self, _size: int = 0) -> int:
        """One transaction, whose trigger draws the id and tells the feed; the event's id."""
        [(number,)] = self.stage.town.rows(EVENT, self.request_id)
        return number

    def processes(self) -> list[psutil.Process]:
        """Arbiter, workers, and what they have started."""
        arbiters = [psutil.Process(on.server.process.pid) for on in self._stages]
        return [*arbiters, *(child for arbiter in arbiters for child in arbiter.children(recursive=True))]
