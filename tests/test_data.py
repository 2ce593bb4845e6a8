"""Rows W1 to W4, W6, W8, W9: what a booking leaves in the table, and what `docs/analytics.md` asks of it."""

import re
from typing import Any
from uuid import UUID

import psycopg2.errors
import pytest
from sqlalchemy.orm import Session

from favorites.dispatch import answers
from favorites.dispatch.actors import Actor
from favorites.settings import current
from tests.cast import Customer, Mechanic, Owner
from tests.database import fast_forward, one, sql
from tests.requests_table import row
from tests.scratch import ROOT

QUERIES = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "analytics.md").read_text(encoding="utf-8"), re.S)
BY_FAVORITE, BY_FAVORITE_RIGHT, DELAY, RESPONSE, TIMEOUTS, TIMEOUTS_RIGHT, DEBUG_1, DEBUG_2, STEPS = QUERIES

TEST_1 = """
SELECT
  id,
  customer_name,
  preferred_mechanic_id,
  priority_window_minutes,
  priority_notified_at,
  status,
  created_at
FROM session_requests
WHERE preferred_mechanic_id IS NOT NULL
ORDER BY created_at DESC
LIMIT 1;
"""
TEST_2 = """
SELECT
  preferred_mechanic_id,
  priority_notified_at,
  created_at,
  EXTRACT(EPOCH FROM (priority_notified_at - created_at)) AS notification_delay_seconds
FROM session_requests
WHERE preferred_mechanic_id IS NOT NULL
  AND priority_notified_at IS NOT NULL
ORDER BY created_at DESC
LIMIT 1;
"""
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


def test_w1_a_favorite_booking_fills_the_columns(asked: UUID, marco: Mechanic) -> None:
    found = one(TEST_1)
    assert found.id == asked
    assert (found.customer_name, found.preferred_mechanic_id) == ("Ana Castillo", marco.id)
    assert (found.priority_window_minutes, found.status) == (10, "pending")
    assert found.priority_notified_at is not None


def test_w2_the_preferred_mechanic_is_notified_within_a_second(asked: UUID, marco: Mechanic) -> None:
    found = one(TEST_2)
    assert found.preferred_mechanic_id == marco.id
    assert 0 <= found.notification_delay_seconds < 1


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


def test_w6_fifteen_minutes_mean_fifteen(
    flag_on: None, ana: Customer, marco: Mechanic, nadia: Mechanic, sweep: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana.favors(marco)
    with monkeypatch.context() as longer:
        longer.setattr(current(), "priority_window_minutes", 15)
        request_id = ana.books_again(marco)
    offer = marco.hears("priority_session_request")
    assert offer.data["priority_window_minutes"] == row(request_id).priority_window_minutes == 15
    assert "You have 15 minutes" in offer.data["message"]
    fast_forward(minutes=14, seconds=50)
    assert sweep().lapsed == 0
    assert nadia.heard_nothing
    assert nadia.accepts(request_id).status_code == 404
    fast_forward(seconds=10)
    assert sweep().lapsed == 1
    nadia.hears("new_request", fallback_reason="priority_timeout")
    stored = row(request_id)
    assert (stored.fallback_broadcast_at - stored.priority_notified_at).total_seconds() == pytest.approx(900, abs=2)


def test_w6_every_row_has_its_own_window(history: None, sweep: Any) -> None:
    sql("UPDATE session_requests SET fallback_broadcast_at = NULL, fallback_reason = NULL WHERE status = 'pending'")
    assert sweep().lapsed == 1  # twelve of ten minutes; fifteen of thirty stays
    still_waiting = "fallback_broadcast_at IS NULL AND status = 'pending'"
    assert one(f"SELECT priority_window_minutes FROM session_requests WHERE {still_waiting}") == 30


@pytest.fixture
def told() -> Any:
    """(what, who, rule, reason) of each transition of a session request: its first row."""

    def steps(request_id: UUID) -> list[tuple[str, str, str, str | None]]:
        rows = sql(STEPS.replace("<SESSION_REQUEST_ID>", str(request_id)))
        assert [step.at for step in rows] == sorted(step.at for step in rows)
        return [
            (step.kind, step.actor, step.payload["rule"], step.payload.get("reason")) for step in rows if step.actor
        ]

    return steps


def test_w8_who_when_and_outcome_of_a_story_with_many_turns(
    asked: UUID, told: Any, ana: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    before = one("SELECT clock_timestamp()")
    for answer in (
        marco.declines(asked),
        nadia.accepts(asked),
        nadia.does(asked, "release"),
        ana.does(asked, "cancel"),
    ):
        assert answer.status_code == 200, answer.text
    assert told(asked) == [
        ("request_offered", f"customer:{ana.id}", "priority", None),
        ("request_declined", f"mechanic:{marco.id}", "decline", "preferred_mechanic_declined"),
        ("request_accepted", f"mechanic:{nadia.id}", "accept", None),
        ("request_withdrawn", f"mechanic:{nadia.id}", "release", "released"),
        ("request_cancelled", f"customer:{ana.id}", "cancel", None),
    ]
    times = one("SELECT min(at), max(at), clock_timestamp() FROM request_events WHERE session_request_id = %s", asked)
    assert times[0] < before < times[1] < times[2]


def test_w8_of_a_lapse_and_a_consultation(
    asked: UUID, told: Any, ana: Customer, marco: Mechanic, nadia: Mechanic, sweep: Any
) -> None:
    fast_forward(minutes=10)
    sweep()
    for verb in ("accept", "start", "complete"):
        assert nadia.does(asked, verb).status_code == 200
    assert told(asked)[1:] == [
        ("request_broadcast", "system", "lapse", "preferred_mechanic_no_response"),
        ("request_accepted", f"mechanic:{nadia.id}", "accept", None),
        ("request_started", f"mechanic:{nadia.id}", "started", None),
        ("request_completed", f"mechanic:{nadia.id}", "completed", None),
    ]


def test_w8_of_a_broadcast_that_nobody_took(ana: Customer, told: Any, sweep: Any) -> None:
    request_id = ana.books()
    fast_forward(minutes=15)
    sweep()
    assert told(request_id) == [
        ("request_broadcast", f"customer:{ana.id}", "routing", "no_preference"),
        ("request_expired", "system", "expiry", None),
    ]


def test_w8_of_what_the_owner_does(asked: UUID, told: Any, olga: Owner, session: Session) -> None:
    owner = Actor.admin(olga.user_id)
    answers.open_to_everyone(session, asked, owner)
    answers.cancel(session, asked, owner)
    assert told(asked)[1:] == [
        ("request_broadcast", str(owner), "fallback", "customer_opened"),
        ("request_cancelled", str(owner), "cancel", None),
    ]


def test_w8_a_deletion_by_sql_is_written_down_too(asked: UUID, told: Any, marco: Mechanic) -> None:
    sql("DELETE FROM mechanics WHERE id = %s", marco.id)
    assert told(asked)[1:] == [("request_broadcast", "system", "fallback", "preferred_mechanic_unavailable")]


def test_w9_the_priority_facts_stand_in_columns(asked: UUID, marco: Mechanic, sweep: Any) -> None:
    stored = row(asked)
    assert (stored.preferred_mechanic_id, stored.priority_window_minutes) == (marco.id, 10)
    assert stored.priority_notified_at is not None
    assert (stored.fallback_broadcast_at, stored.fallback_reason) == (None, None)
    fast_forward(minutes=10)
    sweep()
    lapsed = row(asked)
    assert lapsed.fallback_reason == "preferred_mechanic_no_response"
    assert lapsed.fallback_broadcast_at >= lapsed.priority_expires_at
    assert (lapsed.preferred_mechanic_id, lapsed.priority_window_minutes) == (marco.id, 10)


def test_w9_the_two_debug_queries_answer_in_columns(asked: UUID, ana: Customer, marco: Mechanic) -> None:
    stored = row(asked)
    window = (marco.id, "priority_broadcast", stored.priority_notified_at, None)
    assert sql(DEBUG_1.replace("<CUSTOMER_ID>", str(ana.id))) == [(stored.session_id, ana.id, "ready", *window)]
    found = one(DEBUG_2.replace("<CUSTOMER_ID>", str(ana.id)))
    assert (found.id, found.status, found.mechanic_id) == (asked, "pending", None)
    assert (found.preferred_mechanic_id, found.fallback_reason) == (marco.id, None)
    assert found.priority_expires_at == stored.priority_expires_at
