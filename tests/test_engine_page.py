"""The engine page: what the owner sees of polls, streams, database and what was not sent; and sending it again."""

import re
from collections.abc import Callable, Iterator
from math import inf
from uuid import UUID

import pytest
from flask import Flask
from flask_mailman.backends.locmem import EmailBackend
from sqlalchemy.orm import Session

from favorites.dispatch.mails import TRIES
from favorites.dispatch.processes import this_process
from favorites.live import live_of
from favorites.live.hub import Hub
from favorites.live.pusher import Pusher
from favorites.models.push import TRIES as PUSH_TRIES
from favorites.post import Post
from favorites.settings import current
from tests.cast import NOBODY, Customer, Mechanic, Owner
from tests.conftest import engine
from tests.database import fast_forward, one, sql
from tests.pushing import PushService, push_service
from tests.server import until
from tests.test_mails import let_pass
from tests.test_push import heard, looks, subscribes

SOON = 5  # seconds
RETRIED = "SELECT actor, subject_id, payload FROM owner_events WHERE kind = 'sending_retried'"


def page(olga: Owner) -> str:
    """The words of it, each once apart."""
    answer = olga.client.get("/admin/engine")
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text.partition('id="engine"')[2]).split())


def beats(*lateness: float | None, ago: float = 0, leader: str = "shop:1") -> None:
    """Polls, one after the other, the last `ago` seconds ago."""
    for left, late in enumerate(reversed(lateness)):
        sql(
            "INSERT INTO engine_beats (at, leader, lapsed, expired, lateness_ms)"
            " VALUES (clock_timestamp() - make_interval(secs => %s), %s, %s, 1, %s)",
            ago + len(lateness) - 1 - left,
            leader,
            0 if late is None else 1,
            late,
        )


@pytest.fixture
def silent(app: Flask, port: int) -> Iterator[None]:
    """The tests' own server tells nothing of itself."""
    care = live_of(app).feed.care
    kept, care._process_at = care._process_at, inf
    before = care.beat
    care.wake()
    until(lambda: care.beat > before, "it is through with what it was at", SOON)
    sql("DELETE FROM engine_processes")
    yield
    care._process_at = kept


def test_on_a_fresh_machine_every_part_says_what_will_stand_there(silent: None, olga: Owner) -> None:
    words = page(olga)
    for sentence in ("No poll yet.", "Everything was sent.", "Nothing is set aside.", "No process has told of itself"):
        assert sentence in words
    assert one("SELECT version_num FROM alembic_version") in words
    assert words.count(" KiB ") + words.count(" MiB ") == 1 + 5  # the database, and its biggest tables


def test_the_polls_of_a_day_are_told_with_their_leader_and_lateness(olga: Owner) -> None:
    beats(90_000, ago=90_000)  # yesterday's does not count
    beats(*range(1, 101), None, ago=2, leader="shop:77")
    words = page(olga)
    assert re.search(r"2 s ago Last poll|Last poll 2 s ago|Last poll 3 s ago", words), words
    assert "Polls in a day 101" in words
    assert "Windows announced 100" in words
    assert "Session requests expired 101" in words
    assert "Half of them within 50 ms" in words
    assert "19 of 20 within 95 ms" in words
    assert "The latest 100 ms" in words
    assert "shop:77" in words
    assert "No poll for" not in words


def test_a_poll_that_stopped_is_told_and_every_page_of_the_owners_leads_here(olga: Owner, ana: Customer) -> None:
    beats(5, ago=400)
    assert "No poll for 6 min 40 s" in page(olga)
    assert 'href="/admin/engine">What the engine says' in olga.client.get("/admin").text
    for other in (ana.client.get("/customer/dashboard").text, ana.client.get("/customer/favorites").text):
        assert "Notifications may be late." in other
        assert "What the engine says" not in other


def test_each_process_that_holds_streams_counts_while_it_is_fresh(silent: None, olga: Owner) -> None:
    beats(None, leader="shop:2")
    told = """INSERT INTO engine_processes (name, kind, streams, told, seen_at)
              VALUES (%s, %s, %s, %s, clock_timestamp() - make_interval(secs => %s))"""
    newest = one("SELECT coalesce(max(id), 0) FROM request_events")
    sql(told, "shop:2", "web", 3, newest, 1)
    sql(told, "shop:3", "hub", 40, newest, 9)
    sql(told, "shop:4", "web", 500, newest, 31)
    words = page(olga)
    assert "Open streams 43" in words
    assert "shop:2 Polls pages and streams 3" in words
    assert "shop:3 streams 40" in words
    assert "shop:4" not in words


def test_the_running_server_tells_how_many_streams_it_holds_and_leaves_in_order(
    app: Flask, port: int, olga: Owner, marco: Mechanic, nadia: Mechanic
) -> None:
    care = live_of(app).feed.care
    until(lambda: live_of(app).hub.open_streams() == 2, "both boards are open", SOON)
    care._process_at = 0.0
    care.wake()
    mine = "SELECT streams FROM engine_processes WHERE name = %s"
    until(lambda: sql(mine, this_process()) == [(2,)], "it has told of two", SOON)
    assert f"{this_process()} pages and streams 2" in page(olga)


def test_a_process_that_ends_takes_its_row_along(port: int) -> None:
    from favorites.live.feed import Feed
    from favorites.models import ProcessKind

    hub = Hub(per_user=1, most=1)
    feed = Feed(hub, lambda _deadline: None, kind=ProcessKind.HUB)
    sql("DELETE FROM engine_processes")
    mine = "SELECT kind FROM engine_processes WHERE name = %s AND kind = 'hub'"
    hub.start()
    feed.start()
    until(lambda: sql(mine, this_process()) == [("hub",)], "it tells of itself", SOON)
    feed.stop()
    hub.stop()
    assert sql(mine, this_process()) == []


def test_events_that_a_process_has_not_told_are_its_backlog(silent: None, ana: Customer, olga: Owner) -> None:
    newest = one("SELECT coalesce(max(id), 0) FROM request_events")
    request_id = ana.books()
    ana.does(request_id, "cancel")
    behind = one("SELECT count(*) FROM request_events WHERE id > %s", newest)
    assert behind > 2
    told = """INSERT INTO engine_processes (name, kind, streams, told, seen_at)
              VALUES (%s, 'hub', 0, %s, clock_timestamp() + make_interval(secs => %s))"""
    sql(told, "shop:8", newest, 0)  # they are younger than it takes to read them
    sql(told, "shop:9", newest, 3)
    words = page(olga)
    assert "shop:8 streams 0 0 " in words
    assert f"shop:9 streams 0 {behind} " in words
    assert f"Events to be told {behind}" in words


def test_a_row_that_the_sweep_fails_on_is_shown_with_the_way_to_it(ana: Customer, olga: Owner) -> None:
    request_id = ana.books()
    sql("UPDATE session_requests SET attempts = 3")
    shown = olga.client.get("/admin/engine").text
    assert f'href="/admin/requests/{request_id}"' in shown
    assert "Ana Castillo" in shown
    sql("UPDATE session_requests SET attempts = 0")
    assert "Nothing is set aside." in page(olga)


# ---- offers ----


@pytest.fixture(scope="module")
def listening() -> Iterator[PushService]:
    with push_service() as service:
        yield service


@pytest.fixture
def service(listening: PushService, monkeypatch: pytest.MonkeyPatch, flag_on: None) -> PushService:
    listening.heard, listening.answers, listening.more = [], [], {}
    monkeypatch.setattr(current(), "push_hosts", [listening.host])
    return listening


@pytest.fixture
def pusher(app: Flask, port: int) -> Pusher:
    found: Pusher = app.extensions["live"]._pusher
    return found


@pytest.fixture
def refused_offer(service: PushService, ana: Customer, marco: Mechanic) -> Callable[[], UUID]:
    """Ana asks Marco; the push service will not have it."""
    ana.favors(marco)
    assert subscribes(marco.client, service.endpoint("phone")) == 200

    def ask() -> UUID:
        service.answers = [403]
        request_id = ana.books_again(marco)
        given_up = "SELECT 1 FROM push_sendings WHERE tries >= 5 AND due_at <= clock_timestamp()"
        until(lambda: sql(given_up), "it is given up", SOON)
        return request_id

    return ask


def subscription_id() -> UUID:
    found: UUID = one("SELECT id FROM push_subscriptions")
    return found


def test_an_offer_that_was_refused_is_shown_at_once_and_sent_again_by_a_press(
    service: PushService, refused_offer: Callable[[], UUID], olga: Owner
) -> None:
    request_id = refused_offer()
    words = page(olga)
    assert "Marco Ana asks, until" in words
    assert service.host in words
    assert "/phone" not in words
    answer = olga.client.post(f"/admin/engine/pushes/{request_id}/{subscription_id()}/retry", follow_redirects=True)
    assert "1 is being sent again." in answer.text
    heard(service, "phone", 2)
    until(lambda: one("SELECT state FROM push_sendings") == "offered", "it was taken", SOON)
    assert "Everything was sent." in page(olga)
    assert sql(RETRIED) == [(f"admin:{olga.user_id}", request_id, {"what": "push"})]


def test_a_retry_has_as_many_tries_as_the_first_time(
    service: PushService, refused_offer: Callable[[], UUID], olga: Owner
) -> None:
    refused_offer()
    service.answers = [503] * 2
    olga.client.post("/admin/engine/pushes/retry")
    until(lambda: len(service.heard) == 3, "twice more", SOON)
    assert one("SELECT state, tries < 5 FROM push_sendings") == ("offering", True)


def test_an_offer_that_is_over_is_not_sent_again(
    service: PushService, pusher: Pusher, refused_offer: Callable[[], UUID], olga: Owner
) -> None:
    request_id = refused_offer()
    fast_forward(minutes=10)
    assert "Everything was sent." in page(olga)
    answer = olga.client.post(f"/admin/engine/pushes/{request_id}/{subscription_id()}/retry", follow_redirects=True)
    assert "Nothing was left to send" in answer.text
    assert sql(RETRIED) == []
    looks(pusher)
    assert {each["title"] for each in service.told("phone")[1:]} <= {"This offer is over"}


def test_what_is_in_a_senders_hands_or_another_browsers_is_left_alone(
    service: PushService, refused_offer: Callable[[], UUID], olga: Owner
) -> None:
    request_id = refused_offer()
    olga.client.post(f"/admin/engine/pushes/{request_id}/{NOBODY}/retry")
    sql("UPDATE push_sendings SET due_at = clock_timestamp() + interval '5 s'")
    olga.client.post("/admin/engine/pushes/retry")
    assert one("SELECT tries FROM push_sendings") == PUSH_TRIES
    assert sql(RETRIED) == []


# ---- mails ----


@pytest.fixture
def deliver(app: Flask) -> Callable[[], list[object]]:
    """One look at what is due; the mails that were sent by it."""

    def look() -> list[object]:
        outbox: list[object] = []
        app.extensions["mailman"].outbox = outbox
        with Session(engine(app)) as session:
            Post(app, lambda: True).deliver(session)
        return outbox

    return look


@pytest.fixture
def unsent(
    ana: Customer, nadia: Mechanic, deliver: Callable[[], list[object]], monkeypatch: pytest.MonkeyPatch
) -> UUID:
    """Ana's session request: Nadia accepted, and the mail server was down at every try."""
    request_id = ana.books()
    assert nadia.accepts(request_id).status_code == 200
    let_pass()
    with monkeypatch.context() as down:
        down.setattr(EmailBackend, "send_messages", lambda *_: (_ for _ in ()).throw(ConnectionRefusedError))
        for _ in range(TRIES):
            deliver()
            sql("UPDATE mails SET next_try_at = clock_timestamp()")
    assert deliver() == []
    return request_id


def test_a_mail_that_no_server_took_is_sent_again_by_a_press(
    unsent: UUID, ana: Customer, olga: Owner, deliver: Callable[[], list[object]]
) -> None:
    assert "Ana Castillo A mechanic accepted" in page(olga)
    event_id = one("SELECT event_id FROM mails")
    answer = olga.client.post(f"/admin/engine/mails/{event_id}/{ana.user_id}/retry", follow_redirects=True)
    assert "1 is being sent again." in answer.text
    assert "Everything was sent." in page(olga)
    (mail,) = deliver()
    assert mail.to == [ana.email]  # type: ignore[attr-defined] # Flask-Mailman's
    assert sql(RETRIED) == [(f"admin:{olga.user_id}", unsent, {"what": "mail"})]


def test_all_mails_are_sent_again_by_one_press(unsent: UUID, olga: Owner, deliver: Callable[[], list[object]]) -> None:
    olga.client.post("/admin/engine/mails/retry")
    assert len(deliver()) == 1
    olga.client.post("/admin/engine/mails/retry")
    assert len(sql(RETRIED)) == 1


@pytest.mark.parametrize(
    "what",
    [
        "UPDATE request_events SET at = at - interval '1 hour'",
        "UPDATE customers SET wants_mail = false",
        "UPDATE customers SET page_seen_at = clock_timestamp()",
    ],
)
def test_a_mail_that_nobody_needs_any_more_is_shown_without_a_button(
    unsent: UUID, olga: Owner, deliver: Callable[[], list[object]], what: str
) -> None:
    sql(what)
    assert "Too late, or no longer so" in page(olga)
    assert "Send again" not in page(olga)
    answer = olga.client.post("/admin/engine/mails/retry", follow_redirects=True)
    assert "Nothing was left to send" in answer.text
    assert deliver() == []


def test_a_mail_in_its_last_try_is_not_given_up(unsent: UUID, olga: Owner) -> None:
    sql("UPDATE mails SET next_try_at = clock_timestamp() + interval '959 s'")  # claimed a second ago
    assert "Everything was sent." in page(olga)
    sql("UPDATE mails SET next_try_at = clock_timestamp() + interval '839 s'")
    assert "Send again" in page(olga)


def test_yesterdays_mails_are_not_shown(unsent: UUID, olga: Owner) -> None:
    sql("UPDATE mails SET next_try_at = clock_timestamp() - interval '25 hours'")
    assert "Everything was sent." in page(olga)


def test_others_press_nothing(app: Flask, ana: Customer, marco: Mechanic) -> None:
    for path in ("pushes/retry", "mails/retry", f"pushes/{NOBODY}/{NOBODY}/retry", f"mails/1/{NOBODY}/retry"):
        for anyone in (ana, marco):
            assert anyone.client.post(f"/admin/engine/{path}").status_code == 403
