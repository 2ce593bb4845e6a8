"""Rows W3, W4, W9: every query of `docs/analytics.md`, as asked for and corrected, on rows whose story is known."""

import re
from typing import Any
from uuid import UUID

import psycopg2.errors
import pytest

from tests.cast import Customer, Mechanic
from tests.database import fast_forward, one, sql
from tests.requests_table import row
from tests.scratch import ROOT

QUERIES = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "analytics.md").read_text(encoding="utf-8"), re.S)
BY_FAVORITE, BY_FAVORITE_RIGHT, DELAY, RESPONSE, TIMEOUTS, TIMEOUTS_RIGHT, *MORE = QUERIES
REASONS, DELAYS, EXPIRY, PAIRS, DEBUG_1, DEBUG_2, STEPS = MORE

AFTER_PHASE_4 = """
SELECT *
FROM session_requests
WHERE preferred_mechanic_id = '<uuid>'
  AND priority_notified_at IS NOT NULL;
"""


@pytest.fixture
def asked(flag_on: None, ana: Customer, marco: Mechanic) -> UUID:
    """Ana has booked Marco again."""
    ana.favors(marco)
    return ana.books_again(marco)


# Marco was asked first each time, by another customer: minutes ago, window, and how it went on; minutes from then.
LAPSED = "fallback_broadcast_at = at(10), fallback_reason = 'preferred_mechanic_no_response'"
DECLINED = "declined_at = at(1), fallback_broadcast_at = at(1), fallback_reason = 'preferred_mechanic_declined'"
FAILED = "priority_notified_at = NULL, fallback_broadcast_at = at(0), fallback_reason = 'error'"
HISTORY = (
    (60, 10, "status = 'completed', mechanic_id = marco, accepted_at = at(2), closed_at = at(40)"),
    (50, 10, "status = 'accepted', mechanic_id = marco, accepted_at = at(4)"),
    (60, 10, f"status = 'completed', mechanic_id = nadia, accepted_at = at(11), closed_at = at(50), {LAPSED}"),
    (45, 10, f"status = 'accepted', mechanic_id = nadia, accepted_at = at(12), {LAPSED}"),
    (60, 10, f"status = 'expired', closed_at = at(25), {LAPSED}"),
    (12, 10, LAPSED),
    (15, 30, "status = 'pending'"),
    (30, 10, f"status = 'completed', mechanic_id = nadia, accepted_at = at(2), closed_at = at(20), {DECLINED}"),
    (30, 10, f"status = 'expired', closed_at = at(15), {FAILED}"),
)


@pytest.fixture
def history(marco: Mechanic, nadia: Mechanic) -> None:
    """The rows of HISTORY."""
    for number, (ago, window, how) in enumerate(HISTORY):
        request_id = _offer(f"c{number}", marco, ago, window)
        how = how.replace("marco", f"'{marco.id}'").replace("nadia", f"'{nadia.id}'")
        how = re.sub(r"at\((\d+)\)", r"created_at + interval '\1 minutes'", how)
        sql(f"UPDATE session_requests SET {how} WHERE id = %s", request_id)


def _offer(name: str, mechanic: Mechanic, ago: int, window: int) -> UUID:
    return one(
        """WITH account AS (INSERT INTO users (email, role, fs_uniquifier) VALUES (%s, 'customer', %s) RETURNING id),
             customer AS (INSERT INTO customers (user_id, first_name) SELECT id, 'Customer' FROM account RETURNING id)
           INSERT INTO session_requests (customer_id, session_type, plan_code, routing_type, preferred_mechanic_id,
             priority_window_minutes, created_at, priority_notified_at)
           SELECT id, 'chat', 'chat10', 'priority_broadcast', %s, %s, asked_at, asked_at
             FROM customer, (SELECT now() - make_interval(mins => %s) AS asked_at) AS asked RETURNING id""",
        f"{name}@demo.test",
        name,
        mechanic.id,
        window,
        ago,
    )


def test_w3_requests_by_favorite_as_written_and_corrected(history: None, nadia: Mechanic) -> None:
    # As written: Nadia's open job counts as a success of Marco's, his finished one does not.
    assert sql(BY_FAVORITE) == [("Marco Rossi", 9, 2, 2)]
    assert sql(BY_FAVORITE_RIGHT) == [("Marco Rossi", 8, 2, 3, 1)]


def test_w3_the_corrected_form_keeps_the_offers_of_a_deleted_mechanic(history: None, marco: Mechanic) -> None:
    sql("UPDATE session_requests SET status = 'completed', closed_at = now() WHERE status = 'accepted'")
    sql("DELETE FROM mechanics WHERE id = %s", marco.id)
    assert sql(BY_FAVORITE) == []
    assert [(found.mechanic_name, found.offers) for found in sql(BY_FAVORITE_RIGHT)] == [("former mechanic", 8)]


def test_w3_notification_delay_as_written_and_response_time(history: None) -> None:
    assert one(DELAY) == (0, 0, 0)
    found = one(RESPONSE)
    assert (found.won, found.avg_response_seconds, found.median_response_seconds) == (2, 180, 180)
    assert found.p95_response_seconds == pytest.approx(234)


def test_w3_timeout_rate_as_written_and_corrected(history: None) -> None:
    # As written: the one still pending, and the one inside its window of thirty minutes, of nine rows with a favorite.
    found = one(TIMEOUTS)
    assert found.priority_timeout_count == 2
    assert float(found.timeout_percentage) == pytest.approx(100 * 2 / 9)
    right = one(TIMEOUTS_RIGHT)
    assert (right.decided, right.priority_timeout_count) == (7, 4)
    assert float(right.timeout_percentage) == pytest.approx(100 * 4 / 7)
    assert float(right.fallback_percentage) == pytest.approx(100 * 5 / 7)


def test_the_other_figures_of_the_owners_page(history: None) -> None:
    assert [(found.reason, found.offers, found.minutes_waited) for found in sql(REASONS)] == [
        ("preferred_mechanic_declined", 1, 1),
        ("preferred_mechanic_no_response", 4, 40),
        (None, 2, None),
    ]
    assert one(DELAYS) == (7, 0, 0, None)
    assert [tuple(found)[:3] for found in sql(EXPIRY)] == [(False, 1, 1), (True, 6, 1)]
    assert [tuple(found) for found in sql(PAIRS)] == [("Customer", "Marco", 1, 0, 0, 0)]


def test_w3_without_a_favorite_the_corrected_forms_have_no_rate_to_tell() -> None:
    assert sql(BY_FAVORITE) == sql(BY_FAVORITE_RIGHT) == []
    assert one(DELAY) == (None, None, None)
    assert one(RESPONSE) == (0, None, None, None)
    assert one(TIMEOUTS_RIGHT) == (0, 0, None, None)
    with pytest.raises(psycopg2.errors.DivisionByZero):
        sql(TIMEOUTS)


def test_w3_a_lapse_that_nobody_has_announced_yet_counts_by_the_clock(
    asked: UUID, ana: Customer, marco: Mechanic
) -> None:
    assert one(TIMEOUTS_RIGHT).decided == 0
    fast_forward(minutes=10)
    assert one(TIMEOUTS_RIGHT) == (1, 1, 100, 0)


def test_w4_no_priority_fact_needs_a_json_operator(asked: UUID, marco: Mechanic) -> None:
    assert [found.id for found in sql(AFTER_PHASE_4.replace("<uuid>", str(marco.id)))] == [asked]
    assert (
        one(
            """SELECT count(*) FROM information_schema.columns
            WHERE table_name = 'session_requests' AND data_type IN ('json', 'jsonb')"""
        )
        == 0
    )
    for query in QUERIES:
        assert not re.search(r"->|#>|@>|jsonb?_", query)


def test_w6_every_row_has_its_own_window(history: None, sweep: Any) -> None:
    sql("UPDATE session_requests SET fallback_broadcast_at = NULL, fallback_reason = NULL WHERE status = 'pending'")
    assert sweep().lapsed == 1  # twelve of ten minutes; fifteen of thirty stays
    still_waiting = "fallback_broadcast_at IS NULL AND status = 'pending'"
    assert one(f"SELECT priority_window_minutes FROM session_requests WHERE {still_waiting}") == 30


def test_w9_the_two_debug_queries_answer_in_columns(asked: UUID, ana: Customer, marco: Mechanic) -> None:
    stored = row(asked)
    window = (marco.id, "priority_broadcast", stored.priority_notified_at, None)
    assert sql(DEBUG_1.replace("<CUSTOMER_ID>", str(ana.id))) == [(stored.session_id, ana.id, "ready", *window)]
    found = one(DEBUG_2.replace("<CUSTOMER_ID>", str(ana.id)))
    assert (found.id, found.status, found.mechanic_id) == (asked, "pending", None)
    assert (found.preferred_mechanic_id, found.fallback_reason) == (marco.id, None)
    assert found.priority_expires_at == stored.priority_expires_at


def test_w8_the_documented_query_tells_the_steps(asked: UUID, ana: Customer) -> None:
    steps = sql(STEPS.replace("<SESSION_REQUEST_ID>", str(asked)))
    assert [step.kind for step in steps] == ["request_offered", "priority_session_request"]
    assert steps[0].actor == f"customer:{ana.id}"
