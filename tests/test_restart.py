"""Row B12: a restart, or kill -9 of everything, inside the window; the fallback still happens."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from tests.scratch import Database, migrated_database
from tests.server import Server, until


@pytest.fixture
def database() -> Iterator[Database]:
    with migrated_database() as database:
        yield database


@pytest.fixture
def request_id(database: Database) -> UUID:
    """A session request in its window."""
    database.sql(
        """INSERT INTO users (email, role, fs_uniquifier) VALUES ('ana@demo.test', 'customer', 'a');
           INSERT INTO users (email, role, fs_uniquifier) VALUES ('marco@demo.test', 'mechanic', 'm');
           INSERT INTO customers (user_id, first_name) SELECT id, 'Ana' FROM users WHERE role = 'customer';
           INSERT INTO mechanics (user_id, first_name, status)
           SELECT id, 'Marco', 'approved' FROM users WHERE role = 'mechanic'"""
    )
    return database.one(
        """INSERT INTO session_requests (customer_id, session_type, plan_code, status, customer_name,
                                         preferred_mechanic_id, priority_notified_at, routing_type)
           SELECT customers.id, 'chat', 'chat10', 'pending', 'Ana',
                  mechanics.id, clock_timestamp(), 'priority_broadcast'
           FROM customers, mechanics RETURNING id"""
    )


def killed(server: Server) -> None:
    """kill -9 of the arbiter and its worker."""
    family = [psutil.Process(server.process.pid), *server.workers()]
    for process in family:
        os.kill(process.pid, signal.SIGKILL)
    server.process.wait(30)
    psutil.wait_procs(family, 30)


def restarted(server: Server) -> None:
    """An ordinary stop."""
    server.end(signal.SIGTERM)


@pytest.mark.parametrize("ended", [killed, restarted])
def test_b12_after_the_end_of_every_process_inside_the_window_the_fallback_still_happens(
    database, request_id, ended, tmp_path: Path
):
    announced = "SELECT fallback_broadcast_at IS NOT NULL FROM session_requests WHERE id = %s"
    with Server(tmp_path / "instance", DATABASE_URL=database.url) as server:
        server.ready()
        ended(server)
    assert not database.one(announced, request_id)
    database.sql("UPDATE session_requests SET priority_notified_at = priority_notified_at - interval '10 minutes'")
    with Server(tmp_path / "instance", DATABASE_URL=database.url) as server:
        server.ready()
        until(lambda: database.one(announced, request_id), "everyone is asked", 10)
    kinds = database.sql(
        "SELECT kind, audience FROM request_events WHERE session_request_id = %s AND audience <> 'record' ORDER BY id",
        request_id,
    )
    assert [tuple(kind) for kind in kinds] == [("request_broadcast", "customer"), ("new_request", "mechanics")]
