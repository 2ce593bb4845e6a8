"""The same broadcast by several workers, and by two hosts with one PostgreSQL, each beside one of them."""

from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from bench.arms import Arm
from bench.figures import Figure, beside, figure, paired, spread
from bench.hosts import hosts, network, postgresql, why_not
from bench.load import BUSIEST, Load
from bench.peers.product import Product
from bench.stage import Stage, stage

STREAMS, WORKERS = 5_000, (1, 2, 4)
ROUNDS, BROADCASTS = 5, 10


def measure() -> Iterator[Figure]:
    """All stand at the same time and take turns."""
    with ExitStack() as standing:
        arms = []
        for workers in WORKERS:
            on = standing.enter_context(stage(WORKERS=str(workers), REQUEST_LIFETIME_MINUTES="1440"))
            arms.append(_arm(standing, f"{workers} worker{'s' * (workers > 1)}", on))
        yield from _played(*arms)
    if why := why_not():
        yield figure("broadcast, deliveries/s by two hosts", 0, "1/s", is_valid=False, note=why)
        return
    with network(3) as names, postgresql("one", "two") as (one, two), ExitStack() as standing:
        alone, both = (
            standing.enter_context(hosts(names, numbers, database))
            for numbers, database in (((0,), one), ((1, 2), two))
        )
        yield from _played(_arm(standing, "1 host", *alone), _arm(standing, "2 hosts", *both))


def _arm(standing: ExitStack, name: str, *stages: Stage) -> Arm:
    """The streams are spread evenly over the stages."""
    product, each = Product(*stages), STREAMS // len(stages)
    heads = [*product.heads(STREAMS)]
    loads = [
        standing.enter_context(Load(on.port, heads[place * each : (place + 1) * each], address=on.address))
        for place, on in enumerate(stages)
    ]
    return Arm(name, product, *loads)


def _played(alone: Arm, *others: Arm) -> Iterator[Figure]:
    for arm in (alone, *others):
        arm.opens(STREAMS)
        arm.plays(1)
    for _ in range(ROUNDS):
        for arm in (alone, *others):
            arm.rounds.append(arm.plays(BROADCASTS))
    theirs = [one.rate for one in alone.rounds]
    for arm in others:
        ours = [one.rate for one in arm.rounds]
        both = [*arm.rounds, *alone.rounds]
        faults, busiest = sum(one.faults for one in both), max(one.busy for one in both)
        yield beside(
            f"broadcast to {STREAMS} streams, deliveries/s by {arm.name}", median(ours), "1/s",
            alone.name, median(theirs), ratio=paired(ours, theirs), least=1,
            is_valid=busiest <= BUSIEST and not faults,
            note=f"{spread(ours)}; {alone.name} {spread(theirs)}; p99 a client {median(o.p99 for o in arm.rounds):.0f} "
            f"ms, {alone.name} {median(o.p99 for o in alone.rounds):.0f}; {faults} lost or twice; "
            f"client at most {busiest:.0%} busy",
        )  # fmt: skip
