"""Rows W1, W2, W6, W8, W9: what a booking and all that follows leave in the tables. (W3, W4: `test_analytics.py`.)"""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from favorites.dispatch import answers
from favorites.dispatch.actors import Actor
from favorites.settings import current
from tests.cast import Customer, Mechanic, Owner
from tests.database import fast_forward, one, sql
from tests.requests_table import row

STEPS = "SELECT at, kind, actor, payload FROM request_events WHERE session_request_id = %s ORDER BY id"
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


@pytest.fixture
def told() -> Any:
    """(what, who, rule, reason) of each transition of a session request: its first row."""

    def steps(request_id: UUID) -> list[tuple[str, str, str, str | None]]:
        rows = sql(STEPS, request_id)
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
        ("request_unattended", "system", "unattended", "nobody_on_shift"),
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
