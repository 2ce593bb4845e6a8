"""Row D3: a mechanic deleted by SQL, and what that means for who waits for them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg2.errors
import pytest
from sqlalchemy.orm import Session

from favorites.dispatch import answers
from favorites.dispatch.actors import Actor
from tests.cast import Customer, Mechanic
from tests.database import one, sql, until_waiting

SPARE = 5.0  # seconds
DELETE = "DELETE FROM mechanics WHERE id = %s"
TOLD = "SELECT kind, audience, actor, payload FROM request_events WHERE session_request_id = %s ORDER BY id"
EVENT = """INSERT INTO request_events (session_request_id, kind, audience, actor)
           VALUES (gen_random_uuid(), 'new_request', 'record', %s)"""


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
    pool: ThreadPoolExecutor, connect: Any, session: Session, ana: Customer, marco: Mechanic
) -> None:
    request_id = asks_first(ana, marco)
    deleting = connect()
    deleting.cursor().execute(DELETE, (marco.id,))
    cancelling = pool.submit(answers.cancel, session, request_id, Actor.customer(ana.id))
    until_waiting()
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
    pool: ThreadPoolExecutor, connect: Any, ana: Customer, ben: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    first, second = asks_first(ana, marco), asks_first(ben, nadia)
    deleting, cancelling = connect(), connect()
    deleting.cursor().execute(DELETE, (marco.id,))
    cancelling.cursor().execute(
        "UPDATE session_requests SET status = 'cancelled', closed_at = clock_timestamp() WHERE id = %s", (second,)
    )
    rest = pool.submit(deleting.cursor().execute, DELETE, (nadia.id,))
    until_waiting(deleting)
    # Were the events of the first deletion written by now, this would wait for their lock, and they for this row.
    cancelling.cursor().execute("SET lock_timeout = '1s'")
    cancelling.cursor().execute(EVENT, ("system",))
    cancelling.commit()
    rest.result(SPARE)
    deleting.commit()
    assert len(sql(TOLD, first)) == 2
    assert sql(TOLD, second) == []
