"""The waiting page tells the truth: what reached the favorite, who is asked and why, until when, the way out."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from favorites.web.limits import limiter
from tests.cast import Customer, Mechanic, Owner
from tests.database import fast_forward, one, sql
from tests.pages import is_there, page
from tests.requests_table import count, row, status

pytestmark = pytest.mark.usefixtures("flag_on")

LIFETIME = timedelta(minutes=15)
SILENT = "None of Marco’s devices has confirmed it yet."


@pytest.fixture
def asked(ana: Customer, marco: Mechanic) -> UUID:
    """Ana's, inside Marco's window."""
    ana.favors(marco)
    return ana.books_again(marco)


def waits(ana: Customer, request_id: UUID) -> str:
    """What Ana reads on her waiting page."""
    return page(ana, f"/customer/requests/{request_id}", {"Accept-Language": "en-GB"})


def clock(at: datetime, form: str = "%H:%M") -> str:
    """A time as the page has it."""
    return f">{at.strftime(form)}</time>"


def button(seen: str, text: str) -> str | None:
    """primary, secondary or danger: how loud that button is; None where there is none."""
    found = re.search(rf'<button type="submit" class="button button--(\w+)">{text}</button>', seen)
    return found[1] if found else None


# ---- delivered ----


def test_the_page_says_since_when_the_offer_is_on_the_mechanics_screen(
    asked: UUID, ana: Customer, marco: Mechanic
) -> None:
    ear = ana.listens_to(asked)
    assert "On its way to Marco’s devices." in waits(ana, asked)
    assert [marco.shows(asked).status_code for _ in range(3)] == [204] * 3
    assert ear.until("request_delivered")
    assert count(asked, "request_delivered", "customer") == 1
    seen = waits(ana, asked)
    assert "On Marco’s screen since<time" in seen
    assert clock(row(asked).delivered_at, "%H:%M:%S") in seen
    assert "It reached Marco’s screen" in seen


def test_only_who_was_asked_first_can_say_that_it_is_on_their_screen(
    asked: UUID, ana: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    assert nadia.shows(asked).status_code == 404
    assert ana.client.post(f"/mechanic/requests/{asked}/delivered").status_code == 403
    ana.does(asked, "open")
    assert nadia.shows(asked).status_code == 404
    assert marco.shows(asked).status_code == 204  # theirs, but nobody waits for it any more
    assert row(asked).delivered_at is None
    assert count(asked, "request_delivered", "customer") == 0


@pytest.mark.parametrize("foreign", [{"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_service_worker_needs_no_token_and_another_site_gets_nowhere(
    app: Flask, asked: UUID, marco: Mechanic, foreign: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    marco.client.environ_base.pop("HTTP_X_CSRFTOKEN")
    assert marco.shows(asked, **foreign).status_code == 403
    assert row(asked).delivered_at is None
    assert marco.shows(asked, Origin="http://localhost").status_code == 204
    assert row(asked).delivered_at


@pytest.fixture
def limited() -> Iterator[None]:
    limiter.reset()
    limiter.enabled = True
    yield
    limiter.enabled = False


@pytest.mark.usefixtures("limited")
def test_saying_so_too_often_costs_a_mechanic_no_answer(asked: UUID, marco: Mechanic) -> None:
    assert {marco.shows(asked).status_code for _ in range(31)} == {204, 429}
    assert marco.accepts(asked).status_code == 200


def test_after_30_seconds_without_a_device_the_way_out_is_the_loud_button(
    asked: UUID, ana: Customer, marco: Mechanic
) -> None:
    seen = waits(ana, asked)
    assert SILENT not in seen
    assert button(seen, "Ask everyone now") == "secondary"
    fast_forward(seconds=30)
    seen = waits(ana, asked)
    assert SILENT in seen
    assert button(seen, "Ask everyone now") == "primary"
    marco.shows(asked)
    seen = waits(ana, asked)
    assert SILENT not in seen
    assert button(seen, "Ask everyone now") == "secondary"


def test_the_page_looks_again_when_it_reads_differently(asked: UUID, ana: Customer, marco: Mechanic) -> None:
    def looks_in() -> float | None:
        found = re.search(r'hx-trigger="load delay:([\d.]+)s"', waits(ana, asked))
        return float(found[1]) if found else None

    assert 29 < (looks_in() or 0) < 31  # no device has said so
    marco.shows(asked)
    assert 9 * 60 - 2 < (looks_in() or 0) < 9 * 60 + 1  # the last minute
    fast_forward(minutes=9, seconds=30)
    assert looks_in() is None  # the rest is the countdown's
    ana.does(asked, "open")
    assert 10 * 60 - 2 < (looks_in() or 0) < 10 * 60 + 1  # the last third of the time
    marco.accepts(asked)
    assert 10 * 60 - 2 < (looks_in() or 0) < 10 * 60 + 1  # the grace
    marco.does(asked, "start")
    assert 30 * 60 - 2 < (looks_in() or 0) < 30 * 60 + 1  # the plan's minutes


def test_the_last_minute_says_what_comes_and_when(asked: UUID, ana: Customer) -> None:
    assert "The time runs out at<time" in waits(ana, asked)
    fast_forward(minutes=9, seconds=10)
    seen = waits(ana, asked)
    assert "Less than a minute is left. At<time" in seen
    assert clock(row(asked).priority_expires_at, "%H:%M:%S") in seen


def test_five_more_minutes_move_the_clock_and_are_told(asked: UUID, ana: Customer, marco: Mechanic) -> None:
    assert marco.does(asked, "extend").status_code == 200
    fast_forward(minutes=10)
    seen = waits(ana, asked)
    assert "Marco is asked first" in seen
    assert "Marco asked for 5 more minutes. If Marco can&#39;t" in seen
    assert 'max="900"' in seen
    assert "The time runs out at<time" in seen
    assert clock(row(asked).priority_expires_at) in seen


# ---- who is asked, and why ----


def test_why_everyone_is_asked(asked: UUID, ana: Customer, marco: Mechanic, sweep: Any) -> None:
    fast_forward(minutes=10)
    why = "Marco did not answer in time, so everyone was asked. 1 mechanic is asked."
    assert why in waits(ana, asked)  # by the clock: nobody has announced it
    sweep()
    assert why in waits(ana, asked)
    marco.accepts(asked)
    marco.does(asked, "release")
    assert "Marco gave it back, so everyone else was asked. There is no mechanic left" in waits(ana, asked)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda ana, marco, request_id: marco.declines(request_id), "Marco declined. 1 mechanic is asked."),
        (lambda ana, marco, request_id: ana.does(request_id, "open"), "You asked everyone. 2 mechanics are asked."),
    ],
)
def test_why_everyone_is_asked_by_an_answer(
    act: Any, why: str, asked: UUID, ana: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    act(ana, marco, asked)
    assert why in waits(ana, asked)


def test_what_the_owner_did_is_not_told_as_the_customers(
    asked: UUID, ana: Customer, nadia: Mechanic, olga: Owner
) -> None:
    olga.client.post(f"/admin/requests/{asked}/open", data={"reason": "other"})
    assert "The owner asked everyone. 2 mechanics are asked." in waits(ana, asked)


def test_a_favorite_who_is_not_asked_first_is_told_of_without_the_cause(
    asked: UUID, ana: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner
) -> None:
    marco.declines(asked)
    ana.does(asked, "cancel")
    second = ana.books_again(marco)
    assert "Marco is not taking first offers right now, so everyone was asked. 2 mech" in waits(ana, second)
    marco.accepts(second)
    address = f"/consultations/{row(second).session_id}"
    assert "Marco was asked by Ana not long ago, so everyone was asked" in page(olga, address)
    assert "<span>Everyone was asked</span>" in page(marco, address)


@pytest.mark.parametrize("reason", ["not_taking_offers", "mechanic_not_approved"])
@pytest.mark.planted
def test_every_other_cause_reads_the_same(reason: str, ana: Customer, marco: Mechanic) -> None:
    request_id = ana.books_again(marco)  # no favorite of hers
    assert "taking first offers" not in waits(ana, request_id)
    told = "UPDATE request_events SET payload = payload || jsonb_build_object('reason', %s) WHERE audience = 'customer'"
    sql(f"{told} AND session_request_id = %s", reason, request_id)
    assert "Marco is not taking first offers right now, so everyone was asked" in waits(ana, request_id)


def test_a_preferred_id_that_is_no_id_is_no_trouble(ana: Customer) -> None:
    request_id = ana.books(preferred_mechanic_id="<marco>", routing_type="priority_broadcast")
    assert "<span>Everyone was asked</span>" in waits(ana, request_id)


def test_how_many_are_asked_and_whether_anybody_is_there(
    ana: Customer, ben: Customer, marco: Mechanic, nadia: Mechanic, omar: Mechanic, zed: Mechanic
) -> None:
    request_id = ana.books()
    nobody = "3 mechanics are asked. Nobody is on shift right now; they can answer all the same."
    assert nobody in waits(ana, request_id)
    is_there(marco)
    assert "3 mechanics are asked; 1 is on shift now." in waits(ana, request_id)
    is_there(nadia)
    nadia.accepts(ben.books())
    assert "3 mechanics are asked; 2 are on shift now, 1 of them on a job." in waits(ana, request_id)
    fast_forward(seconds=31)
    assert nobody in waits(ana, request_id)


def test_of_a_workshop_its_own_mechanics_are_counted(ana: Customer, nadia: Mechanic, rita: Mechanic) -> None:
    ana.client.post("/w/harbor-garage")
    request_id = ana.books()
    seen = waits(ana, request_id)
    assert "Harbor Garage is asked" in seen
    assert "1 mechanic is asked." in seen
    ana.does(request_id, "open")
    assert "You asked everyone. 2 mechanics are asked." in waits(ana, request_id)


# ---- wait longer ----


@pytest.fixture
def everyones(ana: Customer) -> UUID:
    return ana.books()


def test_wait_longer_is_offered_in_the_last_third_and_once(everyones: UUID, ana: Customer) -> None:
    fast_forward(minutes=9, seconds=55)
    assert button(waits(ana, everyones), "Wait longer") is None
    fast_forward(seconds=5)
    seen = waits(ana, everyones)
    assert "Nobody has accepted yet. At<time" in seen
    assert button(seen, "Wait longer") == "primary"
    assert "Yes: Cancel" in seen
    before = row(everyones).expires_at
    assert ana.client.post(f"/customer/requests/{everyones}/prolong").status_code == 303
    assert row(everyones).expires_at == before + LIFETIME
    seen = waits(ana, everyones)
    assert "You decided to wait longer" in seen
    assert clock(before + LIFETIME) in seen
    fast_forward(minutes=19)
    assert button(waits(ana, everyones), "Wait longer") is None


def test_a_repeat_is_a_success_and_has_one_effect(everyones: UUID, ana: Customer) -> None:
    before = row(everyones).expires_at
    assert [ana.does(everyones, "prolong").status_code for _ in range(3)] == [200] * 3
    assert row(everyones).expires_at == before + LIFETIME
    assert count(everyones, "request_prolonged", "customer") == 1


def test_who_can_see_it_hears_that_its_clock_moves(
    asked: UUID, ana: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    marco.declines(asked)
    assert marco.hears("request_withdrawn")
    assert nadia.hears("new_request")
    ear = ana.listens_to(asked)
    ana.does(asked, "prolong")
    assert nadia.hears("request_prolonged", request_id=str(asked))
    assert ear.until("request_prolonged")
    assert marco.heard_nothing


def test_of_a_workshop_its_own_mechanics_hear_it(ana: Customer, nadia: Mechanic, rita: Mechanic) -> None:
    ana.client.post("/w/harbor-garage")
    request_id = ana.books()
    ana.does(request_id, "prolong")
    assert rita.hears("request_prolonged", request_id=str(request_id))
    assert nadia.heard_nothing


def test_a_poll_at_the_old_end_ends_nothing_and_knows_the_new_one(everyones: UUID, ana: Customer, sweep: Any) -> None:
    fast_forward(minutes=12)
    ana.does(everyones, "prolong")
    fast_forward(minutes=4)
    swept = sweep()
    assert (swept.expired, status(everyones)) == (0, "pending")
    assert swept.next_due == row(everyones).expires_at
    fast_forward(minutes=15)
    assert (sweep().expired, status(everyones)) == (1, "expired")
    assert one("SELECT sum(credits) FROM credit_entries") == 100


def test_an_end_that_nobody_has_written_down_gets_a_whole_lifetime(everyones: UUID, ana: Customer, sweep: Any) -> None:
    fast_forward(minutes=40)
    assert "The time is over; in a moment you read here how it ended." in waits(ana, everyones)
    assert ana.does(everyones, "prolong").status_code == 200
    assert "The time is over" not in waits(ana, everyones)
    left = one("SELECT expires_at - clock_timestamp() FROM session_requests WHERE id = %s", everyones)
    assert timedelta(minutes=14, seconds=50) < left <= LIFETIME
    assert sweep().expired == 0


def test_in_a_window_there_is_no_time_to_make_longer(asked: UUID, ana: Customer) -> None:
    assert ana.does(asked, "prolong").get_json()["code"] == "NO_TIME_RUNS"
    assert row(asked).expires_at is None


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        (("accept",), "ACCEPTED"),
        (("accept", "start", "complete"), "OVER"),
        (("cancel",), "CANCELLED"),
        ((), "EXPIRED"),
    ],
)
def test_what_is_over_is_told_in_a_sentence(
    steps: tuple[str, ...], code: str, everyones: UUID, ana: Customer, nadia: Mechanic, sweep: Any
) -> None:
    for step in steps:
        assert (ana if step == "cancel" else nadia).does(everyones, step).status_code == 200
    fast_forward(minutes=16)
    sweep()
    answer = ana.does(everyones, "prolong")
    assert (answer.status_code, answer.get_json()["code"]) == (409, code)
    assert answer.get_json()["error"].endswith(".")


def test_nobody_elses_can_be_made_longer(everyones: UUID, ben: Customer) -> None:
    assert ben.does(everyones, "prolong").status_code == 404
    assert row(everyones).prolonged_at is None


# ---- one timeline, three readers ----


def test_delivered_extended_and_prolonged_in_each_readers_words(
    asked: UUID, ana: Customer, marco: Mechanic, olga: Owner
) -> None:
    marco.shows(asked)
    assert marco.does(asked, "extend").status_code == 200
    ana.does(asked, "open")
    ana.does(asked, "prolong")
    marco.accepts(asked)
    hers = (
        *("Marco was asked first", "It reached Marco’s screen", "Marco asked for 5 more minutes", "You asked everyone"),
        *("You decided to wait longer", "Marco accepted"),
    )
    his = (
        *("You were asked first", "It reached your screen", "You asked for 5 more minutes", "Ana asked everyone"),
        *("Ana decided to wait longer", "You accepted"),
    )
    owners = [step.replace("You ", "Ana ") for step in hers]
    for reader, told in {ana: hers, marco: his, olga: owners}.items():
        seen = page(reader, f"/consultations/{row(asked).session_id}")
        assert re.findall(r"<span>([^<]+)</span></li>", seen) == list(told)


def test_the_owners_board_leads_to_what_happened(asked: UUID, olga: Owner, ben: Customer, nadia: Mechanic) -> None:
    address, story = f"/consultations/{row(asked).session_id}", f"/admin/requests/{asked}"
    assert f'<a class="target" href="{story}">Ana Castillo</a>' in page(olga, "/admin/requests")
    assert f'href="{address}"' in page(olga, story)
    assert "<span>Marco was asked first</span>" in page(olga, address)
    assert [stranger.client.get(address).status_code for stranger in (ben, nadia)] == [404, 404]
