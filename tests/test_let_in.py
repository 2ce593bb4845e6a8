"""Many streams at once are let in by the rules of the views, and hear what they would hear from them."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder

from favorites.live import live_of
from favorites.live.stream import OURS
from favorites.web.let_in import let_in
from tests.cast import NOBODY, Customer, Mechanic, Owner, Person
from tests.database import one, sql
from tests.pages import counted
from tests.streams import Browser

BOARD, OWNERS = "/mechanic/events", "/admin/events"
CROSS = {"Sec-Fetch-Site": "cross-site"}
APART = {"Vary", "Date", "Connection"}  # headers that say nothing of the stream


class Knock:
    """Somebody who asks for a stream, and has not been let in."""

    def __init__(self, cookie: str, path: str, **headers: str) -> None:
        ours, its = socket.socketpair()
        self.browser, self._its = Browser(ours), its
        self.environ: dict[str, Any] = EnvironBuilder(path, headers={"Cookie": cookie, **headers}).get_environ()
        self.environ[OURS] = its

    @property
    def is_in(self) -> bool:
        return OURS not in self.environ

    def leaves(self) -> None:
        self.browser.sock.close()
        if not self.is_in:
            self._its.close()


@pytest.fixture
def knock(port: int) -> Iterator[Callable[..., Knock]]:
    everybody: list[Knock] = []

    def ask(who: Person | None, path: str, headers: dict[str, str] | None = None) -> Knock:
        everybody.append(Knock(who.cookie if who else "", path, **headers or {}))
        return everybody[-1]

    yield ask
    for each in everybody:
        each.leaves()


@pytest.fixture
def wish(ana: Customer) -> str:
    return f"/customer/requests/{ana.books()}/events"


def together(app: Flask, *knocks: Knock) -> None:
    let_in(app, [each.environ for each in knocks])


def test_who_is_let_in_is_whom_the_view_would(
    app: Flask, ana: Customer, ben: Customer, marco: Mechanic, zed: Mechanic, olga: Owner, wish: str, knock, invite
) -> None:
    suspended, gone = invite(Mechanic, "Sue", "Test", status="suspended"), invite(Mechanic, "Kim", "Test")
    away, renamed = invite(Mechanic, "Lou", "Test"), invite(Mechanic, "Max", "Test")
    paths = (BOARD, OWNERS, wish, f"/customer/requests/{uuid4()}/events", "/customer/requests/x/events", "/x/events")
    sql("UPDATE sign_ins SET ended_at = clock_timestamp() WHERE user_id = %s", gone.user_id)
    sql("UPDATE users SET active = false WHERE id = %s", away.user_id)
    sql("UPDATE users SET fs_uniquifier = 'x' WHERE id = %s", renamed.user_id)
    for who in (away, renamed):  # these changes end the sign-in by a trigger: without it they must count, too
        sql("UPDATE sign_ins SET ended_at = NULL WHERE user_id = %s", who.user_id)
    people = (ana, ben, marco, zed, olga, suspended, gone, away, renamed, None)
    asked = [(who, path, headers) for who in people for path in paths for headers in ({}, CROSS)]
    knocks = [knock(*each) for each in asked]
    together(app, *knocks)
    for (who, path, headers), each in zip(asked, knocks, strict=True):
        client = who.client if who else app.test_client()
        status = client.head(path, headers=headers).status_code
        assert each.is_in == (status == 200), (who and who.name, path, headers, status)
    assert sum(each.is_in for each in knocks) == 3  # Ana's page, Marco's board, the owner's


def test_a_cookie_that_we_have_not_signed_opens_nothing(app: Flask, marco: Mechanic, knock) -> None:
    forged, honest = knock(marco, BOARD), knock(marco, BOARD)
    forged.environ["HTTP_COOKIE"] = f"{marco.cookie[:-6]}forged"
    together(app, forged, honest)
    assert (forged.is_in, honest.is_in) == (False, True)


def test_a_foreign_host_opens_nothing(app: Flask, marco: Mechanic, knock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TRUSTED_HOSTS", ["localhost"])
    foreign, ours = knock(marco, BOARD), knock(marco, BOARD)
    foreign.environ["HTTP_HOST"] = "elsewhere.test"
    together(app, foreign, ours)
    assert (foreign.is_in, ours.is_in) == (False, True)


def test_the_head_is_that_of_the_view(app: Flask, marco: Mechanic, knock) -> None:
    answer = marco.client.get(BOARD, buffered=False)
    answer.close()
    quick = knock(marco, BOARD)
    together(app, quick, knock(marco, BOARD))
    status, *lines = quick.browser.until("\r\n\r\n").partition("\r\n\r\n")[0].split("\r\n")
    told = dict(line.split(": ", 1) for line in lines)
    assert (status, told["Connection"]) == ("HTTP/1.1 200 OK", "close")
    assert {name: value for name, value in told.items() if name not in APART} == {
        name: value for name, value in answer.headers if name not in APART
    }


@pytest.mark.parametrize("by", ["Last-Event-ID", "after"])
def test_each_goes_on_where_it_was(app: Flask, ana: Customer, knock, by: str) -> None:
    request_id = ana.books()
    wish = f"/customer/requests/{request_id}/events"
    newest = one("SELECT max(id) FROM request_events")
    asks = (lambda id_: (wish, {by: str(id_)})) if by != "after" else (lambda id_: (f"{wish}?after={id_}", {}))
    from_the_view = ana.listens_to(request_id, after=0)
    from_the_view.until("request_broadcast")
    beginning, present = knock(ana, *asks(0)), knock(ana, *asks(newest))
    together(app, beginning, present)
    present.browser.until("retry: ")
    ana.does(request_id, "cancel")
    from_the_view.until("request_cancelled")
    for each in (beginning, present):
        each.browser.until("event: request_cancelled")
    told = [heard.id for heard in from_the_view.all]
    assert beginning.browser.ids() == told
    assert present.browser.ids() == told[-1:]


def test_one_query_asks_who_they_are(app: Flask, ana: Customer, marco: Mechanic, olga: Owner, wish: str, knock) -> None:
    knocks = [knock(*each) for each in ((ana, wish), (marco, BOARD), (olga, OWNERS), (marco, BOARD), (None, BOARD))]
    with counted() as statements:
        together(app, *knocks)
    assert sum(each.is_in for each in knocks) == 4
    assert len([one for one in statements if "sign_ins.key_hash" in one]) == 1
    whose = [one for one in statements if one.startswith("SELECT EXISTS") and "session_requests.customer_id" in one]
    assert len(whose) == 1  # whether Ana's is Ana's


def test_a_full_house_is_for_the_view_to_tell(
    app: Flask, marco: Mechanic, knock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_of(app).hub, "most", 0)
    knocks = [knock(marco, BOARD), knock(marco, BOARD)]
    together(app, *knocks)
    assert not any(each.is_in for each in knocks)


def test_nobody_opens_more_than_is_allowed_by_coming_all_at_once(app: Flask, marco: Mechanic, knock) -> None:
    hub, all_came = live_of(app).hub, threading.Event()
    before = hub.open_streams()
    knocks = [knock(marco, BOARD) for _ in range(hub.per_user + 5)]
    hub.afterwards(lambda: all_came.wait(5) and None)  # it takes none before all have been told that there is room
    together(app, *knocks)
    assert all(each.is_in for each in knocks)
    all_came.set()
    too_many = [each for each in knocks if not each.browser.read()]
    assert len(too_many) == 5 + 1  # his own board is one
    assert hub.open_streams() == before + hub.per_user - 1


def test_a_request_without_a_cookie_or_a_key_is_nobody_s(app: Flask, knock, marco: Mechanic) -> None:
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = NOBODY
    cookie = client.get_cookie("session")
    assert cookie
    nobody = knock(None, BOARD)
    nobody.environ["HTTP_COOKIE"] = f"session={cookie.value}"
    stranger = knock(None, BOARD)
    together(app, nobody, stranger)
    assert not nobody.is_in
    assert not stranger.is_in
