"""Rows B14 and W5: with volume, the polls' own statements and the seeds' query use the indexes made for them."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, Select, create_engine, event
from sqlalchemy.dialects.postgresql import psycopg2
from sqlalchemy.orm import Session

from favorites.dispatch import due, fallback
from favorites.scheduler import JOB, Ticker
from favorites.settings import Settings
from tests.scratch import Database, migrated_database
from tests.test_analytics import BY_FAVORITE_RIGHT, RESPONSE, TIMEOUTS_RIGHT

# A customer may have one open session request, so each open one has a customer of its own.
PEOPLE = """
INSERT INTO users (email, role, fs_uniquifier)
SELECT role || n || '@demo.test', role, role || n
  FROM (VALUES ('customer', 2000), ('mechanic', 200)) AS kind (role, many), generate_series(1, many) AS n;
INSERT INTO customers (user_id, first_name) SELECT id, fs_uniquifier FROM users WHERE role = 'customer';
INSERT INTO mechanics (user_id, first_name, status)
SELECT id, fs_uniquifier, 'approved' FROM users WHERE role = 'mechanic';
CREATE TABLE numbered_customers AS SELECT row_number() OVER () - 1 AS number, id FROM customers;
CREATE TABLE numbered_mechanics AS SELECT row_number() OVER () - 1 AS number, id FROM mechanics;
"""
INSERT = """
INSERT INTO session_requests (customer_id, session_type, plan_code, preferred_mechanic_id, status, created_at,
  priority_notified_at, fallback_broadcast_at, fallback_reason, expires_at, closed_at)
SELECT c.id, 'chat', 'chat10', CASE WHEN asked THEN m.id END, status, at, CASE WHEN asked THEN at END,
       CASE WHEN lapsed THEN at + interval '10 minutes' END, CASE WHEN lapsed THEN 'preferred_mechanic_no_response' END,
       ends, CASE WHEN status <> 'pending' THEN ends END
  FROM ({}) AS row (n, asked, lapsed, status, at, ends)
  JOIN numbered_customers c ON c.number = n %% 2000 JOIN numbered_mechanics m ON m.number = n / 2 %% 200
 ORDER BY at"""
# One a minute; every so many-th had a favorite, and half of those windows lapsed.
PAST = INSERT.format("""
SELECT n, n %% %s = 0, n %% 4 = 0, CASE n %% 4 WHEN 0 THEN 'expired' ELSE 'cancelled' END, at, at + interval '1 hour'
  FROM generate_series(1, %s) AS n, LATERAL (SELECT now() - interval '1 day' - n * interval '1 minute' AS at) AS t""")
# Those still open, from one number to another.
IN_WINDOW = INSERT.format("""
SELECT n, true, false, 'pending', now() - interval %s - n %% 200 * interval '1 second', NULL::timestamptz
  FROM generate_series(%s, %s) AS n""")
BROADCAST = INSERT.format("""
SELECT n, n %% 2 = 0, n %% 2 = 0, 'pending', now() - interval '12 minutes', now() + interval '1 hour'
  FROM generate_series(%s, %s) AS n""")
# Test 5 of the seeds, as written but for the id.
TEST_5 = """
EXPLAIN ANALYZE
SELECT *
FROM session_requests
WHERE preferred_mechanic_id = '{}'
  AND status = 'pending'
ORDER BY created_at DESC;
"""


def fill(database: Database, past: tuple[int, int], *open_ones: tuple[Any, ...]) -> None:
    """People, a past of (every how many-th with a favorite, rows), and the open ones: statements with their values."""
    database.sql(PEOPLE)
    database.sql("SET session_replication_role = replica")  # all ids are from these tables; 1.5 million look-ups less
    database.sql(PAST, *past)
    for statement, *values in open_ones:
        database.sql(statement, *values)
    database.sql("RESET session_replication_role")
    database.sql("ANALYZE")


@pytest.fixture(scope="module")
def volume() -> Iterator[Database]:
    """500,000 closed; pending: 100 due, 500 inside their window, 1,000 broadcast."""
    with migrated_database() as database:
        due, waiting = (IN_WINDOW, "11 minutes", 1, 100), (IN_WINDOW, "0 minutes", 101, 600)
        fill(database, (2, 500_000), due, waiting, (BROADCAST, 601, 1600))
        yield database


@pytest.fixture
def engine(volume: Database) -> Iterator[Engine]:
    engine = create_engine(volume.url.replace("postgresql:", "postgresql+psycopg2:"))
    yield engine
    engine.dispose()


@pytest.fixture
def plans(engine: Engine) -> Callable[[], list[str]]:
    """How PostgreSQL runs each statement of this engine about session requests, asked right before it runs."""
    seen: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def explain(connection: Any, _: Any, statement: str, parameters: Any, *__: Any) -> None:
        if re.search(r"\bsession_requests\b", statement) and not statement.startswith("INSERT"):
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {statement}", parameters)
                seen.append("\n".join(line for (line,) in cursor.fetchall()))

    return lambda: seen


def explained(database: Database, statement: str) -> str:
    """The plan, a line each node."""
    return "\n".join(line for (line,) in database.sql(statement))


def test_b14_the_polls_own_statement_uses_the_timeout_index(volume: Database) -> None:
    written = due.windows().compile(dialect=psycopg2.dialect(), compile_kwargs={"literal_binds": True})
    plan = explained(volume, f"EXPLAIN {written}")
    assert "session_requests_priority_timeout_idx" in plan
    assert "Seq Scan" not in plan
    # The least window bounds the scan, so that it is no walk over all that is pending.
    assert re.search(r"Index Cond: .*priority_notified_at <= \(now\(\) - '00:01:00'::interval\)", plan)


def test_b14_no_statement_of_a_sweep_reads_the_history(engine: Engine, plans: Callable[[], list[str]]) -> None:
    with Session(engine) as session:
        assert fallback.sweep(session)[:2] == (100, 0)
    lapsed, head_starts, expired, *alarms, what_comes_next = plans()
    assert len(alarms) > 1  # nobody is on shift, so the owner is told of all that are open, batch by batch
    for plan in (lapsed, head_starts, expired, *alarms, what_comes_next):
        assert "Seq Scan on session_requests" not in plan
    assert "session_requests_priority_timeout_idx" in lapsed
    assert "session_requests_head_start_idx" in head_starts


@pytest.mark.parametrize("which", [due.expiries, due.unattended])
def test_b14_nor_would_it_where_sorting_seemed_dear(
    engine: Engine, plans: Callable[[], list[str]], which: Callable[[], Select[UUID]]
) -> None:
    with Session(engine) as session:
        session.connection().connection.cursor().execute("SET LOCAL enable_sort = off")
        session.execute(which())
    (plan,) = plans()
    assert "session_requests_pkey" not in plan  # the whole table in the order of its ids


def test_b14_the_job_is_an_apscheduler_job_with_an_interval_of_one_minute() -> None:
    ticker = Ticker(Settings.model_fields["poll_seconds"].default)
    job = ticker._scheduler.get_job(JOB)
    assert type(job.trigger).__name__ == "IntervalTrigger"
    assert job.trigger.interval == timedelta(minutes=1)


def test_w3_the_corrected_figures_of_a_month_do_not_read_the_years_before(volume: Database) -> None:
    volume.sql("SELECT brin_summarize_new_values('session_requests_offered_at_idx')")  # as autovacuum does
    plans = [explained(volume, f"EXPLAIN {query}") for query in (BY_FAVORITE_RIGHT, TIMEOUTS_RIGHT, RESPONSE)]
    assert all("session_requests_offered_at_idx" in plan for plan in plans[:2])
    assert all("Seq Scan on session_requests" not in plan for plan in plans)  # nobody has accepted: that index is best


def test_w5_the_seeds_query_uses_an_index_of_the_mechanic() -> None:
    """100,000 rows spread over 200 mechanics, 50 pending."""
    with migrated_database() as database:
        fill(database, (1, 99_950), (IN_WINDOW, "0 minutes", 1, 50))
        many = "SELECT count(*) AS requests, count(DISTINCT preferred_mechanic_id) AS mechanics FROM session_requests"
        assert database.one(many) == (100_000, 200)
        mechanic_id = database.one(
            "SELECT preferred_mechanic_id FROM session_requests WHERE status = 'pending' LIMIT 1"
        )
        plan = explained(database, TEST_5.format(mechanic_id))
        assert re.search(r"session_requests_(preferred_mechanic|priority_analytics)_idx", plan), plan
        assert "Seq Scan" not in plan
        assert "actual" in plan
