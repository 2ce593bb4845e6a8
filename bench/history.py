"""A database of the product with a past, for what needs no server: the private PostgreSQL, durable, schema at head.

Rows are written by a few large statements: a million session requests take half a minute.
"""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import structlog
from psycopg2.sql import SQL, Identifier
from sqlalchemy import Engine, create_engine, event

from favorites import db, patience, postgres
from tests.server import ROOT

# A customer has one open session request, so each open one needs a customer of its own.
PEOPLE = """
INSERT INTO users (email, role, fs_uniquifier)
SELECT role || n || '@bench.test', role, role || n
  FROM (VALUES ('customer', %s), ('mechanic', %s)) AS kind (role, many), generate_series(1, many) AS n;
INSERT INTO customers (user_id, first_name) SELECT id, fs_uniquifier FROM users WHERE role = 'customer';
INSERT INTO mechanics (user_id, first_name, status)
SELECT id, fs_uniquifier, 'approved' FROM users WHERE role = 'mechanic';
CREATE TABLE numbered_customers AS SELECT row_number() OVER () - 1 AS number, id FROM customers;
CREATE TABLE numbered_mechanics AS SELECT row_number() OVER () - 1 AS number, id FROM mechanics
"""
# Oldest first, as they came: the heap is in the order of time. Of a hundred, 41 were offered to a favorite: of these 24
# were won, 2 declined, and 15 lapsed. In the end three of five were completed, the others cancelled or expired.
PAST = """
INSERT INTO session_requests (customer_id, session_type, plan_code, routing_type, preferred_mechanic_id, mechanic_id,
  status, created_at, priority_notified_at, delivered_at, accepted_at, declined_at, fallback_broadcast_at,
  fallback_reason, expires_at, closed_at)
SELECT c.id, 'chat', 'chat10', CASE WHEN asked THEN 'priority_broadcast' ELSE 'broadcast' END,
       CASE WHEN asked THEN m.id END, CASE WHEN won THEN m.id WHEN status = 'completed' THEN other.id END, status,
       at, CASE WHEN asked THEN at END, CASE WHEN asked THEN at + interval '2 seconds' END,
       CASE WHEN won THEN at + sort * interval '20 seconds'
            WHEN status = 'completed' THEN at + interval '11 minutes' END,
       CASE WHEN declined THEN fell_at END, CASE WHEN fell THEN fell_at END,
       CASE WHEN declined THEN 'preferred_mechanic_declined' WHEN fell THEN 'preferred_mechanic_no_response' END,
       CASE WHEN NOT won THEN at + interval '25 minutes' END, at + interval '1 hour'
  FROM generate_series(1, %(rows)s) AS n,
       LATERAL (SELECT n * 37 %% 100 AS sort, now() - interval '1 hour'
                       - %(days)s * interval '1 day' * (1 - n / %(rows)s::float8) AS at) AS told,
       LATERAL (SELECT sort < 41 AS asked, sort < 24 AS won, sort IN (24, 25) AS declined,
                       sort BETWEEN 24 AND 40 AS fell,
                       at + CASE WHEN sort IN (24, 25) THEN interval '2 minutes'
                                 ELSE interval '10 minutes' END AS fell_at,
                       CASE WHEN sort < 24 OR n * 61 %% 100 < 48 THEN 'completed'
                            WHEN n * 61 %% 100 < 74 THEN 'cancelled' ELSE 'expired' END AS status) AS story,
       numbered_customers c, numbered_mechanics m, numbered_mechanics other
 WHERE c.number = n %% (SELECT count(*) FROM numbered_customers)
   AND m.number = n / 7 %% (SELECT count(*) FROM numbered_mechanics)
   AND other.number = n / 11 %% (SELECT count(*) FROM numbered_mechanics)
 ORDER BY n
"""
# Open ones, a customer each, from number `begin` on; the windows are of ten minutes.
OFFERED = """
INSERT INTO session_requests (customer_id, session_type, plan_code, routing_type, preferred_mechanic_id,
  created_at, priority_notified_at)
SELECT c.id, 'chat', 'chat10', 'priority_broadcast', m.id, at, at
  FROM numbered_customers c
  JOIN numbered_mechanics m ON m.number = c.number %% (SELECT count(*) FROM numbered_mechanics),
       LATERAL (SELECT now() - %(ago)s::interval - c.number * interval '10 milliseconds' AS at) AS asked
 WHERE c.number >= %(begin)s AND c.number < %(begin)s + %(rows)s
"""
BROADCAST = """
INSERT INTO session_requests (customer_id, session_type, plan_code, routing_type, preferred_mechanic_id,
  created_at, priority_notified_at, fallback_broadcast_at, fallback_reason, expires_at)
SELECT c.id, 'chat', 'chat10', 'priority_broadcast', m.id, at, at, at + interval '10 minutes',
       'preferred_mechanic_no_response', now() + interval '1 hour'
  FROM numbered_customers c
  JOIN numbered_mechanics m ON m.number = c.number %% (SELECT count(*) FROM numbered_mechanics),
       LATERAL (SELECT now() - interval '11 minutes' - c.number * interval '10 milliseconds' AS at) AS asked
 WHERE c.number >= %(begin)s AND c.number < %(begin)s + %(rows)s
"""


class Database:
    """One database of the bench's cluster; statements are committed at once."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.open()

    def open(self) -> None:
        """Connects, again after `close`."""
        self._connection = psycopg2.connect(self.url, options="-c timezone=UTC")
        self._connection.autocommit = True

    def sql(self, statement: Any, *values: Any, **named: Any) -> list[Any]:
        """What one statement returns."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, named or values or None)
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: Any, *values: Any, **named: Any) -> Any:
        """The one value of a statement."""
        [(value,)] = self.sql(statement, *values, **named)
        return value

    def engine(self, options: str = "") -> Engine:
        """One connection as the product's; `options` are libpq's."""
        return engine(self.url, 1, options)

    def live(self, customers: int, mechanics: int) -> None:
        """People, and nothing that they have asked for."""
        self.sql(PEOPLE, customers, mechanics)

    def remember(self, rows: int, days: float) -> None:
        """So many closed session requests of the last so many days, evenly."""
        self.sql("SET session_replication_role = replica")  # every id is of these tables: no look-ups a row
        self.sql(PAST, rows=rows, days=days)
        self.sql("RESET session_replication_role")

    def waits(self, in_window: int, broadcast: int) -> None:
        """Instead of all that are open: so many inside their window, and so many broadcast and pending."""
        self.sql("DELETE FROM session_requests WHERE status IN ('pending', 'accepted')")
        self.sql("DELETE FROM request_events")
        self.sql(OFFERED, ago="1 minute", begin=0, rows=in_window)
        self.sql(BROADCAST, begin=in_window, rows=broadcast)

    def lapses(self, begin: int, rows: int) -> None:
        """So many more, of the customers from number `begin` on, whose window is over."""
        self.sql(OFFERED, ago="11 minutes", begin=begin, rows=rows)

    def settle(self) -> None:
        """What autovacuum would have done by now, and nothing is left to write."""
        self.sql("VACUUM ANALYZE")
        self.sql("CHECKPOINT")

    def another(self, name: str) -> "Database":
        """An empty one beside it, with the schema of this one."""
        self.sql(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
        return _at_head(self.url.replace("/book_again?", f"/{name}?"))

    def close(self) -> None:
        """Hangs up."""
        self._connection.close()


@contextmanager
def quiet() -> Iterator[None]:
    """The product tells its log of warnings only: a sweep has four lines a row."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.configure(**before)


@contextmanager
def cluster() -> Iterator[Database]:
    """A new private PostgreSQL, as the product makes it, that writes durably; leaves nothing behind.

    Autovacuum is off: it would come when it likes, into one round or another. The product's log is quiet meanwhile.
    """
    instance = Path(tempfile.mkdtemp(prefix="book-again-bench-"))
    try:
        database = _at_head(postgres.ensure(instance))
        database.sql("ALTER SYSTEM SET autovacuum = off")
        database.sql("SELECT pg_reload_conf()")
        with quiet():
            yield database
        database.close()
    finally:
        postgres.release(instance)
        shutil.rmtree(postgres.home_of(instance), ignore_errors=True)
        shutil.rmtree(instance, ignore_errors=True)


def engine(url: str, size: int, options: str = "") -> Engine:
    """At most `size` connections as the product's."""

    def connect() -> Any:
        return psycopg2.connect(
            url,
            options=f"{db.LIMITS} {options}",
            connection_factory=patience.Patient,
            cursor_factory=patience.PatientCursor,
        )

    return create_engine("postgresql+psycopg2://", creator=connect, pool_size=size, max_overflow=0)


def _at_head(url: str) -> Database:
    command = [sys.executable, "-m", "flask", "--app", "app", "db", "upgrade"]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"DATABASE_URL": url}, check=True, capture_output=True)
    return Database(url)


@contextmanager
def timed(engine: Engine) -> Iterator[dict[str, float]]:
    """Milliseconds by statement, of all that this engine sends inside the block; commits and Python are not in it."""
    spent: dict[str, float] = defaultdict(float)

    def begin(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        context.began = time.perf_counter()

    def end(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        spent[statement] += 1000 * (time.perf_counter() - context.began)

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    yield spent
    event.remove(engine, "before_cursor_execute", begin)
    event.remove(engine, "after_cursor_execute", end)
