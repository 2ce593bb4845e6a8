"""The mechanic's board: who sees what, what can be pressed, and what nobody learns before acceptance."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Engine

from favorites.queries import mechanic as queries
from favorites.queries.mechanic import BOARD, KNOWN
from favorites.settings import current
from favorites.web.mechanic import BLANK
from tests.cast import INTAKE, Customer, Mechanic, Person
from tests.database import fast_forward, one, sql

PRIVATE = {"phone": "+1 555 0100", "city": "Harbor City", "plate": "HRB 4711", "vin": "WVWZZZ1KZAW000001"}


def board(who: Person, languages: str = "en-US") -> str:
    answer = who.client.get("/mechanic/dashboard", headers={"Accept-Language": languages})
    assert answer.status_code == 200
    return answer.text


@pytest.mark.usefixtures("flag_on")
def test_r7_the_offer_shows_the_minutes_a_timestamp_and_a_live_countdown(ana: Customer, marco: Mechanic) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco, plan="video15", urgent=True)
    page = board(marco)
    assert "Ana specifically requested you! You have 5 minutes priority access." in page  # it is urgent
    for told in ("2014 Volkswagen Golf", INTAKE["concern"], "Standard Video, $29.99, 45 min", "Urgent", "First time"):
        assert told in page
    asked, expires = one(
        "SELECT priority_notified_at, priority_expires_at FROM session_requests WHERE id = %s", request_id
    )
    assert f'data-expires="{expires:%Y-%m-%dT%H:%M:%S}' in page
    assert f">{asked:%H:%M}</time>" in board(marco, "en-GB")
    assert f'data-request-id="{request_id}"' in page


@pytest.mark.usefixtures("flag_on")
def test_nothing_but_a_first_name_identifies_a_customer_before_acceptance(
    ana: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco, **PRIVATE)
    seen = board(marco) + marco.client.get(f"/mechanic/requests/{request_id}").text
    fast_forward(minutes=10)
    seen += board(nadia) + nadia.client.get(f"/mechanic/requests/{request_id}").text
    assert seen.count("Ana") > 4
    for identifying in ("Castillo", ana.email, *PRIVATE.values()):
        assert identifying not in seen


@pytest.mark.usefixtures("flag_on")
def test_inside_the_window_nobody_else_has_it_on_the_board(ana: Customer, marco: Mechanic, nadia: Mechanic) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    assert "No open requests." in board(nadia)
    assert nadia.client.get(f"/mechanic/requests/{request_id}").status_code == 404
    fast_forward(minutes=10)
    assert "Asked another mechanic first" in board(nadia)
    assert "You were asked first" in board(marco)


@pytest.mark.usefixtures("flag_on")
def test_the_offer_tells_the_last_job_with_this_customer(ana: Customer, marco: Mechanic) -> None:
    ana.favors(marco)
    first = ana.books(plan="video15")
    for verb in ("accept", "start", "complete"):
        assert marco.does(first, verb).status_code == 200
    ana.books_again(marco)
    day = one("SELECT to_char(closed_at, 'Mon FMDD, YYYY') FROM session_requests WHERE id = %s", first)
    told = " ".join(board(marco).split())
    assert "Last job with this customer:" in told
    assert f">{day}</time>, Standard Video." in told


def test_open_requests_stand_oldest_first(ana: Customer, ben: Customer, nadia: Mechanic) -> None:
    ben.books()
    ana.books()
    page = board(nadia)
    assert 0 < page.index(">Ben<") < page.index(">Ana<")


def test_what_all_cards_share_carries_the_id_of_each(
    ana: Customer, ben: Customer, marco: Mechanic, flag_on: None
) -> None:
    ana.favors(marco)
    offer, other = ana.books_again(marco), ben.books()
    free = board(marco)
    marco.accepts(offer)
    busy = board(marco)
    for told in (
        f"requests/{offer}/accept",
        f'action="/mechanic/requests/{offer}/decline"',
        f'data-hx-post="/mechanic/requests/{offer}/decline"',
        f'id="reason-{offer}"',
        f"requests/{other}/acc",
    ):
        assert free.count(told) == 1
    assert busy.count(f"why-{other}") == 2
    assert BLANK not in free + busy


def test_of_the_intake_no_card_reads_more_than_it_may_show() -> None:
    for statement in (BOARD, KNOWN):
        read = set(re.findall(r"intakes\.(\w+)", str(statement)))
        assert read == {"session_id", "year", "make", "model", "concern", "urgent"}


def test_the_same_card_tells_each_reader_their_own_time_in_their_own_way_and_what_is_true_now(
    ana: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    request_id = ana.books()
    asked = one("SELECT created_at FROM session_requests WHERE id = %s", request_id)
    told = (marco, "Europe/Vienna", "en-GB", "US$9.99"), (nadia, "Asia/Tokyo", "ja", "$9.99")
    for who, zone, languages, price in (*told, (marco, "Europe/Vienna", "de", "9,99\xa0$"), told[0]):
        sql("UPDATE users SET time_zone = %s FROM mechanics m WHERE m.user_id = users.id AND m.id = %s", zone, who.id)
        _, plan, when = re.split("<dt>Plan</dt>|<dt>Asked</dt>", board(who, languages))
        assert f", {price}, " in plan
        there = asked.astimezone(ZoneInfo(zone))
        assert f">{there.hour if languages == 'ja' else f'{there:%H}'}:{there:%M}</time>" in when
    sql("UPDATE intakes SET concern = 'It <b>rattles</b> now'")
    assert "It &lt;b&gt;rattles&lt;/b&gt; now" in board(nadia)


def test_a_longer_board_shows_the_oldest_and_says_so(
    monkeypatch: pytest.MonkeyPatch, ana: Customer, ben: Customer, nadia: Mechanic
) -> None:
    monkeypatch.setattr(queries, "LIMIT", 1)
    ben.books()
    assert "Only the oldest are shown." not in board(nadia)
    ana.books()
    page = board(nadia)
    assert ">Ben<" in page
    assert ">Ana<" not in page
    assert "Only the oldest are shown." in page


def test_accepting_leads_to_the_consultation_and_turns_the_other_buttons_off(
    ana: Customer, ben: Customer, nadia: Mechanic
) -> None:
    request_id, other_id = ana.books(), ben.books()
    answer = nadia.client.post(f"/mechanic/requests/{request_id}/accept")
    consultation_id = one("SELECT session_id FROM session_requests WHERE id = %s", request_id)
    assert (answer.status_code, answer.location) == (303, f"/consultations/{consultation_id}")
    page = board(nadia)
    assert "Your job" in page
    assert "You are on a job. Complete or release it first." in page
    assert f"/mechanic/requests/{other_id}/accept" not in page
    assert nadia.accepts(other_id).get_json()["code"] == "MECHANIC_HAS_ACTIVE_SESSION"


@pytest.mark.usefixtures("flag_on")
@pytest.mark.parametrize(("reason", "kept"), [("busy", "busy"), ("<script>", None), (None, None)])
def test_declining_keeps_the_reason_as_a_code_or_not_at_all(
    ana: Customer, marco: Mechanic, nadia: Mechanic, reason: str | None, kept: str | None
) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    assert marco.declines(request_id, **({"reason": reason} if reason else {})).status_code == 200
    why = "SELECT payload->>'why' FROM request_events WHERE session_request_id = %s AND actor = %s"
    assert one(why, request_id, f"mechanic:{marco.id}") == kept
    assert "No open requests." in board(marco)
    assert f"/mechanic/requests/{request_id}/accept" in board(nadia)


def test_a_job_goes_from_acceptance_through_start_to_the_end(ana: Customer, nadia: Mechanic) -> None:
    request_id = ana.books()
    nadia.accepts(request_id)
    assert f"/mechanic/requests/{request_id}/release" in board(nadia)
    nadia.does(request_id, "start")
    page = board(nadia)
    assert f"/mechanic/requests/{request_id}/complete" in page
    assert f"/mechanic/requests/{request_id}/release" not in page
    nadia.does(request_id, "complete")
    assert "Your job" not in board(nadia)


def test_a_released_job_leaves_the_mechanic_and_goes_to_the_others(
    ana: Customer, nadia: Mechanic, omar: Mechanic
) -> None:
    request_id = ana.books()
    nadia.accepts(request_id)
    assert nadia.does(request_id, "release").get_json() == {"ok": True, "next": "/mechanic/dashboard"}
    assert "No open requests." in board(nadia)
    assert "Needs another mechanic" in board(omar)


def close(request_id: UUID, ana: Customer, omar: Mechanic, how: str) -> None:
    if how == "taken":
        omar.accepts(request_id)
    elif how == "cancelled":
        ana.does(request_id, "cancel")
    else:
        sql("UPDATE session_requests SET status = 'expired', closed_at = clock_timestamp() WHERE id = %s", request_id)


@pytest.mark.planted
@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("taken", "Another mechanic took it."),
        ("cancelled", "The customer cancelled it."),
        ("expired", "Nobody took it in time."),
    ],
)
def test_a_request_that_is_gone_says_what_happened(
    ana: Customer, nadia: Mechanic, omar: Mechanic, how: str, sentence: str
) -> None:
    request_id = ana.books()
    close(request_id, ana, omar, how)
    page = nadia.client.get(f"/mechanic/requests/{request_id}").text
    assert sentence in page
    assert INTAKE["concern"] not in page
    assert f"/mechanic/requests/{request_id}/accept" not in page


def test_a_request_that_never_was_is_not_found(nadia: Mechanic) -> None:
    assert nadia.client.get(f"/mechanic/requests/{uuid4()}").status_code == 404


def test_a_shift_begins_and_ends_with_one_press(nadia: Mechanic) -> None:
    assert "You are off shift" in board(nadia)
    assert nadia.client.post("/mechanic/shift/start").status_code == 303
    assert "data-on-shift" in board(nadia)
    assert nadia.client.post("/mechanic/shift/end").status_code == 303
    assert "data-start-shift" in board(nadia)


def test_a_mechanic_takes_themselves_off_a_customers_favorites(ana: Customer, ben: Customer, marco: Mechanic) -> None:
    ana.favors(marco)
    ben.favors(marco)
    assert "Take me off" in board(marco)
    assert marco.client.post(f"/mechanic/customers/{ana.id}/leave").status_code == 303
    assert [row.customer_id for row in sql("SELECT customer_id FROM customer_favorites")] == [ben.id]


def test_the_fragment_is_the_board_alone_and_for_mechanics_only(app: Flask, ana: Customer, nadia: Mechanic) -> None:
    htmx = {"HX-Request": "true"}
    fragment = nadia.client.get("/mechanic/board", headers=htmx).text
    assert 'id="board"' in fragment
    assert "<html" not in fragment
    assert app.test_client().get("/mechanic/board", headers=htmx).status_code == 401
    assert ana.client.get("/mechanic/board", headers=htmx).status_code == 403


def test_who_waits_for_approval_reads_where_they_stand(zed: Mechanic) -> None:
    answer = zed.client.get("/mechanic/dashboard")
    assert answer.status_code == 403
    assert "Your application is with the owner" in answer.text


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements of this thread: the feed reads whenever it likes."""
    statements: list[str] = []
    here = threading.get_ident()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.get_ident() == here:
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield statements
    event.remove(Engine, "before_cursor_execute", note)


def test_the_board_asks_as_often_for_twenty_requests_as_for_one(
    invite: Callable[..., Customer], ana: Customer, nadia: Mechanic
) -> None:
    ana.books()
    nadia.client.get("/mechanic/board")
    with counted() as for_one:
        nadia.client.get("/mechanic/board")
    for number in range(19):
        customer = invite(Customer, f"Customer{number}", "Test")
        sql(
            "INSERT INTO session_requests (customer_id, session_type, plan_code) VALUES (%s, 'chat', 'chat10')",
            customer.id,
        )
    with counted() as for_twenty:
        page = nadia.client.get("/mechanic/board").text
    assert page.count("data-card") == 20
    assert len(for_twenty) == len(for_one)


def test_a_mechanic_answers_only_so_often_in_a_minute(
    monkeypatch: pytest.MonkeyPatch, ana: Customer, nadia: Mechanic, omar: Mechanic
) -> None:
    from favorites.web.limits import limiter

    monkeypatch.setattr(limiter, "enabled", True)
    monkeypatch.setattr(current(), "answers_per_minute", 2)
    request_id = uuid4()
    assert [nadia.accepts(request_id).status_code for _ in range(3)] == [404, 404, 429]
    assert omar.accepts(request_id).status_code == 404
