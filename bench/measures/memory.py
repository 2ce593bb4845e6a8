"""What an open stream costs the process that holds it."""

import time
from collections.abc import Iterator

from bench.figures import Figure, figure
from bench.load import Load
from bench.peers.product import Product
from bench.stage import stage
from bench.usage import memory

STREAMS, FIRST = 5_000, 200
SETTLED = 11  # seconds: what looks after the streams from time to time has done so


def measure() -> Iterator[Figure]:
    """PSS of arbiter, worker and hub, before and after; each stream is a mechanic's of their own.

    Some streams open and close before: what is loaded at the first one is no stream's.
    """
    with stage() as on:
        product = Product(on)
        with Load(on.port, product.heads(STREAMS)) as load:
            load.opens(FIRST)
            load.closes()
            load.opens(1)
            before = memory(product.processes())
            load.opens(STREAMS, 120)
            load.waits(product.broadcasts())
            time.sleep(SETTLED)
            after = memory(product.processes())
        yield figure(
            f"memory a stream, PSS, {STREAMS} streams", (after - before) / STREAMS / 1024, "KiB", most=4,
            note=f"{before / 2**20:.0f} MiB before, {after / 2**20:.0f} MiB after",
        )  # fmt: skip
