"""A sign-in is a row: whoever ends it ends its cookie, and every copy."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner

from tests.cast import HASH, PASSWORD, Customer, Mechanic, Owner
from tests.database import one, sql
from tests.ears import Ear

PAGE = "/customer/favorites"


@pytest.fixture
def copy(app: Flask, ana: Customer) -> FlaskClient:
    """Another browser with a copy of Ana's cookie."""
    return copied(app, ana.client)


def copied(app: Flask, browser: FlaskClient) -> FlaskClient:
    cookie = browser.get_cookie("session")
    assert cookie
    other = app.test_client()
    other.set_cookie("session", cookie.value)
    return other


def is_in(browser: FlaskClient) -> bool:
    return browser.get(PAGE).status_code == 200


def test_a_cookie_copied_before_the_sign_out_is_worthless_after_it(ana: Customer, copy: FlaskClient) -> None:
    assert is_in(copy)
    answer = ana.client.post("/logout")
    assert (answer.status_code, answer.location) == (303, "/")
    assert not is_in(copy)
    assert not is_in(ana.client)


@pytest.mark.parametrize("days", [-40, -1, 1])
def test_our_clock_may_be_wrong_or_set_meanwhile(ana: Customer, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    signed = int(time.time())
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: signed + days * 86_400)
    assert is_in(ana.client)


def test_signing_out_here_leaves_the_other_browser_signed_in(ana: Customer) -> None:
    other = ana.new_client()
    ana.client.post("/logout")
    assert is_in(other)


def test_a_changed_password_ends_all_others_and_renews_this_one(app: Flask, ana: Customer, copy: FlaskClient) -> None:
    other = ana.new_client()
    answer = ana.client.post("/change", data={"password": PASSWORD, "new_password": "purple monkey lamp"})
    assert (answer.status_code, answer.location) == (303, "/")
    assert is_in(ana.client)
    assert not is_in(other)
    assert not is_in(copy)


def test_the_present_password_is_asked_for(ana: Customer) -> None:
    answer = ana.client.post("/change", data={"password": "wrong", "new_password": "purple monkey lamp"})
    assert answer.status_code == 422
    assert one("SELECT password FROM users") == HASH


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET password = 'x'",
        "UPDATE users SET role = 'admin'",
        "UPDATE users SET active = false",
        "UPDATE users SET fs_uniquifier = 'x'",
        "UPDATE sign_ins SET ended_at = clock_timestamp()",
        "UPDATE sign_ins SET expires_at = clock_timestamp()",
        "UPDATE sign_ins SET seen_at = clock_timestamp() - interval '15 days'",
        "DELETE FROM sign_ins",
        "DELETE FROM users",
    ],
)
def test_the_database_decides_who_is_signed_in(ana: Customer, change: str) -> None:
    assert is_in(ana.client)
    sql(change)
    assert not is_in(ana.client)


def test_a_suspended_mechanic_is_out_and_reads_why_when_back(app: Flask, marco: Mechanic) -> None:
    assert marco.client.get("/mechanic/dashboard").status_code == 200
    sql("UPDATE mechanics SET status = 'suspended'")
    assert marco.client.get("/mechanic/dashboard").status_code == 303
    answer = marco.new_client().get("/mechanic/dashboard")
    assert answer.status_code == 403
    assert "You are suspended" in answer.text


def test_every_sign_in_has_a_new_key_and_lasts_as_long_as_the_settings_say(app: Flask, ana: Customer) -> None:
    browser = app.test_client()
    for _ in range(2):
        browser.post("/login", data={"email": ana.email, "password": PASSWORD})
        browser.post("/logout")
    assert one("SELECT count(DISTINCT key_hash) FROM sign_ins") == 3
    (lasts,) = sql("SELECT expires_at - started_at FROM sign_ins ORDER BY started_at DESC LIMIT 1")
    assert abs(lasts[0] - timedelta(days=30)) < timedelta(seconds=1)


def test_the_cookie_from_before_the_sign_in_is_not_the_one_after_it(app: Flask, ana: Customer) -> None:
    browser = app.test_client()
    browser.get("/login")
    planted = copied(app, browser)
    browser.post("/login", data={"email": ana.email, "password": PASSWORD})
    assert is_in(browser)
    assert not is_in(planted)


def test_a_forged_cookie_is_nobody(app: Flask, ana: Customer) -> None:
    for planted in ({"_user_id": ana.uniquifier}, {"_user_id": ana.uniquifier, "sign_in": 5}, {"sign_in": "x" * 43}):
        browser = app.test_client()
        with browser.session_transaction() as session:
            session.update(planted)
        assert not is_in(browser)


def test_no_token_and_no_remembering_gets_around_it(app: Flask, ana: Customer) -> None:
    browser = app.test_client()
    answer = browser.post("/login?include_auth_token", data={"email": ana.email, "password": PASSWORD, "remember": "y"})
    assert [cookie.split("=")[0] for cookie in answer.headers.getlist("Set-Cookie")] == ["session"]
    for token in (ana.uniquifier, "x"):
        assert app.test_client().get(PAGE, headers={"Authentication-Token": token}).status_code == 303
        assert app.test_client().get(PAGE, query_string={"auth_token": token}).status_code == 303


def test_last_seen_is_written_once_a_minute(ana: Customer) -> None:
    seen = one("SELECT seen_at FROM sign_ins")
    assert is_in(ana.client)
    assert one("SELECT seen_at FROM sign_ins") == seen
    sql("UPDATE sign_ins SET seen_at = seen_at - interval '61 seconds'")
    assert is_in(ana.client)
    assert one("SELECT seen_at FROM sign_ins") > seen


def test_a_stream_that_comes_back_by_itself_is_nobody_s_use(marco: Mechanic) -> None:
    sql("UPDATE sign_ins SET seen_at = seen_at - interval '61 seconds'")
    seen = one("SELECT seen_at FROM sign_ins")
    ear = Ear(marco.port, "/mechanic/events", marco.cookie)
    assert ear.status == 200
    ear.close()
    assert one("SELECT seen_at FROM sign_ins") == seen
    assert marco.client.get("/mechanic/dashboard").status_code == 200
    assert one("SELECT seen_at FROM sign_ins") > seen


def test_who_may_go_where(app: Flask, ana: Customer, marco: Mechanic, zed: Mechanic, olga: Owner) -> None:
    pages = {"/customer/dashboard": [ana], "/mechanic/dashboard": [marco], "/admin": [olga]}
    for page, welcome in pages.items():
        for person in (ana, marco, zed, olga):
            assert person.client.get(page).status_code == (200 if person in welcome else 403), (page, person.first_name)


def test_an_owner_with_a_mechanics_row_works_at_the_board_too(olga: Owner) -> None:
    sql("INSERT INTO mechanics (user_id, first_name, status) VALUES (%s, 'Olga', 'approved')", olga.user_id)
    assert olga.client.get("/mechanic/dashboard").status_code == 200
    assert olga.client.get("/admin").status_code == 200


def test_anonymous_people_sign_in_first_and_programs_read_401(app: Flask) -> None:
    browser = app.test_client()
    assert browser.get(f"{PAGE}?x=1").location == f"/login?next={PAGE}?x%3D1"
    for headers in ({"Accept": "application/json"}, {"HX-Request": "true"}, {"Accept": "text/event-stream"}):
        assert browser.get(PAGE, headers=headers).status_code == 401, headers
    answer = browser.get(PAGE, headers={"Accept": "application/json"})
    assert answer.get_json() == {"error": "Please sign in.", "code": "SIGN_IN"}


def test_a_form_sent_without_a_sign_in_comes_back_to_its_page(app: Flask) -> None:
    address = "http://localhost/customer/favorites"
    answer = app.test_client().post("/mechanic/shift/start", headers={"Referer": address})
    assert answer.location == "/login?next=/customer/favorites"
    answer = app.test_client().post("/mechanic/shift/start", headers={"Referer": "http://evil.test/"})
    assert answer.location == "/login"


FULL = """CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN RAISE 'No space left on device' USING ERRCODE = 'disk_full'; END $$;
          CREATE TRIGGER disk_full BEFORE UPDATE ON sign_ins FOR EACH ROW EXECUTE FUNCTION disk_full()"""


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Nothing more can be written about sign-ins, and it is time to."""
    sql("UPDATE sign_ins SET seen_at = seen_at - interval '61 seconds'")
    sql(FULL)
    yield
    sql("DROP TRIGGER disk_full ON sign_ins; DROP FUNCTION disk_full")


def test_pages_are_read_on_while_nothing_can_be_written(ana: Customer, full_disk: None) -> None:
    """That somebody was here is a note; they are signed in without it."""
    assert is_in(ana.client)
