"""A new worker takes over while thousands of streams are open: all break, and all come back."""

import signal
import time
from collections.abc import Iterator

from bench.figures import Figure, figure, percentile
from bench.load import Arrivals, Load, State
from bench.peers.product import Product
from bench.stage import stage
from bench.visitors import Visit, pages, visitors

STREAMS = 5_000
PROBE = 20.0  # page requests a second
SECONDS = 20  # that the pages are asked for
EVERY = 0.5  # seconds between two broadcasts
QUIET = 2.0  # seconds before the signal
LONGEST = 60  # seconds until all are back


def measure() -> Iterator[Figure]:
    """kill -HUP of the arbiter, with events all the while; streams come back as browsers do."""
    with stage(REQUEST_LIFETIME_MINUTES="1440") as on, visitors() as people:
        product, asked = Product(on), pages(on)
        with Load(on.port, product.heads(STREAMS)) as load:
            load.opens(STREAMS, 120)
            load.comes_back()
            visits = people.come(on.port, asked, PROBE, SECONDS, anew=True)
            began, signalled = _told(product, QUIET), time.monotonic_ns()
            on.server.process.send_signal(signal.SIGHUP)
            began |= _told(product, SECONDS - QUIET - 1)
            state = load.waits_for_return(STREAMS, LONGEST)
            began |= _told(product, EVERY)
            for event in began:
                load.waits(event, 10)
            yield from _figures(state, signalled, load.arrivals(began), visits.result())


def _told(product: Product, seconds: float) -> dict[int, int]:
    """Broadcasts for so long: each event with its beginning."""
    began = {}
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        start = time.monotonic_ns()
        began[product.broadcasts()] = start
        time.sleep(EVERY)
    return began


def _figures(state: State, signalled: int, arrivals: Arrivals, visits: list[Visit]) -> Iterator[Figure]:
    everybody = state.drops >= STREAMS and state.open == STREAMS
    yield figure(
        f"reconnect storm, {STREAMS} streams back after HUP", (state.all_back - signalled) / 1e9, "s", most=10,
        is_valid=everybody, note=f"{state.drops} broke, the first after {(state.first_drop - signalled) / 1e9:.1f} s",
    )  # fmt: skip
    failed = sum(not visit.is_answered for visit in visits)
    slowest = percentile([visit.took for visit in visits], 0.99)
    yield figure("reconnect storm, page requests failed", failed, f"of {len(visits)}", most=0,
                 note=f"p99 {slowest:.0f} ms")  # fmt: skip
    yield figure("reconnect storm, deliveries lost", arrivals.lost, f"of {arrivals.events * STREAMS}", most=0)
    yield figure("reconnect storm, deliveries twice", arrivals.twice, f"of {arrivals.events * STREAMS}", most=0)
