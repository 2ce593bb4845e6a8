"""Rows X1–X4 and rules 9, 11, 12: one winner, and a definite answer for everyone else."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.database import fast_forward, one
from tests.requests_table import count, row, status


def at_once(*calls):
    """Run the calls at the same moment, each in a thread of its own; their answers."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.fixture
def in_window(ana, marco, flag_on):
    ana.favors(marco)
    return ana.books_again(marco)


def test_x1_the_preferred_mechanic_accepts_in_the_window(in_window, ana, marco, nadia):
    page = ana.listens_to(in_window)
    assert marco.accepts(in_window).status_code == 200
    assert (row(in_window).status, row(in_window).mechanic_id) == ("accepted", marco.id)
    assert page.until("request_accepted")
    assert nadia.heard_nothing


def test_x2_then_no_fallback_ever(in_window, marco, nadia, sweep):
    marco.accepts(in_window)
    fast_forward(minutes=30)
    sweep()
    assert row(in_window).fallback_broadcast_at is None
    assert row(in_window).status == "accepted"
    assert nadia.heard_nothing


def test_x2_unless_the_mechanic_releases_it(in_window, ana, marco, nadia):
    marco.accepts(in_window)
    assert marco.does(in_window, "release").status_code == 200
    stored = row(in_window)
    assert (stored.status, stored.mechanic_id, stored.fallback_reason) == ("pending", None, "released")
    assert stored.released_from == [marco.id]
    assert nadia.hears("new_request", fallback_reason="released")
    assert marco.hears("request_withdrawn", reason="released")
    assert marco.heard_nothing
    assert marco.accepts(in_window).get_json()["code"] == "DECLINED"
    assert nadia.accepts(in_window).status_code == 200


def test_x3_two_accept_at_once_and_exactly_one_wins(ana, marco, nadia, omar, rita):
    mechanics = [marco, nadia, omar, rita]
    for _ in range(15):
        request_id = ana.books()
        answers = at_once(*[partial(mechanic.accepts, request_id) for mechanic in mechanics])
        codes = Counter(answer.get_json().get("code", "WON") for answer in answers)
        assert codes == {"WON": 1, "TAKEN": 3}
        assert (
            one(
                "SELECT count(*) FROM request_events WHERE session_request_id = %s AND kind = 'request_accepted'",
                request_id,
            )
            == 2
        )
        assert ana.does(request_id, "cancel").status_code == 200


def test_x3_one_mechanic_accepts_two_at_once_and_one_wins(ana, ben, marco):
    for _ in range(15):
        first, second = ana.books(), ben.books()
        answers = at_once(partial(marco.accepts, first), partial(marco.accepts, second))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert {answer.get_json().get("code") for answer in answers} == {None, "MECHANIC_HAS_ACTIVE_SESSION"}
        for customer, request_id in ((ana, first), (ben, second)):
            assert customer.does(request_id, "cancel").status_code == 200


def test_x3_a_repeat_by_the_winner_is_a_success_with_one_effect(ana, marco):
    request_id = ana.books()
    assert [marco.accepts(request_id).status_code for _ in range(2)] == [200, 200]
    assert count(request_id, "request_accepted", "customer") == 1


def test_x4_a_mechanic_on_a_job_is_refused(ana, ben, marco):
    assert marco.accepts(ana.books()).status_code == 200
    answer = marco.accepts(ben.books())
    assert (answer.status_code, answer.get_json()["code"]) == (409, "MECHANIC_HAS_ACTIVE_SESSION")


def test_rule_9_every_refusal_has_its_code(ana, marco, nadia, sweep, flag_on):
    taken = ana.books()
    marco.accepts(taken)
    assert nadia.accepts(taken).get_json() == {"error": "Another mechanic was quicker.", "code": "TAKEN"}
    ana.does(taken, "cancel")
    assert nadia.accepts(taken).get_json()["code"] == "CANCELLED"
    expired = ana.books()
    fast_forward(minutes=16)
    sweep()
    assert nadia.accepts(expired).get_json()["code"] == "EXPIRED"
    assert nadia.accepts(expired).status_code == 409


def test_rule_9_what_was_taken_inside_its_window_answers_others_like_a_missing_one(in_window, marco, nadia):
    marco.accepts(in_window)
    fast_forward(minutes=30)
    assert nadia.accepts(in_window).status_code == 404


def test_rule_9_what_was_cancelled_inside_its_window_answers_others_like_a_missing_one(in_window, ana, marco, nadia):
    ana.does(in_window, "cancel")
    fast_forward(minutes=30)
    assert nadia.accepts(in_window).status_code == 404
    assert marco.accepts(in_window).get_json()["code"] == "CANCELLED"


def test_rule_9_other_roles_and_suspended_mechanics_are_refused(ana, ben, olga, marco, zed):
    request_id = ana.books()
    for person in (ana, ben, olga):
        assert person.client.post(f"/mechanic/requests/{request_id}/accept").status_code == 403
    assert zed.accepts(request_id).status_code == 403
    assert status(request_id) == "pending"


def test_rule_9_a_decline_outside_the_window_is_refused(in_window, marco, sweep):
    fast_forward(minutes=10)
    sweep()
    answer = marco.declines(in_window)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "NOT_OFFERED")


def test_rule_11_cancelling_withdraws_every_card_and_returns_the_credit(ana, marco, nadia):
    request_id = ana.books("video15")
    nadia.hears("new_request")
    assert one("SELECT sum(credits) FROM credit_entries WHERE customer_id = %s", ana.id) == 90
    assert ana.does(request_id, "cancel").status_code == 200
    assert nadia.hears("request_cancelled", request_id=str(request_id))
    assert one("SELECT sum(credits) FROM credit_entries WHERE customer_id = %s", ana.id) == 100
    assert ana.does(request_id, "cancel").status_code == 200
    assert one("SELECT sum(credits) FROM credit_entries WHERE customer_id = %s", ana.id) == 100


def test_rule_11_after_the_start_it_can_only_be_completed(ana, marco):
    request_id = ana.books()
    marco.accepts(request_id)
    assert marco.does(request_id, "start").status_code == 200
    assert ana.does(request_id, "cancel").get_json()["code"] == "STARTED"
    assert marco.does(request_id, "release").get_json()["code"] == "STARTED"
    assert marco.does(request_id, "complete").status_code == 200
    assert status(request_id) == "completed"


def test_rule_12_ask_everyone_again_only_after_the_grace(ana, marco, nadia):
    request_id = ana.books()
    marco.accepts(request_id)
    assert ana.does(request_id, "open").get_json()["code"] == "TOO_EARLY"
    fast_forward(minutes=10)
    assert ana.does(request_id, "open").status_code == 200
    assert row(request_id).released_from == [marco.id]
    assert nadia.hears("new_request", fallback_reason="released")


def test_rule_12_the_customer_completes_after_the_plans_minutes(ana, marco):
    request_id = ana.books()
    marco.accepts(request_id)
    assert ana.does(request_id, "complete").get_json()["code"] == "NOT_STARTED"
    marco.does(request_id, "start")
    assert ana.does(request_id, "complete").get_json()["code"] == "TOO_EARLY"
    fast_forward(minutes=30)
    assert ana.does(request_id, "complete").status_code == 200


def test_rule_13_a_second_session_request_is_refused_with_a_link_and_takes_nothing(ana):
    first = ana.books()
    answer = ana.client.post("/api/intake/start", json={"plan": "chat10"})
    assert answer.status_code in (409, 422)
    from tests.cast import INTAKE

    answer = ana.client.post("/api/intake/start", json={**INTAKE, "plan": "chat10"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "CUSTOMER_HAS_OPEN_REQUEST")
    assert str(first) in answer.text
    assert one("SELECT sum(credits) FROM credit_entries WHERE customer_id = %s", ana.id) == 97


def test_rule_13_two_checkouts_at_once_make_one_session_request(ana):
    first, second = ana.starts_intake(), ana.starts_intake()
    for consultation_id in (first, second):
        ana.signs(consultation_id)
    others = [ana.new_client() for _ in range(2)]
    json = {"Accept": "application/json"}
    answers = at_once(
        lambda: others[0].post(f"/checkout/{first}/credits", headers=json),
        lambda: others[1].post(f"/checkout/{second}/credits", headers=json),
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 409], [303, 409])
    assert one("SELECT count(*) FROM session_requests WHERE customer_id = %s", ana.id) == 1
    assert one("SELECT sum(credits) FROM credit_entries WHERE customer_id = %s", ana.id) == 97


def test_rule_14_a_checkout_sent_twice_at_once_has_one_effect(ana, nadia):
    consultation_id = ana.starts_intake()
    ana.signs(consultation_id)
    clients = [ana.new_client() for _ in range(4)]
    answers = at_once(*[lambda c=client: c.post(f"/checkout/{consultation_id}/credits") for client in clients])
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.location for answer in answers}) == 1
    assert one("SELECT count(*) FROM session_requests") == 1
    assert one("SELECT sum(credits) FROM credit_entries WHERE customer_id = %s", ana.id) == 97
