"""Rows R3–R13 and I10: inside the window the preferred mechanic alone is asked."""

import time
from datetime import timedelta

import pytest

from favorites.dispatch import offering
from tests.database import fast_forward, one, sql
from tests.requests_table import count, events, first_reason, row, status

NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(autouse=True)
def on(flag_on):
    """Every story here begins with the flag on."""


@pytest.fixture
def asked(ana, marco):
    """Ana has booked Marco again."""
    ana.favors(marco)
    return ana.books_again(marco)


def test_r3_exactly_the_preferred_mechanic_hears_of_it(ana, marco, nadia, omar, rita):
    ana.favors(marco)
    request_id = ana.books_again(marco)
    marco.hears("priority_session_request", target_mechanic_id=str(marco.id))
    assert marco.heard_nothing
    for other in (nadia, omar, rita):
        assert other.heard_nothing
    assert events(request_id) == [("request_offered", "customer"), ("priority_session_request", "mechanic")]


def test_r3_the_customer_hears_her_stage(ana, marco, asked):
    page = ana.listens_to(asked, after=0)
    assert page.until("request_offered").data["request_id"] == str(asked)


def test_r3_another_customer_cannot_listen(ana, ben, asked, port):
    answer = ben.client.get(f"/customer/requests/{asked}/events")
    assert answer.status_code == 404


def test_r4_payload_and_message(ana, marco, asked):
    data = marco.hears("priority_session_request").data
    assert set(data) == {"request", "target_mechanic_id", "priority_window_minutes", "expires_at", "message"}
    assert data["request"]["id"] == str(asked)
    assert data["request"]["customer_first_name"] == "Ana"
    assert data["priority_window_minutes"] == 10
    assert data["expires_at"] == row(asked).priority_expires_at.isoformat()
    assert data["message"] == "Ana specifically requested you! You have 10 minutes priority access."


def test_r4_nothing_that_identifies_the_customer_but_the_first_name(ana, marco):
    ana.favors(marco)
    canary = {"phone": "+99 777 1234567", "plate": "PLATE777", "vin": "VIN45678901234567", "city": "Canaryville"}
    ana.books_again(marco, **canary, name="Ana Surname777")
    text = str(marco.hears("priority_session_request").data)
    assert "Ana" in text
    for secret in (*canary.values(), "Castillo", "Surname777", ana.email):
        assert secret not in text


def test_r5_no_new_request_during_the_window(asked, nadia, sweep):
    fast_forward(minutes=9, seconds=55)
    sweep()
    assert nadia.heard_nothing
    assert count(asked, "new_request", "mechanics") == 0


def test_r6_log_lines_in_the_seeds_order(ana, marco, caplog):
    ana.favors(marco)
    request_id = ana.books_again(marco)
    said = [record.getMessage() for record in caplog.records if "[Priority]" in record.getMessage()]
    assert said == [
        f"[Priority] Attempting priority notification to mechanic {marco.id}",
        f"[Priority] Notifying preferred mechanic {marco.id} for session request {request_id}",
        f"[Priority] ✅ Sent priority notification to mechanic {marco.id}",
        f"[Priority] Scheduling fallback broadcast for session request {request_id} in 600s",
        f"[Priority] ✅ Priority flow initiated - mechanic {marco.id} has 10 minutes",
    ]
    assert "Broadcast routing to all" not in caplog.text


def test_r7_the_card_shows_the_minutes_a_timestamp_and_a_countdown(asked, marco):
    page = marco.client.get("/mechanic/dashboard").text
    assert "Ana specifically requested you! You have 10 minutes priority access." in page
    assert row(asked).priority_expires_at.isoformat()[:19] in page
    assert 'class="countdown' in page


def test_r8_offline_but_approved_is_notified_and_has_the_full_window(ana, marco, nadia, sweep):
    ana.favors(marco)
    sql("UPDATE mechanics SET shift_started_at = NULL, board_seen_at = NULL WHERE id = %s", marco.id)
    request_id = ana.books_again(marco)
    assert row(request_id).priority_notified_at
    fast_forward(minutes=9, seconds=55)
    assert sweep().lapsed == 0
    fast_forward(seconds=5)
    assert sweep().lapsed == 1
    assert nadia.hears("new_request", fallback_reason="priority_timeout")


@pytest.mark.parametrize("preferred", [NOBODY, "not-a-uuid", "x" * 64])
def test_r9_an_unknown_id_is_broadcast_at_once(ana, nadia, caplog, preferred):
    request_id = ana.books(preferred_mechanic_id=preferred, routing_type="priority_broadcast")
    assert nadia.hears("new_request", fallback_reason=None)
    assert first_reason(request_id) == "mechanic_not_found"
    assert row(request_id).preferred_mechanic_id is None
    stored = one(
        "SELECT payload->>'preferred' FROM request_events WHERE session_request_id = %s ORDER BY id LIMIT 1", request_id
    )
    assert stored == preferred
    assert [
        line for line in (record.getMessage() for record in caplog.records) if line.startswith(("[Priority]", "[fulf"))
    ] == [
        f"[Priority] Attempting priority notification to mechanic {preferred}",
        f"[Priority] Mechanic {preferred} not found (or not approved)",
        "[Priority] Priority notification failed, falling back to standard broadcast",
        "[fulfillment] Broadcast routing to all mechanics",
    ]


def test_r10_a_mechanic_who_is_not_approved_is_not_asked_first(ana, zed, nadia):
    ana.favors(zed)
    request_id = ana.books_again(zed)
    assert nadia.hears("new_request")
    assert first_reason(request_id) == "mechanic_not_approved"
    assert row(request_id).priority_notified_at is None


def test_r10_a_mechanic_who_is_no_favorite_is_not_asked_first(ana, marco, nadia):
    request_id = ana.books_again(marco)
    assert nadia.hears("new_request")
    assert first_reason(request_id) == "not_a_favorite"


def test_r11_any_exception_while_offering_broadcasts_at_once(ana, marco, nadia, monkeypatch, caplog):
    def explode(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(offering, "offer", explode)
    ana.favors(marco)
    request_id = ana.books_again(marco)
    assert nadia.hears("new_request", fallback_reason="error")
    stored = row(request_id)
    assert (stored.preferred_mechanic_id, stored.priority_notified_at) == (marco.id, None)
    assert stored.fallback_broadcast_at
    assert stored.fallback_reason == "error"
    assert stored.expires_at > stored.fallback_broadcast_at
    assert "[Priority] Priority notification failed, falling back to standard broadcast" in caplog.text
    assert nadia.accepts(request_id).status_code == 200


def test_r11_an_error_of_the_database_while_offering_broadcasts_at_once(ana, marco, nadia):
    ana.favors(marco)
    sql("ALTER TABLE session_requests ADD CONSTRAINT broken CHECK (priority_notified_at IS NULL)")
    try:
        request_id = ana.books_again(marco)
    finally:
        sql("ALTER TABLE session_requests DROP CONSTRAINT broken")
    assert row(request_id).fallback_reason == "error"
    assert nadia.hears("new_request", fallback_reason="error")


def test_r12_no_favorite_no_priority(ana, nadia, caplog):
    request_id = ana.books()
    assert nadia.hears("new_request", routing_type="broadcast", fallback_reason=None)
    assert row(request_id).priority_notified_at is None
    assert first_reason(request_id) == "no_preference"
    assert "[Priority]" not in caplog.text


def test_r13_inside_the_window_others_neither_see_nor_accept_it(asked, marco, nadia, ben, zed):
    assert nadia.client.get(f"/mechanic/requests/{asked}").status_code == 404
    assert str(asked) not in nadia.client.get("/mechanic/dashboard").text
    assert str(asked) not in nadia.client.get("/mechanic/board").text
    assert nadia.accepts(asked).status_code == 404
    assert nadia.declines(asked).status_code == 404
    assert nadia.accepts(asked).get_json()["error"] == nadia.accepts(NOBODY).get_json()["error"]
    assert zed.accepts(asked).status_code == 403
    assert ben.client.get(f"/customer/requests/{asked}").status_code == 404
    assert status(asked) == "pending"
    assert str(asked) in marco.client.get("/mechanic/dashboard").text


def test_i10_the_customers_answer_is_not_held_for_the_window(ana, marco):
    ana.favors(marco)
    began = time.monotonic()
    ana.books_again(marco)
    assert time.monotonic() - began < 5


def test_rule_4_the_window_begins_when_it_is_stored_and_is_frozen_but_for_one_extension(ana, marco, monkeypatch):
    from favorites.settings import current

    monkeypatch.setattr(current(), "priority_window_minutes", 7)
    ana.favors(marco)
    request_id = ana.books_again(marco)
    monkeypatch.setattr(current(), "priority_window_minutes", 60)
    stored = row(request_id)
    assert stored.priority_window_minutes == 7
    assert stored.priority_expires_at - stored.priority_notified_at == timedelta(minutes=7)
    for _ in range(2):
        assert marco.does(request_id, "extend").status_code == 200
        longer = row(request_id)
        assert (longer.priority_window_minutes, longer.priority_notified_at) == (12, stored.priority_notified_at)
        assert longer.priority_expires_at - stored.priority_expires_at == timedelta(minutes=5)
        assert longer.extended_at


@pytest.mark.parametrize("times", [1, 2])
def test_rule_17_after_two_lapses_in_a_day_the_favorite_is_not_asked_first(ana, marco, sweep, times):
    ana.favors(marco)
    for _ in range(times):
        lapsed = ana.books_again(marco)
        fast_forward(minutes=11)
        sweep()
        assert ana.does(lapsed, "cancel").status_code == 200
    again = ana.books_again(marco)
    assert first_reason(again) == (None if times == 1 else "recently_asked")


def test_rule_17_after_a_decline_the_favorite_is_left_in_peace_for_an_hour(ana, marco):
    ana.favors(marco)
    declined = ana.books_again(marco)
    assert marco.declines(declined).status_code == 200
    assert ana.does(declined, "cancel").status_code == 200
    at_once = ana.books_again(marco)
    assert first_reason(at_once) == "recently_asked"
    assert ana.does(at_once, "cancel").status_code == 200
    fast_forward(minutes=61)
    assert row(ana.books_again(marco)).priority_notified_at


def test_rule_17_another_customer_may_ask_the_same_mechanic(ana, ben, marco):
    for customer in (ana, ben):
        customer.favors(marco)
    assert marco.declines(ana.books_again(marco)).status_code == 200
    assert row(ben.books_again(marco)).priority_notified_at
