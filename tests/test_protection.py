"""What stands in front of every view: forged forms, foreign sites, unreadable bytes, limits, headers, errors."""

import gzip
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from werkzeug.routing import Rule

from favorites.settings import ROOT
from tests.cast import PASSWORD, Customer
from tests.database import one

JSON = {"Accept": "application/json"}
SIGN_UP = {"first_name": "Dora", "last_name": "<Lind>", "email": "dora@example.com", "password": "purple monkey lamp"}


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def checked(app: Flask) -> Iterator[None]:
    """Forms need their token, as they do outside of tests."""
    app.config["WTF_CSRF_ENABLED"] = True
    yield
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture
def limited(app: Flask) -> Iterator[None]:
    """Limits hold, as they do outside of tests."""
    from favorites.web.limits import limiter

    limiter.reset()
    limiter.enabled = True
    yield
    limiter.enabled = False


@pytest.fixture
def answers_500(app: Flask) -> Iterator[None]:
    """A broken view answers, as it does outside of tests."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    yield
    app.config["PROPAGATE_EXCEPTIONS"] = None


def path_of(rule: Rule) -> str:
    """An address of that route, of something that does not exist."""
    path = re.sub(r"<any\('?(\w+)[^>]*>", r"\1", rule.rule)
    path = re.sub(r"<int:[^>]*>", "1", path)
    return re.sub(r"<[^>]*>", "5f0c0e9a-4a51-4b8c-9d0c-000000000000", path)


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


@pytest.mark.usefixtures("checked")
def test_a_stale_form_comes_back_with_all_that_was_typed_but_the_password(browser: FlaskClient) -> None:
    answer = browser.post("/sign-up?next=/mechanics", data={**SIGN_UP, "csrf_token": "old"})
    assert answer.status_code == 400
    assert "Please send again" in answer.text
    assert 'action="/sign-up?next=/mechanics"' in answer.text
    assert 'name="first_name" value="Dora"' in answer.text
    assert "&lt;Lind&gt;" in answer.text
    assert "purple monkey lamp" not in answer.text
    again = browser.post("/sign-up?next=/mechanics", data={**SIGN_UP, "csrf_token": token_in(answer.text)})
    assert again.location == "/login?next=/mechanics"


@pytest.mark.usefixtures("checked")
def test_every_form_needs_its_token_sign_in_and_sign_out_included(app: Flask, ana: Customer) -> None:
    # By a signature (a mail program has no token of ours, RFC 8058), or by their Origin (see test_waiting_truth).
    proven = ("webhook", "/mail/unsubscribe/", "/delivered")
    posted = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    routes = [rule for rule in posted if not any(part in rule.rule for part in proven)]
    assert len(routes) > 10
    ana.client.environ_base.pop("HTTP_X_CSRFTOKEN")
    for rule in routes:
        path = path_of(rule)
        answer = ana.client.post(path, data={}, headers=JSON)
        assert (answer.status_code, answer.get_json()["code"]) == (400, "STALE_FORM"), path


@pytest.mark.usefixtures("checked")
def test_a_program_sends_the_token_in_a_header(browser: FlaskClient) -> None:
    token = token_in(browser.get("/sign-up").text)
    assert browser.post("/sign-up", data=SIGN_UP, headers={"X-CSRFToken": token}).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_a_form_from_another_site_is_refused(browser: FlaskClient, headers: dict[str, str]) -> None:
    assert browser.post("/sign-up", data=SIGN_UP, headers=headers).status_code == 403
    assert one("SELECT count(*) FROM users") == 0


def test_links_from_other_sites_work_and_their_scripts_read_nothing(browser: FlaskClient) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    script = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert browser.get("/", headers=link).status_code == 200
    assert browser.get("/", headers=script).status_code == 403
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert browser.post("/sign-up", data=SIGN_UP, headers=own).status_code == 303


UNREADABLE: list[dict[str, Any]] = [
    {"path": "/sign-up", "data": {**SIGN_UP, "first_name": "Do\0ra"}},
    {"path": "/sign-up", "data": {**SIGN_UP, "na\0me": "x"}},
    {"path": "/w/harbor%00garage", "method": "GET"},
    {"path": "/?x=%00", "method": "GET"},
    {"path": "/api/intake/start", "data": '{"name": "\\u0000"}', "content_type": "application/json"},
    {"path": "/api/intake/start", "data": '{"name": ["\\ud800"]}', "content_type": "application/json"},
    {"path": "/api/intake/start", "data": "[" * 100_000, "content_type": "application/json"},
    {"path": "/api/intake/start", "data": '{"a":' * 30_000, "content_type": "application/json"},
    {"path": "/api/intake/start", "data": "{", "content_type": "application/json"},
    {"path": "/api/intake/start", "data": "[1]", "content_type": "application/json"},
    {"path": "/api/intake/start", "data": "null", "content_type": "application/json"},
    {"path": "/api/intake/start", "data": "9" * 10_000, "content_type": "application/json"},
    {"path": "/api/intake/start", "data": b"\xff\xfe", "content_type": "application/json"},
]


@pytest.mark.parametrize("asked", UNREADABLE, ids=[str(place) for place in range(len(UNREADABLE))])
def test_what_cannot_be_read_or_stored_is_400(ana: Customer, asked: dict[str, Any]) -> None:
    answer = ana.client.open(**{"method": "POST", **asked})
    assert answer.status_code == 400


def test_five_megabytes_are_too_many(ana: Customer) -> None:
    for content in ({"data": {"about": "x" * 5_000_000}}, {"json": {"name": "x" * 5_000_000}}):
        assert ana.client.post("/api/intake/start", **content).status_code == 413
        assert ana.client.post("/apply", **content).status_code == 413


def test_accounts_take_forms_only(browser: FlaskClient) -> None:
    assert browser.post("/login", json={"email": ["x"], "password": {}, "next": 5}).status_code == 415
    assert browser.post("/sign-up", json={"email": 5, "password": []}).status_code == 422


@pytest.mark.usefixtures("limited")
def test_only_failed_sign_ins_count(app: Flask, ana: Customer, browser: FlaskClient) -> None:
    right, wrong = {"email": ana.email, "password": PASSWORD}, {"email": ana.email, "password": "wrong"}
    for _ in range(7):
        assert browser.post("/login", data=right).status_code == 303
        browser.post("/logout")
    assert [browser.post("/login", data=wrong).status_code for _ in range(6)] == [422] * 5 + [429]
    refused = browser.post("/login", data=right)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 61  # Flask-Limiter's window ends a second after its own minute
    assert browser.get("/login").status_code == 200


@pytest.mark.usefixtures("limited")
def test_guessing_at_one_account_from_many_addresses_is_limited_too(ana: Customer, browser: FlaskClient) -> None:
    def guess(host: int, email: str) -> int:
        form = {"email": email, "password": "wrong"}
        return browser.post("/login", data=form, environ_base={"REMOTE_ADDR": f"127.0.1.{host}"}).status_code

    assert [guess(host, ana.email) for host in range(6)] == [422] * 5 + [429]
    assert guess(9, "other@demo.test") == 422


@pytest.mark.usefixtures("limited")
def test_a_made_up_forwarded_address_changes_nothing(ana: Customer, browser: FlaskClient) -> None:
    codes = [
        browser.post(
            "/login", data={"email": f"{n}@x.test", "password": "x"}, headers={"X-Forwarded-For": f"127.9.9.{n}"}
        )
        for n in range(6)
    ]
    assert codes[-1].status_code == 429


@pytest.mark.usefixtures("limited")
def test_three_reset_mails_an_hour(ana: Customer, browser: FlaskClient) -> None:
    assert [browser.post("/reset", data={"email": ana.email}).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert browser.post("/reset", data={"email": "other@demo.test"}).status_code == 200


POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "manifest-src 'self'",
    "object-src 'none'",
    "worker-src 'self'",
}


def is_protected(headers: Any) -> bool:
    assert set(headers["Content-Security-Policy"].split("; ")) == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Permissions-Policy" in headers
    assert "Strict-Transport-Security" not in headers
    assert "Cache-Control" in headers
    return True


def test_headers_on_every_route(app: Flask, ana: Customer, browser: FlaskClient) -> None:
    for rule in app.url_map.iter_rules():
        path = path_of(rule)
        for method in {"GET", "POST", "PUT", "OPTIONS"}:
            answer = browser.open(path, method=method)
            assert is_protected(answer.headers), path
            assert answer.status_code < 500 or path == "/readyz", (method, path)


@pytest.mark.usefixtures("answers_500")
def test_headers_on_every_error(app: Flask, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> NoReturn:
        raise RuntimeError("secret <detail>")

    monkeypatch.setitem(app.view_functions, "accounts.home", broken)
    expected = {("/nope", "GET"): 404, ("/login", "PUT"): 405, ("/", "GET"): 500}
    for (path, method), status in expected.items():
        page, data = browser.open(path, method=method), browser.open(path, method=method, headers=JSON)
        assert (page.status_code, data.status_code) == (status, status)
        assert is_protected(page.headers)
        assert is_protected(data.headers)
        assert f"Error {status}" in page.text
        assert set(data.get_json()) == {"error", "code"}
        assert "secret" not in page.text + data.text
    assert "POST" in browser.put("/login").headers["Allow"]


def test_a_database_that_is_away_is_503_and_back_in_a_moment(
    app: Flask, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> NoReturn:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setitem(app.view_functions, "accounts.home", away)
    answer = browser.get("/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "Back in a moment" in answer.text
    assert browser.get("/", headers=JSON).get_json()["code"] == "BACK_IN_A_MOMENT"


def test_what_browsers_may_keep(ana: Customer, browser: FlaskClient) -> None:
    page = browser.get("/").text
    style = re.search(r'href="(/static/css/base\.css\?v=[0-9a-f]+)"', page)
    assert style
    with browser.get(style[1]) as present, browser.get("/static/css/base.css?v=old") as old:
        assert "immutable" in present.headers["Cache-Control"]
        assert old.headers["Cache-Control"] == "no-cache"
    assert ana.client.get("/customer/dashboard").headers["Cache-Control"] == "no-store"


def test_our_files_leave_compressed_for_whoever_takes_that_and_pages_never(browser: FlaskClient) -> None:
    address, gzip_only = "/static/css/base.css", {"Accept-Encoding": "gzip"}
    with browser.get(address) as plain, browser.get(address, headers=gzip_only) as packed:
        assert plain.headers.get("Content-Encoding") is None
        assert packed.headers["Content-Encoding"] == "gzip"
        assert all("Accept-Encoding" in each.headers["Vary"] for each in (plain, packed))
        assert gzip.decompress(packed.data) == plain.data
        assert len(packed.data) == int(packed.headers["Content-Length"]) < len(plain.data) / 2
        known = gzip_only | {"If-None-Match": packed.headers["ETag"]}
    with browser.get(address, headers=known) as again, browser.get("/static/icon-192.png", headers=gzip_only) as icon:
        assert (again.status_code, again.data) == (304, b"")
        assert icon.headers.get("Content-Encoding") is None
    assert browser.get("/login", headers=gzip_only).headers.get("Content-Encoding") is None


def test_the_cookie_is_for_http_and_this_site_alone(ana: Customer, browser: FlaskClient) -> None:
    answer = browser.post("/login", data={"email": ana.email, "password": PASSWORD})
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


def test_templates_write_the_attributes_of_htmx_as_html_allows_it() -> None:
    for path in sorted((ROOT / "templates").rglob("*.html")):
        assert not re.search(r"(?<!data-)\bhx-[a-z]", path.read_text()), f"{path.name}: write data-hx-…"


def test_pages_have_no_inline_script_or_style(browser: FlaskClient) -> None:
    for path in ("/", "/login", "/sign-up", "/apply", "/reset", "/confirm", "/nope"):
        page = browser.get(path).text
        assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=|javascript:", page), path
