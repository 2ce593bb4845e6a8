"""How one gets an account, and back into it."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from passlib.hash import sha256_crypt

from favorites.web import next_page
from tests.cast import PASSWORD, Customer, Mechanic, Owner
from tests.database import one, sql
from tests.hashes import cheap_hashes

GOOD = "purple monkey lamp"
PERSON = {"first_name": "Dora", "last_name": "Lind", "email": "Dora@Example.com", "password": GOOD}
WORK = {"phone": "+1 555 0300", "city": "Harbor City", "about": "Brakes."}


@pytest.fixture(autouse=True)
def _hashes_are_cheap(app: Flask) -> Iterator[None]:
    with cheap_hashes(app):
        yield


@pytest.fixture
def dora(app: Flask, outbox: list[Any]) -> FlaskClient:
    """A browser nobody is signed in with."""
    return app.test_client()


@pytest.fixture
def outbox(app: Flask) -> Iterator[list[Any]]:
    """The mails sent in this test."""
    mailman = app.extensions["mailman"]
    mailman.outbox = []
    yield mailman.outbox
    mailman.outbox = []


def link_in(mail: Any, path: str) -> str:
    found = re.search(rf"http://localhost({path}\S+)", mail.body)
    assert found, mail.body
    return found[1]


def read(page: str) -> str:
    """A page as anybody reads it: without its token, and with one name for every address."""
    page = re.sub(r'(csrf_token" value="|data-csrf=")[^"]+', "", page)
    return re.sub(r"\w+@demo\.test", "somebody", page)


def errors_in(page: str) -> list[str]:
    return re.findall(r'class="field__error"[^>]*>([^<]+)<', page)


def test_dora_signs_up_and_in_and_starts_at_her_dashboard(dora: FlaskClient, outbox: list[Any]) -> None:
    answer = dora.post("/sign-up", data={**PERSON, "time_zone": "Europe/Vienna"})
    assert (answer.status_code, answer.location) == (303, "/login")
    user = one("SELECT email, role, time_zone, confirmed_at, password FROM users")
    assert user[:4] == ("dora@example.com", "customer", "Europe/Vienna", None)
    assert user.password.startswith("$argon2id$")
    assert one("SELECT first_name, last_name FROM customers") == ("Dora", "Lind")
    answer = dora.post("/login", data={"email": "DORA@example.com", "password": GOOD})
    assert (answer.status_code, answer.location) == (303, "/customer/dashboard")
    assert dora.get("/").location == "/customer/dashboard"


def test_the_link_in_the_mail_confirms_the_address(dora: FlaskClient, outbox: list[Any]) -> None:
    dora.post("/sign-up", data=PERSON)
    link = link_in(outbox[0], "/confirm/")
    assert f'action="{link}"' in dora.get(link).text
    assert one("SELECT confirmed_at IS NULL FROM users")  # a mail scanner opens links, too
    dora.post(link)
    assert one("SELECT confirmed_at IS NOT NULL FROM users")


def test_the_confirmation_can_be_sent_again(dora: FlaskClient, outbox: list[Any]) -> None:
    dora.post("/sign-up", data=PERSON)
    assert dora.post("/confirm", data={"email": PERSON["email"]}).status_code == 200
    dora.post(link_in(outbox[1], "/confirm/"))
    assert one("SELECT confirmed_at IS NOT NULL FROM users")


def test_an_applicant_waits_for_approval_and_reads_so(dora: FlaskClient) -> None:
    assert dora.post("/apply", data={**PERSON, **WORK}).status_code == 303
    assert one("SELECT status, phone, city, about FROM mechanics") == ("pending", *WORK.values())
    assert dora.post("/login", data=PERSON).location == "/mechanic/dashboard"
    answer = dora.get("/mechanic/dashboard")
    assert answer.status_code == 403
    assert "Your application is with the owner" in answer.text


def test_nobody_chooses_their_own_role_or_status(dora: FlaskClient) -> None:
    dora.post(
        "/apply", data={**PERSON, **WORK, "role": "admin", "status": "approved", "workshop_id": "x", "active": "0"}
    )
    assert one("SELECT role, active, status, workshop_id FROM users, mechanics") == ("mechanic", True, "pending", None)


def test_mistakes_stand_at_their_fields_and_what_was_typed_stays(dora: FlaskClient) -> None:
    answer = dora.post("/apply", data={**PERSON, "email": "no address", "password": "short", "phone": "1", "city": ""})
    assert answer.status_code == 422
    assert len(errors_in(answer.text)) == 4
    assert 'value="Dora"' in answer.text
    assert "short" not in answer.text
    assert not sql("SELECT 1 FROM users")


EASY = ["password", "Password1!", "12345678", "87654321", "qwertyuiop", "aaaaaaaa", "abcabcabc", "Iloveyou!!"]
EASY += ["p@ssw0rd", "book again", "BookAgain2026", "dora@example.com", "dora2026", "Lindlind", "mechanic1"]


@pytest.mark.parametrize("password", EASY)
def test_easy_passwords_are_refused(dora: FlaskClient, password: str) -> None:
    assert dora.post("/sign-up", data={**PERSON, "password": password}).status_code == 422


@pytest.mark.parametrize(
    "password", ["x7#kTq9z", "four plain words here", "ünïcödé-pässwörd", "long " * 12, "🙂🙃🙂🙂🙃🙃🙂🙃x"]
)
def test_any_other_password_will_do(dora: FlaskClient, password: str) -> None:
    assert dora.post("/sign-up", data={**PERSON, "password": password}).status_code == 303
    assert dora.post("/login", data={**PERSON, "password": password}).status_code == 303


def test_an_unknown_time_zone_is_utc(dora: FlaskClient) -> None:
    dora.post("/sign-up", data={**PERSON, "time_zone": "../../etc/passwd"})
    assert one("SELECT time_zone FROM users") == "UTC"


def test_a_taken_address_is_answered_like_a_free_one(ana: Customer, dora: FlaskClient, outbox: list[Any]) -> None:
    fresh = dora.post("/sign-up", data=PERSON)
    taken = dora.post("/sign-up", data={**PERSON, "email": ana.email.upper()})
    assert (fresh.status_code, fresh.location, fresh.text) == (taken.status_code, taken.location, taken.text)
    assert [mail.to for mail in outbox] == [["dora@example.com"], [ana.email]]
    assert "has an account already" in outbox[1].body
    assert one("SELECT count(*) FROM users WHERE email = %s", ana.email) == 1


@pytest.mark.parametrize("path", ["/reset", "/confirm"])
def test_an_unknown_address_is_answered_like_a_known_one(
    ana: Customer, dora: FlaskClient, outbox: list[Any], path: str
) -> None:
    sql("UPDATE users SET confirmed_at = NULL")
    known = dora.post(path, data={"email": ana.email})
    unknown = dora.post(path, data={"email": "amy@demo.test"})
    assert known.status_code == unknown.status_code == 200
    assert read(known.text) == read(unknown.text)
    assert len(outbox) == 1


@pytest.mark.parametrize("path", ["/reset", "/confirm"])
def test_nor_does_it_take_longer(ana: Customer, dora: FlaskClient, outbox: list[Any], path: str) -> None:
    sql("UPDATE users SET confirmed_at = NULL")

    def work(email: str) -> float:
        began = time.thread_time()
        dora.post(path, data={"email": email})
        return time.thread_time() - began

    work("amy@demo.test")  # what is made once
    assert abs(work(ana.email) - work("amy@demo.test")) < 0.1
    assert len(outbox) == 1


def test_a_link_of_the_former_version_confirms(app: Flask, dora: FlaskClient, outbox: list[Any]) -> None:
    security = app.extensions["security"]
    ours = security.hashing_context
    security.hashing_context = sha256_crypt.using(rounds=1000)
    dora.post("/sign-up", data=PERSON)
    security.hashing_context = ours
    dora.post(link_in(outbox[0], "/confirm/"))
    assert one("SELECT confirmed_at IS NOT NULL FROM users")


def test_a_wrong_password_and_an_unknown_address_read_the_same(ana: Customer, dora: FlaskClient) -> None:
    wrong = dora.post("/login", data={"email": ana.email, "password": "wrong"})
    unknown = dora.post("/login", data={"email": "amy@demo.test", "password": "wrong"})
    assert read(wrong.text) == read(unknown.text)
    assert "E-mail address or password is not right." in wrong.text


def test_ana_forgot_her_password_and_chooses_a_new_one_once(
    ana: Customer, dora: FlaskClient, outbox: list[Any]
) -> None:
    dora.post("/reset", data={"email": ana.email})
    link = link_in(outbox[0], "/reset/")
    assert dora.get(link).status_code == 200
    assert dora.post(link, data={"password": "password"}).status_code == 422
    assert dora.post(link, data={"password": GOOD}).location == "/login"
    assert ana.client.get("/customer/dashboard").status_code == 303
    assert dora.post(link, data={"password": "another good lamp"}).location == "/reset"
    assert dora.post("/login", data={"email": ana.email, "password": PASSWORD}).status_code == 422
    assert dora.post("/login", data={"email": ana.email, "password": GOOD}).status_code == 303


def test_everyone_starts_from_their_own_page(ana: Customer, marco: Mechanic, olga: Owner, dora: FlaskClient) -> None:
    places = {ana: "/customer/dashboard", marco: "/mechanic/dashboard", olga: "/admin"}
    for person, place in places.items():
        assert person.client.get("/").location == place
        assert person.client.get("/login").location == place
        assert person.client.get("/sign-up").location == place


def test_the_start_page_says_when_there_is_no_owner(dora: FlaskClient) -> None:
    assert "flask owner add you@example.com" in dora.get("/").text
    sql("INSERT INTO users (email, role, fs_uniquifier) VALUES ('olga@demo.test', 'admin', 'x')")
    assert "flask owner add" not in dora.get("/").text


EVIL = [
    "//evil.test",
    "///evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "https:evil.test",
    "https://evil.test",
    "//evil@x",
]
EVIL += [
    "javascript:alert(1)",
    "/\t/evil.test",
    "/\n/evil.test",
    "/%0d%0aX: y\r\nX: y",
    " //evil.test",
    "\x19//evil.test",
]
EVIL += [
    "/a\\..\\evil",
    "http:/evil.test",
    "evil.test",
    "data:text/html,x",
    "/ok\r\nSet-Cookie: x=y",
    "/ü",
    "?x",
    "#x",
    "",
]


@pytest.mark.parametrize("evil", EVIL)
def test_no_address_leads_elsewhere(evil: str) -> None:
    assert next_page.safe(evil) == ""


@pytest.mark.parametrize("local", ["/", "/mechanics", "/customer/favorites?find=a%20b&x=1#top", "/w/harbor-garage"])
def test_our_own_addresses_do(local: str) -> None:
    assert next_page.safe(local) == local


@pytest.mark.parametrize("evil", ["//evil.test", "/\\evil.test", "/ok\r\nX: y"])
def test_after_signing_in_nobody_lands_elsewhere(ana: Customer, dora: FlaskClient, evil: str) -> None:
    form = {"email": ana.email, "password": PASSWORD, "next": evil}
    assert dora.post("/login", query_string={"next": evil}, data=form).location == "/customer/dashboard"


def test_after_signing_in_ana_is_where_she_wanted_to_go(ana: Customer, dora: FlaskClient) -> None:
    wanted = dora.get("/customer/favorites?find=marco%20r")
    assert wanted.status_code == 303
    page = dora.get(wanted.location)
    kept = re.search(r'name="next" value="([^"]+)"', page.text)
    assert kept
    form = {"email": ana.email, "password": PASSWORD, "next": kept[1].replace("&amp;", "&")}
    assert dora.post("/login", data=form).location == "/customer/favorites?find=marco%20r"


def test_signing_in_keeps_the_time_zone_of_the_browser(dora: FlaskClient) -> None:
    dora.post("/sign-up", data=PERSON)
    for zone, kept in (("Europe/Vienna", "Europe/Vienna"), ("Nowhere/At-all", "Europe/Vienna"), ("", "Europe/Vienna")):
        signing_in = {"email": PERSON["email"], "password": PERSON["password"], "time_zone": zone}
        assert dora.post("/login", data=signing_in).status_code == 303
        assert one("SELECT time_zone FROM users") == kept
        dora.post("/logout")


def test_a_form_sent_while_signed_out_leads_back_to_a_page_that_can_be_read(dora: FlaskClient) -> None:
    for form, following in (
        ("/mechanic/dashboard", "/login?next=/mechanic/dashboard"),
        ("/mechanic/shift/end", "/login"),
    ):
        answer = dora.post("/mechanic/shift/end", headers={"Referer": f"http://localhost{form}"})
        assert answer.location == following


def test_the_way_to_sign_up_keeps_where_one_wanted_to_go(dora: FlaskClient) -> None:
    assert 'href="/sign-up?next=/mechanics"' in dora.get("/login?next=/mechanics").text
    assert 'href="/login?next=/mechanics"' in dora.get("/sign-up?next=/mechanics").text
