"""One event to every open stream, from before its transaction to the last client, beside nchan, a C loop, threads."""

from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from bench.arms import Arm
from bench.figures import Figure, beside, paired, spread
from bench.load import BUSIEST, Load
from bench.peers import Peer
from bench.peers.loop import Loop
from bench.peers.nchan import Nchan
from bench.peers.product import Product
from bench.peers.threaded import Threaded
from bench.stage import stage
from bench.tools import versions

SIZES = (10_000, 5_000, 1_000)  # streams, the most first: then some are closed
GOALS = {10_000: {"nchan": 1.2, "C loop": 0.85}, 5_000: {"nchan": 1.2, "C loop": 0.85}, 1_000: {"gthread": 8}}
ROUNDS = 7
DELIVERIES = 50_000  # a round and server; fewer at 1,000 streams, where threads are slow
MOST = 20  # broadcasts a round


def measure() -> Iterator[Figure]:
    """All servers stand at the same time, their streams open, and take turns."""
    with stage(REQUEST_LIFETIME_MINUTES="1440") as on, ExitStack() as standing:
        product = Product(on)
        arms = [_arm(standing, server, SIZES[0]) for server in (product, Nchan(), Loop())]
        for streams in SIZES:
            if "gthread" in GOALS[streams]:
                arms.append(_arm(standing, Threaded(streams), streams))
            yield from _figures(streams, *_played(arms, streams))


def _arm(standing: ExitStack, server: Product | Peer, streams: int) -> Arm:
    if isinstance(server, Peer):
        standing.enter_context(server)
    return Arm(server.name, server, standing.enter_context(Load(server.port, server.heads(streams), key=server.key)))


def _played(arms: list[Arm], streams: int) -> list[Arm]:
    for arm in arms:
        arm.opens(streams)
    size = arms[0].plays(1, 0).size  # the product's frame: everybody's
    for arm in arms[1:]:
        arm.plays(1, size)
    for _ in range(ROUNDS):
        for arm in arms:
            arm.rounds.append(arm.plays(min(MOST, DELIVERIES // streams), size))
    return arms


def _figures(streams: int, ours: Arm, *others: Arm) -> Iterator[Figure]:
    told = versions()
    rates = [one.rate for one in ours.rounds]
    for other in others:
        theirs = [one.rate for one in other.rounds]
        busiest = max(one.busy for one in [*ours.rounds, *other.rounds])
        faults = sum(one.faults for one in [*ours.rounds, *other.rounds])
        sizes = {one.size for one in [*ours.rounds, *other.rounds]}
        yield beside(
            f"broadcast, deliveries/s at {streams} streams", median(rates), "1/s", other.name, median(theirs),
            ratio=paired(rates, theirs), least=GOALS[streams].get(other.name), versions=told,
            is_valid=busiest <= BUSIEST and not faults and max(sizes) - min(sizes) <= 1,
            note=f"{spread(rates)}; {other.name} {spread(theirs)}; frames of {max(sizes)} bytes; "
            f"client at most {busiest:.0%} busy; {faults} lost or twice",
        )  # fmt: skip
    for what, unit, pick in (
        ("p50 a client", "ms", lambda one: one.p50),
        ("p99 a client", "ms", lambda one: one.p99),
        ("CPU per 100,000 deliveries, PostgreSQL not counted", "s", lambda one: one.cpu),
    ):
        values = {arm.name: median(pick(one) for one in arm.rounds) for arm in (ours, *others)}
        note = ", ".join(f"{name} {value:.3g}" for name, value in list(values.items())[2:])
        yield beside(
            f"broadcast, {what}, at {streams} streams", values[ours.name], unit, "nchan", values["nchan"],
            versions=told, note=note,
        )  # fmt: skip
