"""The waiting page and the page of the two: what is told to whom, and what can be done."""

from typing import Any

import pytest

from tests.cast import Customer, Mechanic, Owner
from tests.database import fast_forward, one
from tests.pages import DIALOG, does_a_job, page


@pytest.mark.usefixtures("flag_on")
def test_the_waiting_page_tells_the_whole_story(ana: Customer, marco: Mechanic, nadia: Mechanic) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    address = f"/customer/requests/{request_id}"
    seen = page(ana, address)
    assert "Marco is asked first" in seen
    assert "Ask everyone now" in seen
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in seen
    marco.declines(request_id)
    nadia.accepts(request_id)
    seen = page(ana, f"{address}/live", DIALOG)
    told = ("Marco was asked first", "Marco declined", "Everyone was asked", "Nadia accepted")
    assert [seen.index(f"<span>{step}</span>") for step in told] == sorted(
        seen.index(f"<span>{step}</span>") for step in told
    )
    assert "Ask everyone again" not in seen
    fast_forward(minutes=10)
    assert "Ask everyone again" in page(ana, address)
    assert ana.client.post(f"{address}/open").status_code == 303
    assert "You asked everyone again" in page(ana, address)
    assert ana.client.post(f"{address}/cancel").status_code == 303
    seen = page(ana, address)
    assert "You cancelled it" in seen
    assert "meta http-equiv" not in seen


@pytest.mark.usefixtures("flag_on")
def test_what_lapsed_is_told_and_what_expired_can_be_asked_again(ana: Customer, marco: Mechanic, sweep: Any) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    fast_forward(minutes=10)
    assert "Everyone is asked" in page(ana, f"/customer/requests/{request_id}")  # by the clock: nobody has announced it
    sweep()
    assert "Marco did not answer in time, so everyone was asked" in page(ana, f"/customer/requests/{request_id}")
    fast_forward(minutes=16)
    sweep()
    assert "Ask again" in page(ana, f"/customer/requests/{request_id}")
    answer = ana.client.post(f"/customer/requests/{request_id}/again")
    assert answer.location.startswith("/checkout/")
    assert ana.client.post(f"/customer/requests/{request_id}/again").location == answer.location
    assert ana.pays_by_credits(answer.location.rsplit("/", 1)[-1]) != request_id


def test_the_page_of_the_two_is_theirs_alone(
    ana: Customer, ben: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner
) -> None:
    request_id = ana.books(vin="WVWZZZ1KZAW000001")
    address = f"/consultations/{one('SELECT session_id FROM session_requests')}"
    assert ana.client.get(address).location == f"/customer/requests/{request_id}"
    assert nadia.client.get(address).status_code == 404
    nadia.accepts(request_id)
    assert "nadia@demo.test" in page(ana, address)
    seen = page(nadia, address)
    for told in ("+1 555 0100", "WVWZZZ1KZAW000001", f"/mechanic/requests/{request_id}/start"):
        assert told in seen
    assert "Release" not in page(olga, address)
    for stranger in (ben, marco):
        for path in (address, f"{address}/live"):
            assert stranger.client.get(path).status_code == 404


def test_another_customers_pages_answer_like_missing_ones(ana: Customer, ben: Customer, marco: Mechanic) -> None:
    request_id = ana.books()
    consultation_id = one("SELECT session_id FROM session_requests")
    for path in (
        f"/customer/requests/{request_id}",
        f"/customer/requests/{request_id}/live",
        f"/waiver/{consultation_id}",
        f"/checkout/{consultation_id}",
    ):
        assert ben.client.get(path).status_code == 404
        assert marco.client.get(path).status_code == 403
    for verb in ("open", "cancel", "complete", "again"):
        assert ben.does(request_id, verb).status_code == 404
    assert one("SELECT status FROM session_requests") == "pending"


def test_a_mechanic_it_was_taken_back_from_reads_so(ana: Customer, nadia: Mechanic, omar: Mechanic) -> None:
    request_id = ana.books()
    nadia.accepts(request_id)
    address = f"/consultations/{one('SELECT session_id FROM session_requests')}"
    fast_forward(minutes=10)
    ana.does(request_id, "open")
    assert '<div class="stack"><h1>This is not your job any more</h1>' in page(nadia, f"{address}/live", DIALOG)
    seen = page(ana, f"{address}/live", DIALOG)
    assert "See where it stands" in seen
    assert ">Everyone is asked</span>" in seen
    for path in (address, f"{address}/live"):
        assert omar.client.get(path).status_code == 404
    assert nadia.client.get(address).status_code == 404


def test_a_session_request_written_by_hand_has_its_page_too(ana: Customer) -> None:
    values = "(customer_id, session_type, plan_code) VALUES (%s, 'chat', 'chat10')"
    request_id = one(f"INSERT INTO session_requests {values} RETURNING id", ana.id)
    assert "Everyone is asked" in page(ana, f"/customer/requests/{request_id}")
    assert "See where it stands" in page(ana, "/customer/dashboard")
    assert ana.does(request_id, "cancel").status_code == 200
    assert "Past sessions" in page(ana, "/customer/dashboard")


@pytest.mark.usefixtures("flag_on")
def test_the_mechanic_of_a_consultation_learns_no_other_mechanics_name(
    ana: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    marco.shows(request_id)
    marco.declines(request_id)
    nadia.accepts(request_id)
    seen = page(nadia, f"/consultations/{one('SELECT session_id FROM session_requests')}")
    assert "It reached another mechanic’s screen" in seen
    assert "Another mechanic declined" in seen
    assert "Marco" not in seen


def test_a_finished_consultation_offers_its_mechanic_as_a_favorite(ana: Customer, nadia: Mechanic) -> None:
    address = does_a_job(ana, nadia)
    for path in (address, "/customer/dashboard"):
        assert "Add Nadia to your favorites" in page(ana, path)
    ana.client.post(f"/customer/favorites/{nadia.id}")
    assert "Add Nadia" not in page(ana, address)


def test_customers_complete_once_the_plans_minutes_have_passed(ana: Customer, nadia: Mechanic) -> None:
    request_id = ana.books()
    nadia.accepts(request_id)
    nadia.does(request_id, "start")
    assert "Complete</button>" not in page(ana, f"/customer/requests/{request_id}")
    assert ana.does(request_id, "complete").get_json()["code"] == "TOO_EARLY"
    fast_forward(minutes=30)
    assert "Complete</button>" in page(ana, f"/customer/requests/{request_id}")
    assert ana.does(request_id, "complete").status_code == 200


def test_what_is_completed_can_be_booked_again_from_both_of_its_pages(ana: Customer, nadia: Mechanic) -> None:
    consultation = does_a_job(ana, nadia)
    waiting = f"/customer/requests/{one('SELECT id FROM session_requests')}"
    for address in (consultation, waiting):
        assert f'href="/customer/favorites/{nadia.id}/book"' in page(ana, address)


@pytest.mark.usefixtures("flag_on")
def test_each_reader_is_you(ana: Customer, marco: Mechanic, olga: Owner) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    ana.does(request_id, "open")
    marco.accepts(request_id)
    address = f"/consultations/{one('SELECT session_id FROM session_requests')}"
    for reader, told in {
        ana: ("Marco was asked first", "You asked everyone", "Marco accepted", "Marco starts it."),
        marco: ("You were asked first", "Ana asked everyone", "You accepted", "you start it."),
        olga: ("Marco was asked first", "Ana asked everyone", "Marco accepted", "Marco starts it."),
    }.items():
        seen = page(reader, address)
        assert [step for step in told if step not in seen] == []


@pytest.mark.usefixtures("flag_on")
def test_the_customer_reads_by_when(ana: Customer, marco: Mechanic) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    address = f"/customer/requests/{request_id}"
    assert "The time runs out at<time" in page(ana, address)
    ana.does(request_id, "open")
    assert "If nobody has accepted by<time" in page(ana, address)
    marco.accepts(request_id)
    for path in (address, f"/consultations/{one('SELECT session_id FROM session_requests')}"):
        assert "If Marco has not started by<time" in page(ana, path)
    fast_forward(minutes=10)
    assert "Marco has not started yet: wait, or ask everyone again." in page(ana, address)
