"""Pages while thousands of streams are open and told something each second, beside a server without a stream."""

import time
from collections.abc import Iterator
from statistics import median

from bench.figures import Figure, beside, figure, percentile, spread
from bench.load import BUSIEST, Busy, Load
from bench.peers.product import Product
from bench.stage import Stage, stage
from bench.visitors import Page, Visit, Visitors, pages, visitors

STREAMS = 5_000
RATE = 50.0  # requests a second
ROUNDS, SECONDS = 5, 8
LATEST = 5.0  # milliseconds that the 99th percentile of our own requests may be late


def measure() -> Iterator[Figure]:
    """Both servers stand all the time, and are asked in turn."""
    with stage() as quiet, stage(REQUEST_LIFETIME_MINUTES="1440") as told, visitors() as people:
        product, both = Product(told), [(quiet, pages(quiet)), (told, pages(told))]
        with Load(told.port, product.heads(STREAMS)) as load:
            load.opens(STREAMS, 120)
            yield from _figures(*_played(people, product, load, *both))


Round = tuple[list[Visit], list[Visit]]


def _played(
    people: Visitors, product: Product, load: Load, quiet: tuple[Stage, list[Page]], told: tuple[Stage, list[Page]]
) -> tuple[list[Round], list[float]]:
    rounds, busy = [], []
    for _ in range(ROUNDS):
        alone = people.come(quiet[0].port, quiet[1], RATE, SECONDS).result()
        visits = people.come(told[0].port, told[1], RATE, SECONDS)
        with Busy(load) as client:
            while not visits.done():
                product.broadcasts()
                time.sleep(1)
        busy.append(client.share)
        rounds.append((alone, visits.result()))
    return rounds, busy


def _figures(rounds: list[Round], busy: list[float]) -> Iterator[Figure]:
    alone, beside_them = ([_p99(visits) for visits in side] for side in zip(*rounds, strict=True))
    every = [visit for both in rounds for visits in both for visit in visits]
    late = percentile([visit.late for visit in every], 0.99)
    failed = sum(not visit.is_answered for visit in every)
    valid = late <= LATEST and max(busy) <= BUSIEST and not failed
    note = f"{spread(beside_them)}; alone {spread(alone)}; asked at most {late:.1f} ms late (p99); {failed} failed"
    name = f"pages, p99 at {RATE:.0f} requests/s beside {STREAMS} streams and as many deliveries/s"
    yield beside(
        name, median(beside_them), "ms", "no stream", median(alone), most=4, is_valid=valid,
        note=f"{note}; client at most {max(busy):.0%} busy",
    )  # fmt: skip
    yield figure(f"{name}, absolute", median(beside_them), "ms", most=50, is_valid=valid)


def _p99(visits: list[Visit]) -> float:
    return percentile([visit.took for visit in visits], 0.99)
