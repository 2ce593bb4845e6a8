"""Rows B1–B11 and B13: leaving the window, exactly once (B12 stands with the served story, B14 with the volume)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg2
import pytest
from sqlalchemy.orm import Session

from favorites.dispatch import fallback
from tests.conftest import engine
from tests.database import fast_forward, one, sql
from tests.requests_table import count, events, row, status


@pytest.fixture(autouse=True)
def on(flag_on):
    """Every story here begins with the flag on."""


@pytest.fixture
def asked(ana, marco):
    ana.favors(marco)
    return ana.books_again(marco)


def test_b1_when_nobody_answers_everyone_hears_of_it_as_the_window_ends(asked, marco, nadia, omar, sweep):
    fast_forward(minutes=10)
    assert sweep().lapsed == 1
    for mechanic in (nadia, omar, marco):
        assert mechanic.hears("new_request")


@pytest.mark.usefixtures("poller")
def test_b2_with_a_live_poller_the_broadcast_is_less_than_two_seconds_late(app, asked, nadia):
    fast_forward(minutes=9, seconds=59)
    app.extensions["live"].ticker.wake(row(asked).priority_expires_at)
    nadia.hears("new_request", fallback_reason="priority_timeout")
    stored = row(asked)
    took = stored.fallback_broadcast_at - stored.priority_notified_at
    assert timedelta(minutes=10) <= took < timedelta(minutes=10, seconds=2)


@pytest.mark.usefixtures("poller")
def test_b2_the_poller_learns_of_a_deadline_from_the_offer_itself(app, ana, marco, nadia):
    ana.favors(marco)
    request_id = ana.books_again(marco)
    marco.hears("priority_session_request")
    armed = app.extensions["live"].ticker._armed
    assert (
        abs((armed - row(request_id).priority_expires_at).total_seconds()) < 1
        or armed < row(request_id).priority_expires_at
    )


def test_b3_the_fallback_is_recorded_and_the_priority_facts_stay(asked, marco, sweep):
    fast_forward(minutes=10)
    before = row(asked)
    sweep()
    after = row(asked)
    assert after.fallback_reason == "preferred_mechanic_no_response"
    assert after.fallback_broadcast_at >= after.priority_expires_at
    assert (after.preferred_mechanic_id, after.priority_notified_at) == (marco.id, before.priority_notified_at)
    assert after.expires_at - after.fallback_broadcast_at > timedelta(minutes=14, seconds=59)
    assert after.status == "pending"


def test_b4_the_payload_says_priority_timeout_and_has_the_request(asked, nadia, sweep):
    fast_forward(minutes=10)
    sweep()
    data = nadia.hears("new_request").data
    assert data["fallback_reason"] == "priority_timeout"
    assert data["request"]["id"] == str(asked)
    assert data["routing_type"] == "priority_broadcast"


def test_b5_accepted_before_nothing_is_sent(asked, marco, nadia, sweep):
    marco.accepts(asked)
    fast_forward(minutes=10)
    sweep()
    assert nadia.heard_nothing
    assert count(asked, "new_request", "mechanics") == 0


def test_b6_at_most_once_also_with_several_pollers(app, ana, ben, chloe, marco, nadia, omar):
    requests = []
    for customer, favorite in ((ana, marco), (ben, nadia), (chloe, omar)):
        customer.favors(favorite)
        requests.append(customer.books_again(favorite))
    fast_forward(minutes=10)
    barrier = threading.Barrier(6)

    def poll(_):
        with Session(engine(app)) as session:
            barrier.wait()
            return fallback.sweep(session).lapsed

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(poll, range(6))) == 3
    for request_id in requests:
        assert count(request_id, "new_request", "mechanics") == 1


@pytest.mark.planted
@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_b7_cancelled_or_expired_meanwhile_nothing_is_sent(asked, ana, nadia, sweep, end):
    if end == "cancel":
        ana.does(asked, "cancel")
    else:
        sql("UPDATE session_requests SET status = 'expired', closed_at = clock_timestamp() WHERE id = %s", asked)
    fast_forward(minutes=10)
    assert sweep().lapsed == 0
    assert nadia.heard_nothing


def test_b8_an_error_in_the_middle_leaves_it_to_the_next_poll_once(asked, nadia, sweep, monkeypatch):
    def explode(*_):
        raise RuntimeError("boom")

    fast_forward(minutes=10)
    with monkeypatch.context() as broken:
        broken.setattr(fallback, "broadcast", explode)
        assert sweep().lapsed == 0
    assert row(asked).fallback_broadcast_at is None
    assert sweep().lapsed == 1
    assert sweep().lapsed == 0
    assert nadia.hears("new_request", fallback_reason="priority_timeout")
    assert count(asked, "new_request", "mechanics") == 1


def test_b9_afterwards_any_eligible_mechanic_may_accept_the_favorite_included(ana, ben, marco, nadia, sweep):
    requests = []
    for customer in (ana, ben):
        customer.favors(marco)
        requests.append(customer.books_again(marco))
        fast_forward(minutes=10)
    sweep()
    assert nadia.accepts(requests[0]).status_code == 200
    assert marco.accepts(requests[1]).status_code == 200


def test_b9_nadia_may_accept_when_the_window_is_over_and_no_poller_runs(asked, nadia):
    fast_forward(minutes=10)
    assert str(asked) in nadia.client.get("/mechanic/dashboard").text
    assert nadia.accepts(asked).status_code == 200
    assert row(asked).fallback_broadcast_at is None


def test_b9_a_mechanic_who_declined_is_out_of_the_race(asked, marco, nadia):
    assert marco.declines(asked).status_code == 200
    assert nadia.hears("new_request", fallback_reason="preferred_mechanic_declined")
    assert marco.hears("request_withdrawn")
    assert marco.heard_nothing
    assert marco.accepts(asked).get_json()["code"] == "DECLINED"
    assert marco.declines(asked).status_code == 200


def test_b10_log_lines(asked, sweep, caplog):
    fast_forward(minutes=10)
    sweep()
    assert [
        record.getMessage() for record in caplog.records if record.getMessage().startswith(("[Fallback]", "[Realtime"))
    ] == [
        f"[Fallback] Priority window expired for session request {asked}, checking status...",
        f"[Fallback] Broadcasting session request {asked} to all mechanics...",
        "[RealtimeChannels] 📡 Preparing to broadcast new_request...",
        f"[Fallback] ✅ Fallback broadcast completed for session request {asked}",
    ]


def test_b11_the_end_of_a_window_is_reached_without_waiting(asked):
    assert one("SELECT priority_expires_at > clock_timestamp() FROM session_requests WHERE id = %s", asked)
    fast_forward(minutes=10)
    assert one("SELECT priority_expires_at <= clock_timestamp() FROM session_requests WHERE id = %s", asked)


def test_b13_a_row_held_by_a_slow_accept_delays_no_other(ana, ben, marco, nadia, sweep):
    requests = []
    for customer, favorite in ((ana, marco), (ben, nadia)):
        customer.favors(favorite)
        requests.append(customer.books_again(favorite))
    fast_forward(minutes=10)
    import os

    holder = psycopg2.connect(os.environ["DATABASE_URL"])
    holder.cursor().execute("SELECT FROM session_requests WHERE id = %s FOR UPDATE", [str(requests[0])])
    try:
        assert sweep().lapsed == 1
        assert row(requests[1]).fallback_broadcast_at
    finally:
        holder.rollback()
        holder.close()
    assert sweep().lapsed == 1


def test_rule_7_ask_everyone_now_opens_the_window(asked, ana, nadia, marco):
    assert ana.does(asked, "open").status_code == 200
    assert nadia.hears("new_request", fallback_reason="customer_opened")
    assert row(asked).fallback_reason == "customer_opened"
    assert marco.accepts(asked).status_code == 200


def test_rule_7_a_suspended_preferred_mechanic_is_left_at_once(asked, olga, marco, nadia):
    olga.client.post(f"/admin/mechanics/{marco.id}/suspend", data={"reason": "pause"})
    assert nadia.hears("new_request", fallback_reason="preferred_mechanic_unavailable")
    assert row(asked).fallback_reason == "preferred_mechanic_unavailable"
    assert marco.board.until_closed() < 5


def test_rule_10_nobody_takes_it_it_expires_and_gives_the_credit_back(ana, nadia, sweep):
    request_id = ana.books()
    page = ana.listens_to(request_id)
    fast_forward(minutes=15)
    assert sweep().expired == 1
    assert page.until("request_expired")
    assert nadia.hears("request_expired")
    assert status(request_id) == "expired"
    assert one("SELECT sum(credits) FROM credit_entries WHERE customer_id = %s", ana.id) == 100


def test_rule_10_a_window_never_eats_the_others_time(asked, sweep):
    fast_forward(minutes=20)
    swept = sweep()
    assert (swept.lapsed, swept.expired) == (1, 0)
    assert status(asked) == "pending"


def test_rule_10_until_the_poll_has_written_expired_a_mechanic_may_accept(ana, nadia):
    request_id = ana.books()
    fast_forward(minutes=20)
    assert nadia.accepts(request_id).status_code == 200


def test_rule_10_a_row_inserted_by_hand_counts_from_its_creation(ana, sweep):
    request_id = one(
        "INSERT INTO session_requests (customer_id, session_type, plan_code, status, customer_name)"
        " VALUES (%s, 'chat', 'chat10', 'pending', 'Ana') RETURNING id",
        ana.id,
    )
    assert sweep().expired == 0
    fast_forward(minutes=15)
    assert sweep().expired == 1
    assert status(request_id) == "expired"


def test_rule_1_a_workshop_alone_is_asked_until_the_customer_opens_it(ana, rita, marco, nadia):
    ana.favors(marco)
    ana.client.post("/w/harbor-garage")
    request_id = ana.books_again(marco)
    assert rita.hears("new_request", routing_type="workshop_only")
    assert nadia.heard_nothing
    assert marco.heard_nothing
    assert nadia.accepts(request_id).status_code == 404
    assert ana.does(request_id, "open").status_code == 200
    assert nadia.hears("new_request", routing_type="broadcast", fallback_reason="customer_opened")
    assert row(request_id).fallback_reason is None
    assert nadia.accepts(request_id).status_code == 200


def test_rule_16_every_transition_begins_with_who_by_which_rule(asked, ana, marco, sweep):
    fast_forward(minutes=10)
    sweep()
    marco.accepts(asked)
    ana.does(asked, "cancel")
    firsts = sql(
        "SELECT actor, payload->>'rule' AS rule FROM request_events"
        " WHERE session_request_id = %s AND actor IS NOT NULL ORDER BY id",
        asked,
    )
    assert [(first.actor.split(":")[0], first.rule) for first in firsts] == [
        ("customer", "priority"),
        ("system", "lapse"),
        ("system", "unattended"),  # nobody is on shift
        ("mechanic", "accept"),
        ("customer", "cancel"),
    ]
    assert events(asked)[0] == ("request_offered", "customer")
