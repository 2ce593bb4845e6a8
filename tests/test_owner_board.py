"""The owner's board, its alarms and the story of a session request."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from favorites.dispatch import alarm, due
from favorites.live import live_of
from favorites.post import Post
from favorites.queries import events, owner_board
from tests.cast import NOBODY, Customer, Mechanic, Owner
from tests.conftest import engine
from tests.database import fast_forward, one, sql
from tests.pages import is_there, page
from tests.test_mails import let_pass
from tests.test_mechanic_pages import counted

STREAM = "/admin/events"
ROWS = '<tr id="request-'


def board(olga: Owner, query: str = "") -> str:
    return page(olga, f"/admin/requests{query}")


def told(kind: str = "request_unattended") -> list[str]:
    reasons = "SELECT payload->>'reason' AS reason FROM request_events WHERE kind = %s ORDER BY id"
    return [row.reason for row in sql(reasons, kind)]


def steps(olga: Owner, request_id: UUID) -> list[dict[str, Any]]:
    answer = olga.client.get(f"/admin/requests/{request_id}", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    return list(answer.get_json()["steps"])


def since_now() -> int:
    """What happened before, in other tests, is none of ours."""
    return int(one("SELECT coalesce(max(id), 0) FROM request_events"))


@pytest.mark.usefixtures("flag_on")
def test_a_row_says_who_was_asked_and_when_it_was_delivered(
    ana: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner
) -> None:
    ana.favors(marco)
    is_there(nadia)
    request_id = ana.books_again(marco, urgent=True)
    assert "Marco first" in board(olga)
    assert "not delivered" in board(olga)
    assert "Urgent" in board(olga)
    marco.shows(request_id)
    assert "delivered<time" in board(olga)
    marco.declines(request_id)
    assert "1 can answer, 1 on shift" in board(olga)


def test_nobody_waits_is_not_nothing_matches(ana: Customer, olga: Owner) -> None:
    assert "Nobody waits." in board(olga)
    ana.books()
    assert "Nothing matches." in board(olga, "?plan=video15")
    assert "There is no such page." in board(olga, "?page=2")


@pytest.mark.usefixtures("flag_on")
def test_what_is_looked_for_stands_in_the_address(
    ana: Customer, ben: Customer, chloe: Customer, marco: Mechanic, nadia: Mechanic, rita: Mechanic, olga: Owner
) -> None:
    ana.favors(marco)
    ana.books_again(marco, urgent=True)
    nadia.accepts(ben.books("video15"))
    assert chloe.client.post("/w/harbor-garage").status_code == 303
    chloe.books()
    workshop = one("SELECT id FROM workshops")
    asked = {
        "": {"Ana", "Ben", "Chloe"},
        "?stage=priority": {"Ana"},
        "?stage=accepted": {"Ben"},
        "?stage=started": set(),
        "?stage=workshop": {"Chloe"},
        "?stage=broadcast": set(),
        "?stage=alarm": {"Ana", "Chloe"},
        "?plan=video15": {"Ben"},
        f"?workshop={workshop}": {"Chloe"},
        f"?mechanic={marco.id}": {"Ana"},
        f"?mechanic={nadia.id}": {"Ben"},
        "?urgent=1": {"Ana"},
        "?q=a+cas": {"Ana"},
        "?q=%25": set(),
        "?since=2999-01-01": set(),
        "?until=2999-01-01&q=ben": {"Ben"},
        "?stage=nonsense&workshop=x&mechanic=y&since=z&page=-1": {"Ana", "Ben", "Chloe"},
    }
    for query, names in asked.items():
        rows = board(olga, query).partition("<tbody>")[2]
        assert {name for name in ("Ana", "Ben", "Chloe") if name in rows} == names, query


def test_what_is_over_is_found_by_status_and_day(ana: Customer, nadia: Mechanic, olga: Owner) -> None:
    request_id = ana.books()
    ana.does(request_id, "cancel")
    sql("UPDATE session_requests SET closed_at = '2026-11-20 12:00+00', created_at = '2026-11-20 11:00+00'")
    assert "Nobody waits." in board(olga)
    address = f'href="/admin/requests/{request_id}"'
    assert address in board(olga, "?stage=cancelled&since=2026-11-20&until=2026-11-20")
    assert address not in board(olga, "?stage=cancelled&since=2026-11-21")
    assert address not in board(olga, "?stage=cancelled&until=2026-11-19")
    assert address not in board(olga, "?stage=expired")
    assert olga.client.get(f"/admin/requests/{request_id}").status_code == 200


def test_more_than_a_page_is_turned(
    ana: Customer, ben: Customer, chloe: Customer, olga: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_board, "LIMIT", 2)
    for customer in (ana, ben, chloe):
        customer.books()
    assert board(olga).count(ROWS) == 2
    assert 'rel="next"' in board(olga)
    assert board(olga, "?page=2").count(ROWS) == 1
    assert 'rel="next"' not in board(olga, "?page=2")


def test_the_board_takes_as_many_statements_for_many_rows_as_for_one(
    ana: Customer, ben: Customer, chloe: Customer, nadia: Mechanic, olga: Owner
) -> None:
    ana.books()
    board(olga)
    with counted() as for_one:
        board(olga)
    ben.books()
    nadia.accepts(chloe.books())
    with counted() as for_three:
        board(olga)
    assert len(for_three) == len(for_one) <= 9


@pytest.mark.usefixtures("port")
def test_owners_hear_that_something_happened_and_nothing_else(ana: Customer, nadia: Mechanic, olga: Owner) -> None:
    ear = olga.listens(STREAM)
    request_id = ana.books()
    heard = ear.until("request_broadcast")
    assert set(heard.data) == {"request_id", "at"}
    assert heard.data["request_id"] == str(request_id)
    nadia.accepts(request_id)
    assert set(ear.until("request_accepted").data) == {"request_id", "at"}
    assert [each.event for each in ear.all] == ["request_broadcast", "request_accepted"]  # once a transition


@pytest.mark.usefixtures("port")
def test_what_owners_missed_is_told_from_the_ring_and_from_the_table(
    app: Flask, ana: Customer, nadia: Mechanic, olga: Owner, quiet: Callable[[], None]
) -> None:
    before = since_now()
    request_id = ana.books()
    nadia.accepts(request_id)
    quiet()
    kinds = ["request_broadcast", "request_accepted"]
    ring = olga.listens(STREAM, after=before)
    ring.until("request_accepted")
    assert [each.event for each in ring.all] == kinds
    live_of(app).hub.begin(since_now())
    quiet()
    table = olga.listens(STREAM, after=before)
    table.until("request_accepted")
    assert [each.event for each in table.all] == kinds
    with Session(engine(app)) as session:
        missed = events.owner_backlog(session, before, 100)
    assert {str(signal.data["request_id"]) for signal in missed} == {str(request_id)}


@pytest.mark.usefixtures("port")
def test_only_owners_listen_and_only_as_long_as_they_are(
    app: Flask, ana: Customer, marco: Mechanic, olga: Owner
) -> None:
    assert app.test_client().get(STREAM).status_code == 401
    for person in (ana, marco):
        assert person.client.get(STREAM).status_code == 403
    ear = olga.listens(STREAM)
    sql("UPDATE users SET role = 'customer' WHERE id = %s", olga.user_id)
    assert ear.until_closed() < 5
    assert olga.client.get(STREAM).status_code == 401


def test_a_broadcast_that_finds_nobody_is_an_alarm_by_the_clock(ana: Customer, nadia: Mechanic, olga: Owner) -> None:
    is_there(nadia)
    ana.books()
    assert "Nobody has taken it" not in board(olga)
    assert 'data-count="0"' in page(olga, "/admin/settings")
    fast_forward(minutes=5)
    is_there(nadia)
    assert "Nobody has taken it" in board(olga)
    for place in ("", "/settings", "/alarms"):  # on every page of the room, whoever polls or does not
        shown = page(olga, f"/admin{place}")
        assert "1 customer waits for too long: nobody has taken it." in shown
        assert 'data-count="1"' in shown
    assert "<title>(1) Admin" in page(olga, "/admin")
    nadia.accepts(one("SELECT id FROM session_requests"))
    assert "Nothing. Everybody who waits" in page(olga, "/admin")


@pytest.mark.usefixtures("flag_on")
def test_a_window_is_no_broadcast_and_what_is_asked_anew_begins_anew(
    ana: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner
) -> None:
    is_there(nadia)
    ana.favors(marco)
    request_id = ana.books_again(marco)
    fast_forward(minutes=9)
    is_there(nadia)
    assert "Nobody has taken it" not in board(olga)
    fast_forward(minutes=6)
    is_there(nadia)
    assert "Nobody has taken it" in board(olga)
    nadia.accepts(request_id)
    nadia.does(request_id, "release")
    is_there(marco)
    assert "Nobody has taken it" not in board(olga)


def test_nobody_on_shift_is_an_alarm_at_once_until_somebody_who_can_help_comes(
    ana: Customer, rita: Mechanic, nadia: Mechanic, olga: Owner
) -> None:
    assert ana.client.post("/w/harbor-garage").status_code == 303
    ana.books()
    is_there(nadia)  # not of the workshop
    assert "1 customer waits and nobody who could help is on shift." in page(olga, "/admin")
    assert "Nobody who could take it is on shift." in board(olga)
    is_there(rita)
    assert "on shift." not in page(olga, "/admin").partition('id="glance"')[0]
    sql("UPDATE mechanics SET board_seen_at = clock_timestamp() - interval '31 seconds' WHERE id = %s", rita.id)
    assert "1 customer waits and nobody" in page(olga, "/admin")


def test_the_owner_is_told_once_however_many_poll(
    ana: Customer, nadia: Mechanic, olga: Owner, sweep: Callable[[], object]
) -> None:
    before = since_now()
    ana.books()
    for _ in range(3):
        sweep()
    fast_forward(minutes=6)
    sweep()
    assert told()[-1:] == ["nobody_on_shift"]
    assert one("SELECT count(*) FROM request_events WHERE kind = 'request_unattended' AND id > %s", before) == 1


def test_a_rescue_falls_due_and_wakes_the_poll(ana: Customer, nadia: Mechanic, session: Session) -> None:
    is_there(nadia)
    request_id = ana.books()
    alarm.raise_alarms(session)
    rescue = one("SELECT created_at + interval '5 minutes' FROM session_requests WHERE id = %s", request_id)
    assert due.left(session).next_due == rescue
    fast_forward(minutes=5)
    is_there(nadia)
    alarm.raise_alarms(session)
    assert told()[-1:] == ["rescue"]
    next_due = due.left(session).next_due
    assert next_due == one("SELECT expires_at FROM session_requests WHERE id = %s", request_id)


def test_owners_are_told_by_mail_once_for_each_session_request(
    app: Flask, ana: Customer, ben: Customer, nadia: Mechanic, olga: Owner, sweep: Callable[[], object]
) -> None:
    his, hers = ben.books(), ana.books()
    sweep()
    nadia.accepts(his)  # taken in time: not worth a mail any more
    let_pass()
    outbox = app.extensions["mailman"].outbox = []
    with Session(engine(app)) as session:
        post = Post(app, lambda: True)
        post.deliver(session)
        fast_forward(minutes=6)
        sweep()
        let_pass()
        post.deliver(session)
    mails = [mail for mail in outbox if mail.to == [olga.email]]
    assert [mail.subject for mail in mails] == ["Nobody who could take it is on shift: Ana, Quick Chat"]
    assert f"/admin/requests/{hers}" in mails[0].body
    assert "List-Unsubscribe" not in mails[0].extra_headers


@pytest.mark.usefixtures("flag_on")
def test_the_story_tells_every_step_with_who_when_and_by_which_rule(
    ana: Customer, marco: Mechanic, nadia: Mechanic, omar: Mechanic, olga: Owner, sweep: Callable[[], object]
) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    marco.shows(request_id)
    marco.declines(request_id, reason="busy")
    sweep()
    nadia.accepts(request_id)
    talk = one("SELECT session_id FROM session_requests WHERE id = %s", request_id)
    for person, words in ((ana, "Secret one"), (ana, "Secret two"), (nadia, "Secret three")):
        person.client.post(f"/consultations/{talk}/messages", data={"body": words})
    olga.client.post(
        f"/admin/requests/{request_id}/assign",
        data={"mechanic_id": str(omar.id), "reason": "no_show", "note": "Nadia is ill"},
    )
    omar.does(request_id, "start")
    omar.does(request_id, "complete")
    told = steps(olga, request_id)
    assert (told[0]["what"], told[0]["who"]) == ("Paid with 3 credits", "Ana Castillo, customer")
    told = told[1:]
    assert [step["what"] for step in told] == [
        "Marco was asked first",
        "It reached Marco’s screen",
        "Marco declined. Everyone was asked",
        "The owner was told: Nobody who could take it is on shift",
        "Nadia accepted",
        "Wrote 2 messages",
        "Wrote a message",
        "It was taken from Nadia Haddad",
        "Omar was assigned by the owner",
        "The consultation started",
        "The consultation was completed",
    ]
    assert [step["who"] for step in told[:3]] == ["Ana Castillo, customer", *["Marco Rossi, mechanic"] * 2]
    assert told[2]["rule"] == "Rule 7: a decline asks everyone at once."
    assert told[2]["heard"] == ["Ana Castillo", "Marco Rossi", "every eligible mechanic"]
    assert (told[8]["why"], told[8]["note"]) == ("Somebody did not come", "Nadia is ill")
    assert told[8]["who"] == "olga@demo.test, owner"
    assert all(step["rule"] for step in told if "rote" not in step["what"])
    shown = page(olga, f"/admin/requests/{request_id}")
    assert "Secret" not in shown
    for words in ("“Nadia is ill”", "Window until", "10 min", f"/consultations/{talk}"):
        assert words in shown


@pytest.mark.usefixtures("port")
def test_the_story_says_why_a_favorite_was_not_asked_first(ana: Customer, marco: Mechanic, olga: Owner) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    _, step = steps(olga, request_id)
    assert step["what"] == "Priority is switched off, so everyone was asked"
    assert step["rule"].startswith("Rule 2")
    assert "flag off" in page(olga, f"/admin/requests/{request_id}")


@pytest.mark.planted
@pytest.mark.usefixtures("flag_on")
def test_where_events_are_not_kept_the_row_tells_what_it_knows(ana: Customer, marco: Mechanic, olga: Owner) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    marco.declines(request_id)
    ana.does(request_id, "cancel")
    sql("DELETE FROM request_events WHERE session_request_id = %s", request_id)
    assert [step["what"] for step in steps(olga, request_id)] == [
        "Ana asked",
        "Paid with 3 credits",
        "Marco was asked first",
        "Marco declined",
        "Everyone was asked (preferred mechanic declined)",
        "It was cancelled",
        "3 credits went back",
    ]
    assert "are not kept" in page(olga, f"/admin/requests/{request_id}")


def test_what_is_not_there_has_no_story_and_no_form(olga: Owner) -> None:
    for place in ("", "/assign", "/cancel"):
        assert olga.client.get(f"/admin/requests/{NOBODY}{place}").status_code == 404


def test_the_form_of_an_act_is_a_page_and_a_dialog(
    ana: Customer, nadia: Mechanic, omar: Mechanic, zed: Mechanic, olga: Owner
) -> None:
    is_there(omar)
    request_id = ana.books()
    whole = page(olga, f"/admin/requests/{request_id}/assign")
    part = page(olga, f"/admin/requests/{request_id}/assign", {"HX-Request": "true"})
    assert "<html" in whole
    assert "<html" not in part
    for text in (whole, part):
        assert text.index("Omar Farouk (on shift)") < text.index("Nadia Haddad (not on shift)")
        assert "Zed" not in text
