"""Pages while thousands of streams are open and told something each second, beside a server without a stream.

Twice: the streams in the web process, as by default, and in the hub's own.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from bench.figures import Figure, beside, figure, percentile, spread
from bench.load import BUSIEST, Busy, Load
from bench.peers.product import Product
from bench.stage import stage
from bench.visitors import Visit, Visitors, pages, visitors

STREAMS = 5_000
RATE = 50.0  # requests a second
ROUNDS, SECONDS = 5, 8
LATEST = 5.0  # milliseconds that the 99th percentile of our own requests may be late


WAYS = {"hub as a thread": "0", "hub as its own process": "1"}


class Arm:
    """A server with so many streams, all of which are told something each second; with none it is left alone."""

    def __init__(self, standing: ExitStack, streams: int, **settings: str) -> None:
        self._on = standing.enter_context(stage(REQUEST_LIFETIME_MINUTES="1440", **settings))
        self._product, self._pages = Product(self._on), pages(self._on)
        self._load = standing.enter_context(Load(self._on.port, self._product.heads(max(streams, 1))))
        self._load.opens(streams, 180)
        self._streams = streams
        self.p99s: list[float] = []
        self.visits: list[Visit] = []
        self.busy = 0.0

    def warms_up(self, people: Visitors) -> None:
        """What a new process does once, and what the opening of thousands of streams leaves to do, counts for none."""
        people.come(self._on.port, self._pages, RATE, SECONDS).result()

    def plays(self, people: Visitors) -> None:
        """One round."""
        visits = people.come(self._on.port, self._pages, RATE, SECONDS)
        with Busy(self._load) as client:
            while self._streams and not visits.done():
                self._product.broadcasts()
                time.sleep(1)
            self.visits += visits.result()
        self.busy = max(self.busy, client.share)
        self.p99s.append(percentile([visit.took for visit in visits.result()], 0.99))


def measure() -> Iterator[Figure]:
    """All servers stand all the time, and are asked in turn."""
    with ExitStack() as standing:
        people = standing.enter_context(visitors())
        quiet = Arm(standing, 0)
        told = {name: Arm(standing, STREAMS, HUB_PROCESS=setting) for name, setting in WAYS.items()}
        arms = (quiet, *told.values())
        for arm in arms:
            arm.warms_up(people)
        for _ in range(ROUNDS):
            for arm in arms:
                arm.plays(people)
        for name, arm in told.items():
            yield from _figures(name, quiet, arm)


def _figures(name: str, quiet: Arm, told: Arm) -> Iterator[Figure]:
    every = [*quiet.visits, *told.visits]
    late, failed = percentile([visit.late for visit in every], 0.99), sum(not visit.is_answered for visit in every)
    valid = late <= LATEST and told.busy <= BUSIEST and not failed
    what = f"pages, p99 at {RATE:.0f} requests/s beside {STREAMS} streams and as many deliveries/s, {name}"
    yield beside(
        what, median(told.p99s), "ms", "no stream", median(quiet.p99s), most=4, is_valid=valid,
        note=f"{spread(told.p99s)}; no stream {spread(quiet.p99s)}; asked at most {late:.1f} ms late (p99); "
        f"{failed} failed; client at most {told.busy:.0%} busy",
    )  # fmt: skip
    yield figure(f"{what}, absolute", median(told.p99s), "ms", most=50, is_valid=valid)
