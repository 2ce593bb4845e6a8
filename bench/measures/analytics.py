"""The figures of the last 30 days at a million session requests of three years: the owner's page, and the three queries
of docs/analytics.md."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bench.figures import Figure, figure, spread
from bench.history import Database, cluster, timed
from favorites.queries.analytics.behind import Wanted, behind
from favorites.queries.analytics.report import begin, report
from favorites.queries.analytics.span import Span
from tests.server import ROOT

ROWS, DAYS, ROUNDS = 1_000_000, 3 * 365, 7
ZONE = ZoneInfo("America/New_York")
WRITTEN = re.findall(r"Corrected:\n\n```sql\n(.*?)```", (ROOT / "docs" / "analytics.md").read_text(), re.S)
# What each session request was for; one in two was paid by credits.
BOOKED = """
INSERT INTO sessions (id, customer_id, plan_code, session_type, status, price_cents, currency, paid_by, created_at,
  closed_at)
SELECT session_id, customer_id, plan_code, session_type, CASE status WHEN 'completed' THEN status ELSE 'cancelled' END,
       999, 'USD', CASE WHEN random() < 0.5 THEN 'credits' ELSE 'payment' END, created_at, closed_at
  FROM session_requests WHERE closed_at IS NOT NULL
 ORDER BY created_at;
INSERT INTO credit_entries (customer_id, session_id, kind, credits, at)
SELECT customer_id, id, 'spend', -3, created_at FROM sessions WHERE paid_by = 'credits' ORDER BY created_at
"""


def measure() -> Iterator[Figure]:
    """The page, a list behind a number, and the three queries; each statement alone, without Python."""
    with cluster() as database:
        database.live(2_000, 200)
        database.sql("ALTER TABLE session_requests ALTER session_id SET DEFAULT gen_random_uuid()")
        database.remember(ROWS, DAYS)
        database.sql("ALTER TABLE session_requests ALTER session_id DROP DEFAULT")
        database.sql(f"SET session_replication_role = replica; {BOOKED}; RESET session_replication_role")
        database.waits(500, 1_000)
        database.settle()
        version = {"postgresql": database.one("SHOW server_version")}
        yield from _of_the_page(database.engine(), version)
        yield _of_the_document(database, version)


def _of_the_page(engine: Engine, version: dict[str, str]) -> Iterator[Figure]:
    span = Span.of_days(30, datetime.now(UTC), ZONE)
    first, *warm = [_page(engine, span) for _ in range(ROUNDS + 1)]
    sums = [sum(spent.values()) for spent in warm]
    with Session(engine) as session:
        offers = report(session, span).all.count("offers")
    yield figure(
        f"the analytics page, all its SQL, last 30 days of {ROWS:,} session requests",
        median(sums),
        "ms",
        most=200,
        is_valid=offers > ROWS * 30 / DAYS * 0.4,
        note=f"{spread(sums)}, the first time {sum(first.values()):.0f}; {len(first)} statements, {offers:,} offers",
        versions=version,
    )
    lists = [_list(engine, span) for _ in range(ROUNDS)]
    yield figure("the list behind one of its numbers", median(lists), "ms", note=spread(lists), versions=version)


def _page(engine: Engine, span: Span) -> dict[str, float]:
    with timed(engine) as spent, Session(engine) as session:
        begin(session)
        report(session, span)
    return dict(spent)


def _list(engine: Engine, span: Span) -> float:
    with timed(engine) as spent, Session(engine) as session:
        begin(session)
        behind(session, span, Wanted("won"))
    return sum(spent.values())


def _of_the_document(database: Database, version: dict[str, str]) -> Figure:
    first, *warm = [sum(_took(database, query) for query in WRITTEN) for _ in range(ROUNDS + 1)]
    [(plan, size)] = database.sql(
        "SELECT amname, pg_size_pretty(pg_relation_size(i.oid)) FROM pg_class i JOIN pg_am a ON a.oid = i.relam"
        " WHERE relname = 'session_requests_offered_at_idx'"
    )
    all_of_it = database.one("SELECT pg_size_pretty(pg_total_relation_size('session_requests'))")
    return figure(
        f"the {len(WRITTEN)} corrected analytics queries, last 30 days of {ROWS:,} session requests",
        median(warm),
        "ms",
        most=200,
        is_valid=len(WRITTEN) == 3,
        note=f"{spread(warm)}, the first time {first:.0f}; of three years evenly, {all_of_it} with their indexes; "
        f"by a {plan} index of {size}",
        versions=version,
    )


def _took(database: Database, query: str) -> float:
    began = time.perf_counter()
    database.sql(query)
    return 1000 * (time.perf_counter() - began)
