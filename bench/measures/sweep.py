"""One sweep's cost against history: 1,000 against 500,000 closed session requests, and both by sequential scan."""

import time
from collections import defaultdict
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.figures import Figure, beside, paired, spread
from bench.history import Database, cluster, timed
from favorites.dispatch import fallback

FEW, MANY = 1_000, 500_000
ROUNDS = 7
DUE, IN_WINDOW, BROADCAST = 100, 500, 1_000
BY_SCAN = "-c enable_indexscan=off -c enable_indexonlyscan=off -c enable_bitmapscan=off"


class Cost(NamedTuple):
    """Of one whole sweep: buffers touched, milliseconds in its statements, and from its begin to its end."""

    buffers: float
    ms: float
    whole_ms: float


def measure() -> Iterator[Figure]:
    """Buffers and time of every statement that `fallback.sweep` sends, those that write included."""
    with cluster() as base:
        arms = {rows: _arm(base, rows) for rows in (FEW, MANY)}
        versions = {"postgresql": base.one("SHOW server_version")}
        costs: dict[tuple[int, bool], list[Cost]] = defaultdict(list)
        for round_ in range(ROUNDS):
            for is_control in (False, True):
                for rows in (FEW, MANY) if round_ % 2 else (MANY, FEW):
                    costs[rows, is_control].append(_cost(base, arms[rows], BY_SCAN if is_control else ""))
        yield from _figures(costs, versions)
        for arm in arms.values():
            arm.close()


def _arm(base: Database, rows: int) -> Database:
    arm = base.another(f"history_{rows}")
    arm.live(2_000, 200)
    arm.remember(rows, days=3 * 365)
    return arm


def _cost(base: Database, arm: Database, options: str) -> Cost:
    """One sweep, in a session that has swept before: the catalogue is no part of it."""
    engine = arm.engine(options=options)
    with Session(engine) as session:
        arm.waits(IN_WINDOW, BROADCAST)
        arm.lapses(IN_WINDOW + BROADCAST, 1)
        arm.settle()
        assert fallback.sweep(session).lapsed == 1
        arm.lapses(IN_WINDOW + BROADCAST + 1, DUE)
        before = _buffers(base, arm, session)
        with timed(engine) as spent:
            began = time.perf_counter()
            swept = fallback.sweep(session)
            whole = time.perf_counter() - began
        assert swept[:2] == (DUE, 0), swept
        cost = Cost(_buffers(base, arm, session) - before, sum(spent.values()), 1000 * whole)
    engine.dispose()
    return cost


def _buffers(base: Database, arm: Database, session: Session) -> int:
    """Touched in this database since its making; asked from another, so that the question is not in it."""
    session.execute(text("SELECT pg_stat_force_next_flush()"))
    session.commit()
    name = arm.url.partition("?")[0].rpartition("/")[2]
    return int(base.one("SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = %s", name))


def _figures(costs: dict[tuple[int, bool], list[Cost]], versions: dict[str, str]) -> Iterator[Figure]:
    limits: dict[str, dict[bool, dict[str, float]]] = {
        "buffers": {False: {"most": 1.5}, True: {"least": 5}},
        "ms": {False: {"most": 2}, True: {"least": 5}},
    }
    for is_control in (False, True):
        few, many = (costs[rows, is_control] for rows in (FEW, MANY))
        for unit in ("buffers", "ms"):
            ours, theirs = ([getattr(cost, unit) for cost in each] for each in (many, few))
            yield beside(
                f"one sweep{' by sequential scan (control)' if is_control else ''}, {unit}, history of {MANY:,}",
                median(ours), unit, f"history of {FEW:,}", median(theirs), ratio=paired(ours, theirs),
                **limits[unit][is_control], versions=versions,
                note=f"{spread(ours)}; whole sweep {median(cost.whole_ms for cost in many):.0f} ms"
                f" beside {median(cost.whole_ms for cost in few):.0f} ms",
            )  # fmt: skip
