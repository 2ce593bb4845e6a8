"""News while pages saturate the CPU: the hub as a process of its own, beside the hub as a thread of the web process."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

from bench.figures import Figure, figure, spread
from bench.load import BUSIEST, Arrivals, Busy, Load
from bench.peers.product import Product
from bench.stage import Stage, stage
from bench.visitors import Visitors, pages, visitors
from tests.server import until

STREAMS, CLIENTS = 5_000, 8
ROUNDS, SECONDS = 5, 5
EVERY = 0.2  # seconds between two broadcasts
LATE = 10.0  # seconds that the last of a round may take
WAYS = {"hub as its own process": "1", "hub as a thread": "0"}


class Round(NamedTuple):
    arrivals: Arrivals
    pages: float  # a second
    failed: int
    busy: float


class Way:
    """A server with its streams and readers."""

    def __init__(self, on: Stage, standing: ExitStack) -> None:
        self.on, self.product, self.pages = on, Product(on), pages(on)
        self.load = standing.enter_context(Load(on.port, self.product.heads(STREAMS)))
        self.load.opens(STREAMS, 180)
        self.rounds: list[Round] = []

    def plays(self, people: Visitors) -> None:
        """One round."""
        visits = people.hurry(self.on.port, self.pages, CLIENTS, SECONDS)
        with Busy(self.load) as client:
            began = self._tells()
            read = visits.result()
        for event in began:
            self.load.waits(event, LATE)
        failed = sum(not visit.is_answered for visit in read)
        self.rounds.append(Round(self.load.arrivals(began), len(read) / SECONDS, failed, client.share))
        self.load.forgets()

    def _tells(self) -> dict[int, int]:
        began, start = {}, time.monotonic()
        for number in range(int(SECONDS / EVERY)):
            time.sleep(max(0.0, start + number * EVERY - time.monotonic()))
            now = time.monotonic_ns()
            began[self.product.broadcasts()] = now
        return began


def measure() -> Iterator[Figure]:
    """Both stand all the time and take turns."""
    with ExitStack() as standing:
        people = standing.enter_context(visitors())
        ways = {}
        for name, setting in WAYS.items():
            on = standing.enter_context(stage(HUB_PROCESS=setting, REQUEST_LIFETIME_MINUTES="1440"))
            ways[name] = Way(on, standing)
        for _ in range(ROUNDS):
            for way in ways.values():
                way.plays(people)
        for name, way in ways.items():
            yield _figure(name, way.rounds)
        yield _survivors(next(iter(ways.values())))


def _figure(name: str, rounds: list[Round]) -> Figure:
    slowest = [one.arrivals.p99 for one in rounds]
    busiest, faults = max(one.busy for one in rounds), sum(one.arrivals.lost + one.arrivals.twice for one in rounds)
    failed = sum(one.failed for one in rounds)
    return figure(
        f"news while {CLIENTS} clients saturate the pages, {STREAMS} streams, p99, {name}", median(slowest), "ms",
        most=150 if WAYS[name] == "1" else None, is_valid=busiest <= BUSIEST and not faults and not failed,
        note=f"{spread(slowest)}; p50 {median(one.arrivals.p50 for one in rounds):.0f} ms; "
        f"{median(one.pages for one in rounds):.0f} pages/s, {failed} failed; client at most {busiest:.0%} busy; "
        f"{faults} lost or twice",
    )  # fmt: skip


def _survivors(way: Way) -> Figure:
    """A web deploy: the worker is another one then, and the streams are as they were."""
    before = {worker.pid for worker in way.on.server.workers()}
    way.on.server.process.send_signal(signal.SIGHUP)
    until(lambda: not before & {worker.pid for worker in way.on.server.workers()}, "another worker serves", 30)
    event = way.product.broadcasts()
    way.load.waits(event, LATE)
    state, arrivals = way.load.state(), way.load.arrivals({event: 0})
    return figure(
        f"streams dropped by HUP, {next(iter(WAYS))}", state.drops, f"of {STREAMS}", most=0,
        is_valid=not arrivals.lost, note=f"the next event came to {arrivals.deliveries}",
    )  # fmt: skip
