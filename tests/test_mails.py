"""Mails for who has no page open: once, in time, only who wants them, and ended by one press."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import pytest
from flask import Flask
from flask_mailman.backends.locmem import EmailBackend
from sqlalchemy.orm import Session

from favorites import settings
from favorites.dispatch import boards
from favorites.dispatch.mails import AFTER, TRIES, UNTIL, claim_mail
from favorites.live import live_of
from favorites.mail_words import word_for
from favorites.post import Post
from favorites.settings import ROOT, current
from tests.cast import Customer, Mechanic
from tests.conftest import engine
from tests.database import fast_forward, one, sql, until_waiting
from tests.pages import page
from tests.server import until

AGED = "UPDATE request_events SET at = at - make_interval(secs => %s)"
CLAIMED = """INSERT INTO mails (event_id, user_id, tries, next_try_at)
  SELECT e.id, c.user_id, %s, clock_timestamp() FROM request_events e JOIN customers c ON c.id = e.customer_id
   WHERE e.kind = 'request_accepted' AND e.audience = 'customer'"""
LEFT = "UPDATE mails SET next_try_at = clock_timestamp()"


def let_pass(seconds: float = AFTER) -> None:
    """Events, and what the customer did before, are as much older."""
    fast_forward(seconds=seconds)
    sql(AGED, seconds)
    sql("UPDATE customers SET page_seen_at = page_seen_at - make_interval(secs => %s)", seconds)


@pytest.fixture
def post(app: Flask) -> Post:
    """A post that nobody started: it delivers when a test says so."""
    return Post(app, lambda: True)


@pytest.fixture
def deliver(app: Flask, post: Post) -> Callable[[], list[Any]]:
    """One look at what is due; the mails that were sent by it."""

    def look() -> list[Any]:
        outbox = app.extensions["mailman"].outbox = []
        with Session(engine(app)) as session:
            post.deliver(session)
        return outbox

    return look


@pytest.fixture
def taken(ana: Customer, nadia: Mechanic) -> UUID:
    """Ana's session request, accepted by Nadia just now; Ana has no page open."""
    request_id = ana.books()
    assert nadia.accepts(request_id).status_code == 200
    return request_id


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail server does not answer."""
    monkeypatch.setattr(EmailBackend, "send_messages", Mock(side_effect=ConnectionRefusedError("ana@demo.test")))


def consultation(request_id: UUID) -> UUID:
    return one("SELECT session_id FROM session_requests WHERE id = %s", request_id)


def test_an_acceptance_is_told_once_in_plain_words(
    app: Flask, ana: Customer, taken: UUID, deliver: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current(), "public_url", "https://book.example")
    sql("UPDATE users SET time_zone = 'Asia/Tokyo' WHERE id = %s", ana.user_id)
    assert deliver() == []  # an open page has the first word
    let_pass()
    (mail,) = deliver()
    assert mail.to == [ana.email]
    assert mail.subject == "Nadia accepted"
    at = one("SELECT to_char(at AT TIME ZONE 'Asia/Tokyo', 'HH24:MI') FROM request_events ORDER BY id DESC LIMIT 1")
    assert mail.body.startswith(
        f"Hello Ana,\n\nNadia accepted, at {at} JST (Quick Chat for your 2014 Volkswagen Golf).\n\n"
        "Open the consultation to see how to reach each other:\n"
        f"https://book.example/consultations/{consultation(taken)}\n"
    )
    stop = f"https://book.example/mail/unsubscribe/{word_for(current(), ana.user_id)}"
    assert mail.body.strip().endswith(stop)
    with app.app_context():
        told = mail.message()
    assert told["List-Unsubscribe"] == f"<{stop}>"
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert told["Auto-Submitted"] == "auto-generated"
    assert told["Message-ID"].endswith("@book.example>")
    assert told.get_content_type() == "text/plain"
    assert deliver() == []


def test_an_expiry_is_told_with_the_way_on(
    ana: Customer, sweep: Callable[[], object], deliver: Callable[[], list[Any]]
) -> None:
    request_id = ana.books()
    fast_forward(minutes=16)
    sweep()
    let_pass()
    (mail,) = deliver()
    assert mail.subject == "Nobody took it in time"
    assert "What it cost is given back; you can ask again:" in mail.body
    assert f"http://127.0.0.1:{current().port}/customer/requests/{request_id}\n" in mail.body


def test_an_open_page_is_told_by_its_stream_alone(
    app: Flask, session: Session, ana: Customer, nadia: Mechanic, deliver: Callable[[], list[Any]]
) -> None:
    request_id = ana.books()
    ana.listens_to(request_id)
    nadia.accepts(request_id)
    hub = live_of(app).hub
    until(lambda: any(each.role == "customer" for each in hub.standings()), "the page has no stream")
    sql("UPDATE customers SET page_seen_at = NULL")
    live_of(app).feed.care._boards_at = 0.0
    live_of(app).feed.care.wake()
    until(lambda: one("SELECT page_seen_at FROM customers WHERE id = %s", ana.id), "nobody wrote it down")
    let_pass()
    assert deliver() == []


def test_a_page_that_was_closed_before_does_not_count(
    session: Session, ana: Customer, nadia: Mechanic, deliver: Callable[[], list[Any]]
) -> None:
    request_id = ana.books()
    boards.pages_seen(session, [ana.user_id])
    nadia.accepts(request_id)
    let_pass()
    assert len(deliver()) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE customers SET wants_mail = false",
        "UPDATE users SET confirmed_at = NULL",
        "UPDATE users SET active = false",
        f"UPDATE request_events SET at = at - interval '{UNTIL} seconds'",
    ],
    ids=["unsubscribed", "unconfirmed", "inactive", "too late"],
)
@pytest.mark.usefixtures("taken")
def test_who_is_not_written_to(change: str, deliver: Callable[[], list[Any]]) -> None:
    let_pass()
    sql(change)
    assert deliver() == []


def test_what_is_no_longer_so_is_not_told(
    ana: Customer,
    nadia: Mechanic,
    marco: Mechanic,
    taken: UUID,
    deliver: Callable[[], list[Any]],
    sweep: Callable[[], object],
) -> None:
    nadia.does(taken, "release")
    let_pass()
    assert deliver() == []
    marco.accepts(taken)
    let_pass()
    assert [mail.subject for mail in deliver()] == ["Marco accepted"]
    marco.does(taken, "release")
    fast_forward(minutes=16)
    sweep()
    let_pass()
    assert ana.does(taken, "again").status_code == 303
    draft = one("SELECT id FROM sessions WHERE form_key LIKE 'again:%%'")
    ana.pays_by_credits(draft)
    assert deliver() == []


@pytest.mark.usefixtures("taken")
def test_a_mail_that_another_process_is_claiming_is_not_claimed_too(
    session: Session, connect: Any, pool: ThreadPoolExecutor
) -> None:
    let_pass()
    another = connect()
    another.cursor().execute(CLAIMED.replace("clock_timestamp()", "now() + interval '2 minutes'"), (1,))
    claim = pool.submit(claim_mail, session)
    until_waiting()
    another.commit()
    assert claim.result(5) is None
    assert one("SELECT tries FROM mails") == 1


@pytest.mark.usefixtures("taken")
def test_of_several_senders_at_once_one_sends(app: Flask, pool: ThreadPoolExecutor) -> None:
    let_pass()
    outbox = app.extensions["mailman"].outbox = []

    def look(_: int) -> None:
        with Session(engine(app)) as session:
            Post(app, lambda: True).deliver(session)

    list(pool.map(look, range(6)))
    assert len(outbox) == 1
    assert one("SELECT (tries, sent_at IS NOT NULL)::text FROM mails") == "(1,t)"


CLAIMS = """
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from favorites import db
from favorites.dispatch.mails import claim_mail
with Session(create_engine("postgresql+psycopg2://", creator=db.connect)) as session:
    claim_mail(session)
"""


@pytest.mark.usefixtures("taken")
def test_killed_between_claim_and_mail_it_is_sent_later_by_another(
    tmp_path: Path, deliver: Callable[[], list[Any]]
) -> None:
    let_pass()
    switch = tmp_path / "switch"
    switch.write_text("claim_mail.after_commit")
    env = {**os.environ, "CRASH_AT": str(switch)}
    died = subprocess.run([sys.executable, "-c", CLAIMS], cwd=ROOT, env=env, capture_output=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert deliver() == []  # it may be on its way
    sql(LEFT)
    assert len(deliver()) == 1
    sql(LEFT)
    assert deliver() == []


@pytest.mark.usefixtures("taken")
def test_a_mail_server_that_is_away_is_tried_again_some_times(
    deliver: Callable[[], list[Any]], failing: None, caplog: pytest.LogCaptureFixture
) -> None:
    let_pass()
    waits = []
    for number in range(1, TRIES + 3):
        assert deliver() == []
        assert one("SELECT tries FROM mails") == min(number, TRIES)
        waits.append(one("SELECT round(extract(epoch FROM next_try_at - clock_timestamp()) / 60)::int FROM mails"))
        sql(LEFT)
    assert waits[:TRIES] == [2, 4, 8, 16]
    told = [record for record in caplog.records if "[Mail] Not sent" in record.getMessage()]
    assert [record.levelname for record in told] == ["WARNING"] * (TRIES - 1) + ["ERROR"]


@pytest.mark.usefixtures("taken")
def test_a_mail_that_was_given_up_holds_up_no_other(
    ben: Customer, marco: Mechanic, deliver: Callable[[], list[Any]]
) -> None:
    let_pass()
    sql(CLAIMED, TRIES)
    marco.accepts(ben.books())
    let_pass()
    assert [mail.to for mail in deliver()] == [[ben.email]]


@pytest.mark.usefixtures("taken")
def test_the_log_tells_of_a_mail_and_not_to_whom(
    app: Flask, ana: Customer, deliver: Callable[[], list[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    let_pass()
    assert len(deliver()) == 1
    said = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "[Mail] Sent" in said
    assert ana.email not in said


@pytest.mark.usefixtures("taken", "poller")
def test_the_post_of_the_process_that_polls_sends(app: Flask) -> None:
    let_pass()
    outbox = app.extensions["mailman"].outbox = []
    live_of(app)._post._round()
    assert len(outbox) == 1


@pytest.mark.usefixtures("taken", "port")
def test_where_another_process_polls_it_is_left_to_that_one(app: Flask) -> None:
    let_pass()
    outbox = app.extensions["mailman"].outbox = []
    live_of(app)._post._round()
    assert outbox == []


def wants(who: Customer) -> bool:
    return bool(one("SELECT wants_mail FROM customers WHERE id = %s", who.id))


def test_one_press_in_the_mail_program_ends_them(app: Flask, ana: Customer, ben: Customer) -> None:
    app.config["WTF_CSRF_ENABLED"] = True  # a mail program has no token of ours, and no cookie
    try:
        address = f"/mail/unsubscribe/{word_for(current(), ana.user_id)}"
        nobody = app.test_client()
        assert nobody.get(address).status_code == 200
        assert wants(ana)  # a mail scanner opens links, too
        for _ in range(2):
            answer = nobody.post(address, data={"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
            assert "We no longer write to you" in answer.text
        assert not wants(ana)
        assert wants(ben)
        assert ana.email not in answer.text
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_by_the_page_they_are_ended_and_begun_again(app: Flask, ana: Customer) -> None:
    word = word_for(current(), ana.user_id)
    nobody = app.test_client()
    assert nobody.post(f"/mail/unsubscribe/{word}").location == f"/mail/unsubscribe/{word}"
    assert "Write to me again" in nobody.get(f"/mail/unsubscribe/{word}").text
    assert not wants(ana)
    assert nobody.post(f"/mail/subscribe/{word}").status_code == 303
    assert wants(ana)


def test_a_word_that_is_nobodys_is_404(app: Flask, ana: Customer) -> None:
    word = word_for(current(), ana.user_id)
    sql("DELETE FROM users WHERE id = %s", ana.user_id)
    for wrong in (word, word[:-1] + ("a" if word[-1] != "a" else "b"), "nonsense"):
        for answer in (
            app.test_client().get(f"/mail/unsubscribe/{wrong}"),
            app.test_client().post(f"/mail/unsubscribe/{wrong}"),
            app.test_client().post(f"/mail/subscribe/{wrong}"),
        ):
            assert answer.status_code == 404


def test_a_word_of_an_older_key_still_counts(app: Flask, ana: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    word = word_for(current(), ana.user_id)
    older = settings.secret_key(current())
    monkeypatch.setattr(current(), "secret_key", settings.SecretStr("n" * 40))
    assert app.test_client().get(f"/mail/unsubscribe/{word}").status_code == 404
    monkeypatch.setattr(current(), "secret_key_fallbacks", [older])
    assert app.test_client().get(f"/mail/unsubscribe/{word}").status_code == 200


def test_the_account_has_the_switch(ana: Customer) -> None:
    assert f"We write to {ana.email}" in page(ana, "/customer/account")
    for wanted, button in (("0", "Write to me again"), ("1", "Stop these mails")):
        assert ana.client.post("/customer/account/mail", data={"wanted": wanted}).status_code == 303
        assert wants(ana) == (wanted == "1")
        assert button in page(ana, "/customer/account")
    sql("UPDATE users SET confirmed_at = NULL")
    assert re.search("Until you confirm your address", page(ana, "/customer/account"))


@pytest.mark.planted
@pytest.mark.usefixtures("taken")
def test_the_mails_rows_go_with_the_person_and_with_the_event(ana: Customer, deliver: Callable[[], list[Any]]) -> None:
    let_pass()
    deliver()
    assert one("SELECT count(*) FROM mails") == 1
    sql("DELETE FROM request_events WHERE id = (SELECT event_id FROM mails)")
    assert one("SELECT count(*) FROM mails") == 0
