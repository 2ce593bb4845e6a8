"""What takes turns: a broadcaster with the clients that hold its streams."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from bench.load import Load
from bench.peers import Peer
from bench.peers.product import Product
from bench.usage import cpu


class Round(NamedTuple):
    """Of some broadcasts, one after the other. Milliseconds; `cpu`: seconds for 100,000 deliveries.

    `p50` and `p99` are those of the slowest client, `busy` of the busiest. `faults`: deliveries lost, or made twice.
    """

    rate: float
    p50: float
    p99: float
    cpu: float
    busy: float
    faults: int
    size: int


class Arm:
    """A broadcaster and its clients, each of which holds as many streams as the others."""

    def __init__(self, name: str, server: Product | Peer, *loads: Load) -> None:
        self.name, self.server, self._loads = name, server, loads
        self.rounds: list[Round] = []
        self._streams = 0

    def opens(self, streams: int) -> None:
        """From more, or from none."""
        self.rounds, each = [], streams // len(self._loads)
        for load in self._loads:
            if self._streams > streams:
                load.keeps(each)
            elif self._streams < streams:
                load.opens(each, 180)
        self._streams = streams

    def plays(self, broadcasts: int, size: int = 0) -> Round:
        """One round: the next broadcast begins when every client has the one before."""
        spent, seconds, busy, began = cpu(self.server.processes()), 0.0, [0.0] * len(self._loads), {}
        for _ in range(broadcasts):
            idle, start = self._cpu(), time.monotonic_ns()
            event = self.server.broadcasts(size)
            worked = [load.waits(event).cpu for load in self._loads]
            busy = [sum(one) - before for *one, before in zip(busy, worked, idle, strict=True)]
            began[event] = start
            seconds += (max(load.arrivals({event: start}).completed for load in self._loads) - start) / 1e9
        spent = cpu(self.server.processes()) - spent
        told = [load.arrivals(began) for load in self._loads]
        for load in self._loads:
            load.forgets()
        deliveries = broadcasts * self._streams
        return Round(
            rate=deliveries / seconds,
            p50=max(one.p50 for one in told),
            p99=max(one.p99 for one in told),
            cpu=spent * 100_000 / deliveries,
            busy=max(busy) / seconds,
            faults=sum(one.lost + one.twice for one in told),
            size=told[0].size,
        )

    def _cpu(self) -> Sequence[float]:
        return [load.state().cpu for load in self._loads]
