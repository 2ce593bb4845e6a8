"""Whatever is sent, by whomever, to whatever address: a clear answer, no crash, nothing that leaks or leads away."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from favorites.models import User
from favorites.web import next_page
from tests.cast import NOBODY, PASSWORD, Customer, Mechanic, Owner, Person
from tests.database import one, sql
from tests.hostile import BODIES, ELSEWHERE, HEADERS, PLACES, address, state
from tests.matrix import a_photo
from tests.test_protection import is_protected

EVERYBODY, IN_TURN = ("GET", "POST"), ("HEAD", "PUT", "DELETE", "OPTIONS")  # `test_v20` asks everybody by these, too
PROGRAM = {"Accept": "application/json"}

Everybody = dict[str, FlaskClient]


@pytest.fixture
def everybody(app: Flask, ana: Customer, ben: Customer, marco: Mechanic, zed: Mechanic, olga: Owner) -> Everybody:
    people: list[Person] = [ana, ben, marco, zed, olga]
    return {"nobody": app.test_client(), **{one.first_name: one.client for one in people}}


def fits(client: FlaskClient, path: str, **asked: Any) -> int:
    """Send it; the status, of an answer that is in order. A crash propagates, as the tests' application lets it."""
    with client.open(path, **asked) as answer:
        assert answer.status_code < 500 or path == "/readyz", (path, asked, answer.status_code)
        assert is_protected(answer.headers), (path, asked)
        return answer.status_code


def test_every_route_answers_everybody_by_every_method(app: Flask, everybody: Everybody) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint != "security.logout"]
    clients = list(everybody.values())
    for turn, rule in enumerate(rules):
        for method in (*EVERYBODY, *IN_TURN):
            headers = None if method in (rule.methods or ()) else PROGRAM  # one page of 405 is as another
            for client in clients if method in EVERYBODY else [clients[turn % len(clients)]]:
                status = fits(client, address(rule, NOBODY), method=method, headers=headers)
                assert method not in {"PUT", "DELETE"} or status == 405


def test_nothing_is_changed_by_reading(app: Flask, everybody: Everybody, ana: Customer, marco: Mechanic) -> None:
    ids = things(ana, marco)
    before = state()
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()):
            for client in everybody.values():
                for method in ("GET", "HEAD"):
                    fits(client, address(rule, ids), method=method)
    assert state() == before


def things(customer: Customer, mechanic: Mechanic) -> dict[str, Any]:
    """One of everything that an address can name; the session request is accepted."""
    slug, workshop_id = one("INSERT INTO workshops (slug, name) VALUES ('harbor-garage', 'H') RETURNING slug, id")
    request_id = customer.books()
    assert mechanic.accepts(request_id).status_code == 200
    session_id = one("SELECT session_id FROM session_requests WHERE id = %s", request_id)
    assert customer.client.post(f"/consultations/{session_id}/photos", data=a_photo()).status_code == 303
    people = {"customer_id": customer.id, "mechanic_id": mechanic.id, "photo_id": one("SELECT message_id FROM photos")}
    asked = {
        "slug": slug,
        "user_id": customer.user_id,
        "request_id": request_id,
        "session_id": session_id,
        "vehicle_id": NOBODY,
        "workshop_id": workshop_id,
        "subscription_id": NOBODY,
        "event_id": 1,
    }
    return {**people, **asked, "token": "x", "filename": "x", "word": "x"}


def test_whatever_stands_in_an_address_where_an_id_should(app: Flask, everybody: Everybody) -> None:
    clients = list(everybody.values())
    for rule in app.url_map.iter_rules():
        for turn, place in enumerate(PLACES if "<" in rule.rule else []):
            for method in ("GET", "POST"):
                fits(clients[turn % len(clients)], address(rule, place), method=method)


@pytest.mark.usefixtures("fast_hashes")
def test_whatever_body_is_sent_to_whatever_takes_one(
    app: Flask, everybody: Everybody, ana: Customer, nadia: Mechanic, marco: Mechanic
) -> None:
    ids = things(ana, nadia)
    guests = {"accounts", "security"}
    for rule in app.url_map.iter_rules():
        area = rule.endpoint.partition(".")[0]
        if "POST" not in (rule.methods or ()) or rule.endpoint in {"admin.judge", "security.logout"}:
            continue
        who = {"mechanic": "Marco", "admin": "Olga"}.get(area, "nobody" if area in guests else "Ana")
        for content_type, body in BODIES:
            fits(everybody[who], address(rule, ids), method="POST", data=body, content_type=content_type)


@pytest.fixture
def fast_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an unknown address costs, so that it takes as long as a known one, is not what is tested here."""
    monkeypatch.setattr("flask_security.views.hash_password", str)
    monkeypatch.setattr("flask_security.forms.hash_password", str)


READ = ("/", "/login", "/customer/dashboard", "/static/css/base.css", "/mechanic/events", "/nowhere")


@pytest.mark.usefixtures("fast_hashes")
def test_whatever_the_headers_say(everybody: Everybody) -> None:
    for headers in HEADERS:
        for path in READ:
            fits(everybody["Marco" if "mechanic" in path else "Ana"], path, headers=headers)
        for path, who in (("/login", "nobody"), ("/api/intake/start", "Ana"), ("/mechanic/shift/start", "Marco")):
            fits(everybody[who], path, method="POST", data={"email": "x", "password": "x"}, headers=headers)


@pytest.mark.usefixtures("flag_on")
@pytest.mark.parametrize("reason", [["busy"], {"busy": 1}, 5, True, None, "no such", "x" * 10_000])
def test_a_strange_reason_never_keeps_a_mechanic_from_declining(ana: Customer, marco: Mechanic, reason: Any) -> None:
    ana.favors(marco)
    answer = marco.client.post(f"/mechanic/requests/{ana.books_again(marco)}/decline", json={"reason": reason})
    assert answer.status_code == 200
    assert one("SELECT declined_at IS NOT NULL FROM session_requests")


def anonymous(page: str, *ids: object) -> str:
    """A page without what is of this one request: ids that were asked for, tokens."""
    for each in ids:
        page = page.replace(str(each), "ID")
    return re.sub(r'(csrf_token" value="|data-csrf=")[^"]+', "", page)


@pytest.mark.usefixtures("flag_on")
def test_what_is_somebody_elses_answers_as_what_never_was(
    app: Flask, ana: Customer, ben: Customer, marco: Mechanic, nadia: Mechanic, zed: Mechanic
) -> None:
    ben.favors(nadia)
    gone_request = ben.books()
    gone_session = one("SELECT session_id FROM session_requests")
    sql("DELETE FROM session_requests")
    sql("DELETE FROM sessions")
    others_request = ben.books_again(nadia)
    others_session = one("SELECT session_id FROM session_requests")
    for who, argument, areas, foreign, deleted in (
        (ana, "request_id", {"requests", "live"}, others_request, gone_request),
        (ana, "session_id", {"intake", "checkout", "consultations", "talk"}, others_session, gone_session),
        (marco, "session_id", {"consultations", "talk"}, others_session, gone_session),
        (marco, "request_id", {"mechanic"}, others_request, gone_request),
        (ana, "mechanic_id", {"favorites"}, zed.id, zed.user_id),
        (marco, "customer_id", {"mechanic"}, ben.id, ben.user_id),
    ):
        for rule in app.url_map.iter_rules():
            if argument in rule.arguments and rule.endpoint.partition(".")[0] in areas:
                assert_alike(who, rule, foreign, deleted, NOBODY)


def assert_alike(who: Person, rule: Rule, *ids: UUID | str) -> None:
    """The same answer for all: 404, but for a mark that may have been gone before, and the dialog, which says so."""
    method = "GET" if "GET" in (rule.methods or ()) else "POST"
    for headers in (None, PROGRAM):
        answers = [who.client.open(address(rule, str(each)), method=method, headers=headers) for each in ids]
        found = {(each.status_code, anonymous(each.text, *ids)) for each in answers}
        assert len(found) == 1, (rule, found)
        assert answers[0].status_code == 404 or rule.endpoint in {
            "favorites.book",
            "favorites.remove",
            "mechanic.leave",
        }


def is_here(location: str | None) -> bool:
    """Nowhere, or a page of ours, also as its own `next`."""
    if location is None:
        return True
    wanted = parse_qs(urlsplit(location).query).get("next", [""])[0]
    return next_page.safe(location) == location and next_page.safe(wanted) == wanted


def test_sixty_addresses_never_lead_elsewhere(app: Flask, ana: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(User, "verify_and_update_password", lambda *_: True)
    assert len(ELSEWHERE) >= 60
    form = {"email": ana.email, "password": PASSWORD}
    guest_pages = ("/login", "/sign-up", "/reset/x", "/confirm/x", "/customer/dashboard", "/leave-workshop")
    for wanted in ELSEWHERE:
        for path in (*guest_pages, "/verify", "/logout", "/w/x"):
            client = app.test_client() if path in guest_pages else ana.new_client()
            answer = client.post(path, query_string={"next": wanted}, data={**form, "next": wanted})
            assert answer.status_code < 500
            assert is_here(answer.location), (path, wanted, answer.location)
        fields = app.test_client().get("/login", query_string={"next": wanted})
        assert fields.status_code == 400 or 'name="next" value=""' in fields.text, wanted


@pytest.mark.parametrize("referer", ["//evil.test", "http://localhost//evil.test", "http://[", "https://evil.test/x"])
def test_a_made_up_referer_is_not_where_one_goes_after_signing_in(app: Flask, referer: str) -> None:
    answer = app.test_client().post("/mechanic/shift/start", headers={"Referer": referer})
    assert answer.location == "/login"
