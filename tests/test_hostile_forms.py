"""Every form: what is wrong stands at its field, what was typed stays, and whatever was typed is only ever text."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_security.recoverable import generate_reset_password_token
from werkzeug.test import TestResponse

from favorites.db import db
from favorites.models import User
from tests.cast import INTAKE, PASSWORD, Customer, Mechanic, Owner
from tests.database import one
from tests.hostile import LONG, VALUES, Read, state
from tests.test_protection import is_protected

GOOD = "purple monkey lamp"
PROGRAM = {"Accept": "application/json"}
TYPED = "\"'><img src=x onerror=xss()>"  # 26 characters, and what every text field takes
PERSON = {"first_name": "Dora", "last_name": TYPED, "email": "dora@example.com", "password": GOOD}
WORK = {"phone": "+1 555 0300", "city": "Harbor City", "about": f"Brakes.\nClutches. </textarea>{TYPED}"}
CAR = {"plate": "HRB 4711", "vin": "WVWZZZ1KZAW000001", "odometer": "98,000", "form_key": "one-form", "plan": "chat10"}
BOOKING = {**INTAKE, "name": TYPED, "year": "2014", "urgent": "1", **CAR}


class Form(NamedTuple):
    """`who` sends it where, what is good in it, and what is bad in each field."""

    who: str
    path: str
    good: dict[str, str]
    bad: dict[str, str]


FORMS = {
    "sign-up": Form(
        "nobody",
        "/sign-up",
        {**PERSON, "next": "/mechanics"},
        {"first_name": " ", "last_name": "x" * 81, "email": "<b>no address", "password": "2short"},
    ),
    "application": Form(
        "nobody",
        "/apply",
        {**PERSON, **WORK},
        {"first_name": "x" * 81, "email": "", "password": "2short", "phone": "<b>1", "city": " ", "about": "x" * 2001},
    ),
    "sign-in": Form("nobody", "/login", {"email": "ana@demo.test", "password": PASSWORD, "next": "/mechanics"}, {}),
    "new password": Form("nobody", "/reset/{token}", {"password": GOOD}, {"password": "2short"}),
    "change": Form(
        "ana",
        "/change",
        {"password": PASSWORD, "new_password": GOOD},
        {"password": "2wrong", "new_password": "2short"},
    ),
    "intake": Form(
        "ana",
        "/api/intake/start",
        BOOKING,
        {
            **{"name": "x" * 101, "email": "<b>nobody", "phone": "<b>12", "city": "x" * 101, "urgent": "perhaps"},
            **{"year": "1899", "make": "x" * 61, "model": "\x07", "vin": "<b>", "odometer": "9" * 31},
            **{"plate": "x" * 21, "concern": "<b>"},
        },
    ),
    "agreement": Form(
        "ana", "/waiver/{session_id}", {"full_name": TYPED, "consent": "1"}, {"full_name": "x" * 101, "consent": ""}
    ),
    "workshop": Form(
        "olga",
        "/admin/workshops",
        {"name": TYPED, "slug": "new-garage"},
        {"name": "x" * 201, "slug": "<b>Harbor Garage"},
    ),
    "credits": Form(
        "olga",
        "/admin/credits",
        {"email": "ana@demo.test", "credits": "5", "note": TYPED},
        {"email": "<b>nobody@demo.test", "credits": "9" * 31, "note": "x" * 201},
    ),
    "assignment": Form(
        "olga",
        "/admin/requests/{request_id}/assign",
        {"mechanic_id": "{mechanic_id}", "reason": "other", "note": TYPED},
        {"note": "x" * 201},
    ),
    "owner's cancel": Form(
        "olga", "/admin/requests/{request_id}/cancel", {"reason": "other", "note": TYPED}, {"note": "x" * 201}
    ),
    "workshop of a mechanic": Form(
        "olga", "/admin/mechanics/{mechanic_id}/workshop", {"workshop_id": "{workshop_id}"}, {"workshop_id": "<b>"}
    ),
    "settings": Form(
        "olga",
        "/admin/settings",
        {"priority_window_minutes": "8", "quiet_hours-from": "22:00", "quiet_hours-until": "06:00", "time_zone": "UTC"},
        {"priority_window_minutes": "<b>121", "priority_cooldown_minutes": "9" * 31, "time_zone": "<b>Mars"},
    ),
    "end of an account": Form("ana", "/account/erase", {"password": PASSWORD}, {"password": "2wrong"}),
    "end of a person": Form(
        "olga", "/admin/people/{user_id}/erase", {"reason": "asked", "sure": "1"}, {"reason": "<b>", "sure": ""}
    ),
    "suspension": Form(
        "olga",
        "/admin/mechanics/{mechanic_id}/suspend",
        {"reason": "other", "words": TYPED},
        {"words": "x" * 501},
    ),
    "workshop's name": Form(
        "olga",
        "/admin/workshops/{workshop_id}/change",
        {"name": TYPED, "routing": "hybrid"},
        {"name": "x" * 201},
    ),
    "mechanic of a workshop": Form(
        "olga", "/admin/workshops/{workshop_id}/join", {"email": "marco@demo.test"}, {"email": "<b>nobody@demo.test"}
    ),
    "grant": Form(
        "olga",
        "/admin/customers/{customer_id}/grant",
        {"credits": "5", "note": TYPED},
        {"credits": "9" * 31, "note": "x" * 201},
    ),
    "correction": Form(
        "olga",
        "/admin/customers/{customer_id}/correct",
        {"correction": "-5", "why": TYPED},
        {"correction": "-9999", "why": "x" * 201},
    ),
    "flag": Form("olga", "/admin/flag", {"state": "on"}, {}),
    "refund": Form(
        "olga",
        "/admin/requests/{request_id}/refund",
        {"reason": "customer_asked", "note": TYPED},
        {"reason": "<b>", "note": "x" * 201},
    ),
    "decline": Form("marco", "/mechanic/requests/{request_id}/decline", {"reason": "busy"}, {}),
}

Send = Callable[..., TestResponse]


@pytest.fixture
def send(app: Flask, ana: Customer, marco: Mechanic, olga: Owner, flag_on: None) -> Send:
    """Sends one of FORMS, in a world where it would be accepted."""
    ana.favors(marco)
    clients = {"nobody": app.test_client(), "ana": ana.client, "marco": marco.client, "olga": olga.client}
    workshop_id = one("INSERT INTO workshops (slug, name) VALUES ('harbor-garage', 'Harbor Garage') RETURNING id")
    ids = {"mechanic_id": marco.id, "user_id": ana.user_id, "workshop_id": workshop_id, "customer_id": ana.id}

    def with_ids(form: Form) -> dict[str, Any]:
        if "{session_id}" in form.path and "session_id" not in ids:
            ids["session_id"] = ana.starts_intake()
        if "{request_id}" in form.path and "request_id" not in ids:
            ids["request_id"] = ana.books_again(marco)
        if "{token}" in form.path:
            with app.test_request_context():
                ids["token"] = generate_reset_password_token(db.session.get(User, ana.user_id))
        return ids

    def post(form: Form, typed: dict[str, str] | None = None, **more: Any) -> TestResponse:
        known = with_ids(form)
        data = {
            name: value.format(**known) if value in ("{workshop_id}", "{mechanic_id}") else value
            for name, value in (typed or form.good).items()
        }
        client: FlaskClient = clients[form.who]
        return client.post(form.path.format(**known), data=data, **more)

    return post


BAD = [(name, field) for name, form in FORMS.items() for field in form.bad]


@pytest.mark.parametrize(("name", "field"), BAD, ids=[f"{name}-{field}" for name, field in BAD])
def test_a_bad_field_is_told_where_it_stands_and_everything_typed_stays(send: Send, name: str, field: str) -> None:
    form = FORMS[name]
    typed = form.good | {field: form.bad[field]}
    send(form, typed)  # what has to be there before, is there now
    before = state()
    answer = send(form, typed)
    assert answer.status_code == 422
    assert state() == before
    page = Read(answer.text)
    assert f"{field}-error" in page.ids
    assert f"{field}-error" in page.attributes[field]["aria-describedby"].split()
    assert page.attributes[field]["aria-invalid"] == "true"
    assert not page.runs
    for key, value in typed.items():
        if "password" in key:
            assert value not in answer.text
        elif key not in ("workshop_id", "mechanic_id") and (key, field) not in (
            ("urgent", "urgent"),
            ("reason", "reason"),
        ):
            assert page.fields[key].strip() == value.strip()


@pytest.mark.parametrize("name", [name for name in FORMS if name != "intake"])  # which answers as it is asked
def test_programs_read_every_mistake_as_json(send: Send, name: str) -> None:
    form = FORMS[name]
    for field, value in form.bad.items():
        answer = send(form, form.good | {field: value}, headers=PROGRAM)
        assert (answer.status_code, answer.is_json) == (422, True), field
        assert set(answer.get_json()) == {"error", "fields"}
        assert list(answer.get_json()["fields"]) == [field]


def test_a_failed_sign_in_keeps_the_address_and_tells_programs_so(send: Send) -> None:
    form = FORMS["sign-in"]
    typed = form.good | {"password": "2wrong", "email": '<b>ana"@demo.test'}
    answer = send(form, typed)
    assert answer.status_code == 422
    page = Read(answer.text)
    assert (page.fields["email"], page.fields["next"]) == (typed["email"], typed["next"])
    assert "2wrong" not in answer.text
    told = send(form, typed, headers=PROGRAM)
    assert (told.status_code, told.get_json()) == (
        422,
        {"error": "E-mail address or password is not right.", "fields": {}},
    )


def test_a_flag_that_is_neither_is_told_at_its_choice(send: Send) -> None:
    answer = send(FORMS["flag"], {"state": "<b>"})
    assert (answer.status_code, "priority-for-favorites-error" in Read(answer.text).ids) == (422, True)
    assert 'aria-describedby="priority-for-favorites-error"' in answer.text


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts without the hashes that make them slow to open."""
    monkeypatch.setattr("favorites.web.accounts.hash_password", str)
    for link in ("generate_confirmation_link", "generate_reset_link"):
        monkeypatch.setattr(f"favorites.web.accounts.{link}", lambda _user: ("http://localhost/x", "x"))


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.usefixtures("cheap")
def test_whatever_is_typed_into_a_field_gets_an_answer(send: Send, name: str) -> None:
    form = FORMS[name]
    for field in form.good:
        for turn, value in enumerate((VALUES[0], LONG) if "password" in field else VALUES):
            headers = PROGRAM if turn % 2 else {}
            answer = send(form, form.good | {field: value}, headers=headers)
            assert answer.status_code in {200, 303, 400, 404, 409, 422}, (field, value[:20])
            assert is_protected(answer.headers)
            assert answer.is_json or not Read(answer.text).runs
            if headers and answer.status_code >= 400 and name != "intake":
                assert set(answer.get_json()) in ({"error", "fields"}, {"error", "code"})


@pytest.mark.parametrize("password", [LONG, "\ufdfa" * 1000])
def test_a_password_of_any_length_is_wrong_and_no_more(send: Send, password: str) -> None:
    for email in ("ana@demo.test", "nobody@demo.test"):
        typed = {"email": email, "password": password}
        assert send(FORMS["sign-in"], typed).status_code == 422
    assert send(FORMS["change"], {"password": password, "new_password": GOOD}).status_code == 422
    assert send(FORMS["change"], {"password": PASSWORD, "new_password": password}).status_code == 422
    assert send(FORMS["new password"], {"password": password}).status_code == 422


@pytest.mark.parametrize("nothing", [None, ""])
@pytest.mark.parametrize("field", ["preferred_mechanic_id", "routing_type", "form_key", "year", "odometer"])
def test_what_was_not_chosen_may_be_sent_as_nothing(ana: Customer, field: str, nothing: str | None) -> None:
    answer = ana.client.post("/api/intake/start", json={**INTAKE, "vin": CAR["vin"], "plan": "chat10", field: nothing})
    assert answer.status_code == 201


@pytest.mark.parametrize("name", FORMS)
def test_a_stale_form_keeps_everything_but_passwords_and_can_be_sent_again(
    send: Send, app: Flask, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    form = FORMS[name]
    send(form, dict.fromkeys(form.good, ""))  # what has to be there before, is there now
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    browser = {"Accept": "text/html", "X-CSRFToken": ""}
    stale = send(form, form.good | {"csrf_token": "old"}, headers=browser)
    assert stale.status_code == 400
    assert "Please send again" in stale.text
    page = Read(stale.text)
    assert not page.runs
    passwords = {key: value for key, value in form.good.items() if "password" in key}
    assert not any(value in stale.text for value in passwords.values())
    for key in passwords:
        assert (page.attributes[key]["type"], page.fields[key]) == ("password", "")
    again = send(form, page.fields | passwords, headers=browser)
    assert again.status_code == 303, again.text


def test_a_search_shows_what_was_looked_for_as_text(ana: Customer) -> None:
    for path in ("/customer/favorites", "/mechanics"):
        for looked_for in (TYPED, "%", "_" * 200, "\\", "x" * 5000):
            answer = ana.client.get(path, query_string={"q": looked_for})
            assert answer.status_code == 200
            page = Read(answer.text)
            assert page.fields["q"] == looked_for[:64]
            assert not page.runs
