"""Each invariant: its violation is planted by SQL, and `flask doctor` names it. Without one nothing is said."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from favorites.queries.invariants import INVARIANTS
from tests.cast import Customer, Mechanic
from tests.database import JUDGED, fast_forward, sql

pytestmark = [pytest.mark.planted, pytest.mark.usefixtures("flag_on")]

# What breaks the invariant of that name: SQL about the session request of the story, %(id)s.
WINDOW, ACCEPTED, CANCELLED = "window", "accepted", "cancelled"
GIVEN_BACK = "What was cancelled or expired is given back, and nothing else"
PAID = """INSERT INTO payments (session_id, provider, reference, amount_cents, currency, {0})
          SELECT id, 'stripe', 'cs_1', 999, 'USD', {1} FROM sessions"""
UNGUARDED = "ALTER TABLE session_requests DROP CONSTRAINT session_requests_accepted_has_a_mechanic;"
PLANTS = {
    "V1 nothing is set aside": (WINDOW, "UPDATE session_requests SET attempts = 3 WHERE id = %(id)s"),
    "V8 one accepted mechanic": (
        ACCEPTED,
        UNGUARDED + "UPDATE session_requests SET accepted_at = NULL WHERE id = %(id)s",
    ),
    "V9 nobody else answers inside a window": (
        WINDOW,
        """UPDATE session_requests SET status = 'accepted', accepted_at = clock_timestamp(), mechanic_id = (
             SELECT id FROM mechanics WHERE id <> preferred_mechanic_id LIMIT 1) WHERE id = %(id)s""",
    ),
    "V11 one fallback": (
        WINDOW,
        """INSERT INTO request_events (session_request_id, kind, audience, actor, payload)
           SELECT %(id)s, 'request_broadcast', 'customer', 'system', '{"rule": "lapse"}' FROM generate_series(1, 2)""",
    ),
    "V11 no fallback after an end": (
        CANCELLED,
        """UPDATE session_requests SET fallback_broadcast_at = clock_timestamp(),
           fallback_reason = 'preferred_mechanic_no_response' WHERE id = %(id)s""",
    ),
    "V12 legal transitions": (
        CANCELLED,
        """INSERT INTO request_events (session_request_id, kind, audience, actor)
           VALUES (%(id)s, 'request_accepted', 'customer', 'system')""",
    ),
    "V14 every state has its event, every event its state": (
        WINDOW,
        "UPDATE session_requests SET status = 'expired', closed_at = clock_timestamp() WHERE id = %(id)s",
    ),
    "V14 every window has its offer": (
        WINDOW,
        "DELETE FROM request_events WHERE session_request_id = %(id)s AND kind = 'priority_session_request'",
    ),
    "V15 ids in commit order": (
        CANCELLED,
        "UPDATE request_events SET at = at - interval '1 hour' WHERE id = (SELECT max(id) FROM request_events)",
    ),
    "V13 a workshop has no window": (
        WINDOW,
        """WITH made AS (INSERT INTO workshops (slug, name) VALUES ('harbor', 'Harbor') RETURNING id)
           UPDATE session_requests SET workshop_id = made.id FROM made WHERE session_requests.id = %(id)s""",
    ),
    "V13 a head start is announced over once": (
        WINDOW,
        """INSERT INTO request_events (session_request_id, kind, audience, payload)
           SELECT %(id)s, 'new_request', 'mechanics', '{"fallback_reason": "head_start_over"}'""",
    ),
    "Credits balance": (
        WINDOW,
        "INSERT INTO credit_entries (customer_id, kind, credits) SELECT id, 'correction', -1000 FROM customers",
    ),
    "What was paid by credits was spent once": (WINDOW, "DELETE FROM credit_entries WHERE kind = 'spend'"),
    GIVEN_BACK: (CANCELLED, "DELETE FROM credit_entries WHERE kind = 'refund'"),
    "What is paid asks for a mechanic, or goes back": (WINDOW, PAID.format("status, paid_at", "'paid', now()")),
    "What asks for a mechanic was paid": (
        WINDOW,
        PAID.format("status, paid_at, refund_due_at, refund_reason", "'refunding', now(), now(), 'already_paid'")
        + """; DELETE FROM credit_entries WHERE kind = 'spend'; UPDATE sessions SET paid_by = 'payment'""",
    ),
    "A consultation follows its session request": (WINDOW, "UPDATE sessions SET status = 'live'"),
}


@pytest.fixture
def stories(ana: Customer, marco: Mechanic, nadia: Mechanic) -> dict[str, Callable[[], UUID]]:
    """A session request in each of the states a plant begins with."""

    def window() -> UUID:
        ana.favors(marco)
        return ana.books_again(marco)

    def accepted() -> UUID:
        request_id = window()
        marco.accepts(request_id)
        return request_id

    def cancelled() -> UUID:
        request_id = window()
        ana.does(request_id, "cancel")
        return request_id

    return {WINDOW: window, ACCEPTED: accepted, CANCELLED: cancelled}


def doctor(app: Flask) -> tuple[int, str]:
    """Its exit code and words."""
    told = app.test_cli_runner().invoke(args=["doctor", "invariants"])
    return told.exit_code, told.output


@pytest.mark.parametrize("name", PLANTS)
def test_doctor_names_the_planted_violation(app, stories, name):
    begin, plant = PLANTS[name]
    request_id = stories[begin]()
    assert doctor(app)[0] == 0
    constraints = "CHECK (status <> 'accepted' OR (mechanic_id IS NOT NULL AND accepted_at IS NOT NULL))"
    try:
        sql(plant.replace("%(id)s", f"'{request_id}'"))
        code, words = doctor(app)
        assert code == 1
        assert name in words
    finally:
        if plant.startswith(UNGUARDED):
            sql("DELETE FROM session_requests")
            sql(f"ALTER TABLE session_requests ADD CONSTRAINT session_requests_accepted_has_a_mechanic {constraints}")
        sql("DELETE FROM request_events WHERE session_request_id = %s", request_id)


def test_what_goes_on_and_was_given_back_by_nobody_is_named(app, stories):
    request_id = stories[ACCEPTED]()
    sql(
        "INSERT INTO credit_entries (customer_id, session_id, kind, credits)"
        " SELECT customer_id, session_id, 'refund', 3 FROM session_requests WHERE id = %s",
        request_id,
    )
    code, words = doctor(app)
    assert (code, GIVEN_BACK in words) == (1, True)


def test_v1_doctor_and_readyz_tell_of_a_customer_who_waits_for_nobody(app, stories):
    request_id = stories[WINDOW]()
    fast_forward(minutes=13)
    code, words = doctor(app)
    assert code == 1
    told, summary = words.splitlines()
    assert told.startswith("FAULT   invariants: rows: V1 nobody is stuck: A pending session request is past its end")
    assert told.endswith(f" Look at {request_id}.")
    assert summary == "Faults: 1. Advice: 0. Well: 0."
    assert "session requests" in app.test_client().get("/readyz").get_json()["wrong"]


def test_where_nothing_was_booked_or_spent_no_invariant_has_anything_to_judge():
    """The tests ask none then (tests.database.broken)."""
    tables = [rows.partition(" ")[0] for rows in JUDGED]
    for invariant in INVARIANTS:
        assert re.search(rf"(?:FROM|JOIN) ({'|'.join(tables)})\b", invariant.sql), invariant.name


def test_every_invariant_has_its_plant():
    assert {invariant.name for invariant in INVARIANTS} == {*PLANTS, "V1 nobody is stuck"}


def test_doctor_says_that_all_is_well(app):
    told = f"ok      invariants: rows: All {len(INVARIANTS)} hold.\nFaults: 0. Advice: 0. Well: 1.\n"
    assert doctor(app) == (0, told)
