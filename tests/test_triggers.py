"""What the database does by itself, for psql as for the application: row D3 (a mechanic deleted in a window), events
in commit order with one hint a statement, and sign-ins that end."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg2
import psycopg2.extensions
import pytest
from sqlalchemy.orm import Session

from favorites.dispatch import answers
from favorites.dispatch.actors import Actor
from tests.cast import Customer, Mechanic, Owner, Person
from tests.conftest import URL
from tests.database import one, sql

SPARE = 5.0  # seconds
DELETE = "DELETE FROM mechanics WHERE id = %s"
EVENT = """INSERT INTO request_events (session_request_id, kind, audience, actor)
           VALUES (gen_random_uuid(), 'new_request', 'record', %s)"""
TOLD = "SELECT kind, audience, actor, payload FROM request_events WHERE session_request_id = %s ORDER BY id"


@pytest.fixture
def connect() -> Iterator[Any]:
    """Opens connections whose transactions the test ends itself."""
    connections: list[psycopg2.extensions.connection] = []

    def open_one() -> psycopg2.extensions.connection:
        connections.append(psycopg2.connect(URL))
        return connections[-1]

    yield open_one
    for connection in connections:
        connection.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def asks_first(customer: Customer, mechanic: Mechanic, minutes_ago: int = 1) -> UUID:
    """A session request in its window, as fulfillment leaves it."""
    return one(
        """INSERT INTO session_requests (customer_id, customer_name, session_type, plan_code, routing_type,
             preferred_mechanic_id, created_at, priority_notified_at)
           SELECT %s, %s, 'chat', 'chat10', 'priority_broadcast', %s, at, at
             FROM (SELECT clock_timestamp() - make_interval(mins => %s) AS at) AS asked RETURNING id""",
        customer.id,
        customer.name,
        mechanic.id,
        minutes_ago,
    )


def waits_for_a_lock(connection: psycopg2.extensions.connection) -> None:
    """Returns once that connection's statement waits for somebody."""
    _until_waiting("pid = %s", connection.info.backend_pid)


def _until_waiting(which: str, *values: Any) -> None:
    deadline = time.monotonic() + SPARE
    while not one(f"SELECT count(*) FROM pg_locks WHERE NOT granted AND {which}", *values):
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.005)


def test_d3_deleting_the_mechanic_keeps_the_row_and_asks_everyone_in_the_same_commit(
    connect: Any, ana: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    request_id = asks_first(ana, marco)
    page = ana.listens_to(request_id)
    deleting = connect()
    deleting.cursor().execute(DELETE, (marco.id,))
    assert nadia.heard_nothing
    assert sql(TOLD, request_id) == []  # nothing before the commit
    deleting.commit()
    row = one("SELECT * FROM session_requests WHERE id = %s", request_id)
    assert (row.status, row.preferred_mechanic_id) == ("pending", None)
    assert row.fallback_reason == "preferred_mechanic_unavailable"
    assert row.priority_notified_at < row.fallback_broadcast_at < row.priority_expires_at
    assert [(told.kind, told.audience, told.actor) for told in sql(TOLD, request_id)] == [
        ("request_broadcast", "customer", "system"),
        ("new_request", "mechanics", None),
    ]
    assert nadia.hears("new_request", fallback_reason="preferred_mechanic_unavailable")
    assert page.until("request_broadcast", reason="preferred_mechanic_unavailable")
    assert nadia.accepts(request_id).status_code == 200


def test_d3_by_a_cascade_from_the_account_too(ana: Customer, marco: Mechanic, nadia: Mechanic) -> None:
    request_id = asks_first(ana, marco)
    sql("DELETE FROM users WHERE id = %s", marco.user_id)
    assert one("SELECT preferred_mechanic_id IS NULL FROM session_requests WHERE id = %s", request_id)
    assert nadia.hears("new_request", fallback_reason="preferred_mechanic_unavailable")


def test_d3_a_window_already_over_falls_back_as_lapsed(ana: Customer, marco: Mechanic, nadia: Mechanic) -> None:
    request_id = asks_first(ana, marco, minutes_ago=11)
    sql(DELETE, marco.id)
    assert one("SELECT fallback_reason FROM session_requests WHERE id = %s", request_id) == (
        "preferred_mechanic_no_response"
    )
    assert nadia.hears("new_request", fallback_reason="priority_timeout")


@pytest.mark.parametrize(
    "already",
    [
        "status = 'cancelled', closed_at = clock_timestamp()",
        "fallback_broadcast_at = clock_timestamp(), fallback_reason = 'customer_opened'",
        "priority_notified_at = NULL",
    ],
)
def test_d3_outside_a_window_the_row_is_kept_and_nobody_is_told(already: str, ana: Customer, marco: Mechanic) -> None:
    request_id = asks_first(ana, marco)
    sql(f"UPDATE session_requests SET {already} WHERE id = %s", request_id)
    sql(DELETE, marco.id)
    assert one("SELECT preferred_mechanic_id IS NULL FROM session_requests WHERE id = %s", request_id)
    assert sql(TOLD, request_id) == []


def test_d3_a_mechanic_on_a_job_cannot_be_deleted_from_under_the_customer(ana: Customer, marco: Mechanic) -> None:
    request_id = asks_first(ana, marco)
    assert marco.accepts(request_id).status_code == 200
    with pytest.raises(psycopg2.errors.CheckViolation, match="accepted_has_a_mechanic"):
        sql(DELETE, marco.id)


def test_d3_a_cancel_that_waits_for_the_deletion_wins_the_row_afterwards(
    connect: Any, pool: ThreadPoolExecutor, session: Session, ana: Customer, marco: Mechanic
) -> None:
    request_id = asks_first(ana, marco)
    deleting = connect()
    deleting.cursor().execute(DELETE, (marco.id,))
    cancelling = pool.submit(answers.cancel, session, request_id, Actor.customer(ana.id))
    _until_waiting("locktype IN ('transactionid', 'tuple')")
    deleting.commit()
    cancelling.result(SPARE)
    assert one("SELECT status FROM session_requests WHERE id = %s", request_id) == "cancelled"
    assert [told.kind for told in sql(TOLD, request_id)] == [
        "request_broadcast",
        "new_request",
        "request_cancelled",
        "request_cancelled",
    ]


def test_d3_a_deletion_of_two_does_not_deadlock_with_a_cancel_between_them(
    connect: Any, pool: ThreadPoolExecutor, ana: Customer, ben: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    first, second = asks_first(ana, marco), asks_first(ben, nadia)
    deleting, cancelling = connect(), connect()
    deleting.cursor().execute(DELETE, (marco.id,))
    cancelling.cursor().execute(
        "UPDATE session_requests SET status = 'cancelled', closed_at = clock_timestamp() WHERE id = %s", (second,)
    )
    rest = pool.submit(deleting.cursor().execute, DELETE, (nadia.id,))
    waits_for_a_lock(deleting)
    # Were the events of the first deletion written by now, this would wait for their lock, and they for this row.
    cancelling.cursor().execute("SET lock_timeout = '1s'")
    cancelling.cursor().execute(EVENT, ("system",))
    cancelling.commit()
    rest.result(SPARE)
    deleting.commit()
    assert len(sql(TOLD, first)) == 2
    assert sql(TOLD, second) == []


def test_events_get_their_ids_in_the_order_of_the_commits(connect: Any, pool: ThreadPoolExecutor) -> None:
    """The writer who drew first commits first: the second waits with its number, it cannot overtake."""
    slow, quick = connect(), connect()
    slow.cursor().execute(EVENT, ("slow",))
    begun = pool.submit(quick.cursor().execute, EVENT, ("quick",))
    waits_for_a_lock(quick)
    assert sql("SELECT 1 FROM request_events WHERE actor IN ('slow', 'quick')") == []
    slow.commit()
    begun.result(SPARE)
    quick.commit()
    assert [row.actor for row in sql("SELECT actor FROM request_events ORDER BY id DESC LIMIT 2")] == ["quick", "slow"]


def test_events_a_transaction_begun_earlier_and_ended_later_has_the_greater_id(connect: Any) -> None:
    early, late = connect(), connect()
    early.cursor().execute("SELECT pg_current_xact_id()")
    late.cursor().execute(EVENT, ("late",))
    late.commit()
    early.cursor().execute(EVENT, ("early",))
    early.commit()
    newest = sql("SELECT actor, at FROM request_events ORDER BY id DESC LIMIT 2")
    assert [row.actor for row in newest] == ["early", "late"]
    assert newest[0].at > newest[1].at


def test_events_of_many_writers_are_seen_without_a_gap(connect: Any, pool: ThreadPoolExecutor) -> None:
    """Who reads `id > last` sees every row: 4 writers, 400 events, none lost."""
    last = one("SELECT coalesce(max(id), 0) FROM request_events")
    done, seen = threading.Event(), []

    def write() -> None:
        connection = connect()
        for _ in range(100):
            connection.cursor().execute(EVENT, ("writer",))
            connection.commit()

    def read() -> None:
        after, cursor = last, connect().cursor()
        while not (done.is_set() and len(seen) == 400):
            ended = done.is_set()
            cursor.connection.rollback()
            cursor.execute("SELECT id FROM request_events WHERE id > %s ORDER BY id", (after,))
            seen.extend(row[0] for row in cursor.fetchall())
            after = seen[-1] if seen else after
            if ended:
                return

    reading = pool.submit(read)
    for writing in [pool.submit(write) for _ in range(4)]:
        writing.result(60)
    done.set()
    reading.result(SPARE)
    assert len(seen) == 400


def test_events_are_hinted_at_once_a_statement(connect: Any) -> None:
    listening = connect()
    listening.autocommit = True
    listening.cursor().execute("LISTEN request_events")
    three = EVENT.replace("VALUES (", "SELECT ").replace("%s)", "%s FROM generate_series(1, 3)")
    sql(three, "system")
    sql(EVENT, "system")
    listening.cursor().execute("SELECT 1")
    listening.poll()
    # PostgreSQL folds equal hints of one transaction; here are two transactions of one statement each.
    assert [(hint.channel, hint.payload) for hint in listening.notifies] == [("request_events", "")] * 2


def test_events_have_one_statement_trigger_for_the_hint_not_one_a_row() -> None:
    assert one("SELECT tgtype & 1 FROM pg_trigger WHERE tgname = 'request_events_hint'") == 0


@pytest.mark.parametrize(
    "change",
    ["password = 'other'", "password = NULL", "role = 'customer'", "active = false", "fs_uniquifier = 'other'"],
)
def test_sign_ins_end_with_a_changed_password_role_key_or_account(change: str, marco: Mechanic, ana: Customer) -> None:
    assert _open_sign_ins(marco) == 1
    sql(f"UPDATE users SET {change} WHERE id = %s", marco.user_id)
    assert (_open_sign_ins(marco), _open_sign_ins(ana)) == (0, 1)
    assert marco.client.get("/mechanic/events").status_code in (303, 401)


@pytest.mark.parametrize("change", ["active = true", "time_zone = 'Europe/Vienna'", "confirmed_at = NULL"])
def test_sign_ins_outlive_what_is_no_matter_of_theirs(change: str, marco: Mechanic) -> None:
    sql(f"UPDATE users SET {change} WHERE id = %s", marco.user_id)
    assert _open_sign_ins(marco) == 1


@pytest.mark.parametrize("status", ["suspended", "refused", "pending"])
def test_sign_ins_of_a_mechanic_end_with_the_approval(status: str, marco: Mechanic, nadia: Mechanic) -> None:
    sql("UPDATE mechanics SET status = %s WHERE id = %s", status, marco.id)
    assert (_open_sign_ins(marco), _open_sign_ins(nadia)) == (0, 1)
    assert marco.board
    marco.board.until_closed()


def test_sign_ins_stay_when_a_mechanic_is_approved_or_renamed(zed: Mechanic, olga: Owner) -> None:
    sql("UPDATE mechanics SET status = 'approved', about = 'Brakes' WHERE id = %s", zed.id)
    assert (_open_sign_ins(zed), _open_sign_ins(olga)) == (1, 1)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sign_ins SET ended_at = clock_timestamp() WHERE user_id = %s",
        "DELETE FROM sign_ins WHERE user_id = %s",
        "UPDATE mechanics SET status = 'suspended' WHERE user_id = %s",
        "UPDATE mechanics SET workshop_id = (SELECT id FROM workshops) WHERE user_id = %s",
    ],
)
def test_control_is_hinted_when_somebody_may_hear_less(connect: Any, change: str, marco: Mechanic) -> None:
    sql("INSERT INTO workshops (slug, name) VALUES ('harbor-garage', 'Harbor Garage')")
    listening = connect()
    listening.autocommit = True
    listening.cursor().execute("LISTEN control")
    sql(change, marco.user_id)
    listening.cursor().execute("SELECT 1")
    listening.poll()
    assert {hint.channel for hint in listening.notifies} == {"control"}


def _open_sign_ins(person: Person) -> int:
    return one("SELECT count(*) FROM sign_ins WHERE user_id = %s AND ended_at IS NULL", person.user_id)
