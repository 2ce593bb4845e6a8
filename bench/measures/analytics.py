"""The corrected figures of docs/analytics.md, of the last 30 days, at a million session requests of three years."""

import re
import time
from collections.abc import Iterator
from statistics import median

from bench.figures import Figure, figure, spread
from bench.history import Database, cluster
from tests.server import ROOT

ROWS, DAYS, ROUNDS = 1_000_000, 3 * 365, 7
WRITTEN = re.findall(r"Corrected:\n\n```sql\n(.*?)```", (ROOT / "docs" / "analytics.md").read_text(), re.S)


def measure() -> Iterator[Figure]:
    """The three, one after the other, as the page has them."""
    with cluster() as database:
        database.live(2_000, 200)
        database.remember(ROWS, DAYS)
        database.waits(500, 1_000)
        database.settle()
        first, *warm = [sum(_took(database, query) for query in WRITTEN) for _ in range(ROUNDS + 1)]
        [(plan, size)] = database.sql(
            "SELECT amname, pg_size_pretty(pg_relation_size(i.oid)) FROM pg_class i JOIN pg_am a ON a.oid = i.relam"
            " WHERE relname = 'session_requests_offered_at_idx'"
        )
        all_of_it = database.one("SELECT pg_size_pretty(pg_total_relation_size('session_requests'))")
        yield figure(
            f"the {len(WRITTEN)} corrected analytics queries, last 30 days of {ROWS:,} session requests",
            median(warm),
            "ms",
            most=200,
            is_valid=len(WRITTEN) == 3,
            note=f"{spread(warm)}, the first time {first:.0f}; of three years evenly, {all_of_it} with their indexes; "
            f"by a {plan} index of {size}",
            versions={"postgresql": database.one("SHOW server_version")},
        )


def _took(database: Database, query: str) -> float:
    began = time.perf_counter()
    database.sql(query)
    return 1000 * (time.perf_counter() - began)
