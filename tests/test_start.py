"""How the application starts: on which schema, behind which address, with which words in its log."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from unittest.mock import Mock

import psycopg2
import pytest
from flask import Flask

from favorites import log, schema, settings
from favorites.settings import ROOT
from tests.cast import PASSWORD, Customer

BEHIND = "run `flask db upgrade`."
START = "from favorites import create_app; create_app(); import threading; print(threading.active_count())"


def run(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    ours = {**os.environ, **env}
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=ours, capture_output=True, text=True, timeout=60)


@pytest.fixture
def empty_database() -> Iterator[str]:
    """A database without tables, beside the tests' own."""
    url = os.environ["DATABASE_URL"]
    connection = psycopg2.connect(url)
    connection.autocommit = True
    connection.cursor().execute("CREATE DATABASE behind")
    parts = psycopg2.extensions.parse_dsn(url)
    yield f"postgresql://{parts['user']}:{parts['password']}@/behind?host={parts['host']}&port={parts['port']}"
    connection.cursor().execute("DROP DATABASE behind WITH (FORCE)")
    connection.close()


def test_d9_on_a_schema_that_is_behind_it_refuses_to_start_and_says_what_to_do(empty_database: str) -> None:
    refused = run("-c", START, DATABASE_URL=empty_database)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr.startswith("The database is behind (at nothing, not ")
    assert refused.stderr.strip().endswith(BEHIND)
    refused = run("-m", "flask", "--app", "app", "run", "--port", "0", DATABASE_URL=empty_database)
    assert refused.returncode == 3
    assert BEHIND in refused.stderr
    assert run("-m", "flask", "--app", "app", "db", "upgrade", DATABASE_URL=empty_database).returncode == 0
    started = run("-c", START, DATABASE_URL=empty_database)
    assert (started.returncode, started.stdout) == (0, "1\n"), started.stderr


def test_a_database_that_does_not_answer_is_no_reason_not_to_start() -> None:
    code = "from favorites import create_app; c = create_app().test_client(); print(c.get('/').status_code)"
    answer = run("-c", f"{code}; print(c.get('/healthz').status_code)", DATABASE_URL="postgresql://x@127.0.0.1:1/x")
    assert answer.stdout.split() == ["503", "200"], answer.stderr


@pytest.mark.parametrize("error", [psycopg2.DatabaseError, psycopg2.InterfaceError, psycopg2.OperationalError])
def test_a_database_that_goes_down_while_a_worker_starts_ends_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch, error: type[psycopg2.Error]
) -> None:
    """psycopg2 has no class of its own for a connection lost in a query; gunicorn would halt for what is not caught."""
    lost = Mock()
    lost.cursor.side_effect = error("server closed the connection unexpectedly")
    monkeypatch.setattr(schema.db, "connect", lambda: lost)
    monkeypatch.delitem(app.extensions, "schema_checked", raising=False)
    schema._check_or_end(app)
    assert app.test_client().get("/").status_code == 503


def test_the_debugger_is_refused_where_people_come() -> None:
    for address, code in (("https://book.example", 3), ("", 0)):
        told = run("-c", START, FLASK_DEBUG="1", PUBLIC_URL=address)
        assert (told.returncode, told.stderr.count("FLASK_DEBUG is on")) == (code, int(bool(address)))


def test_the_guardian_needs_no_web() -> None:
    assert run("-c", "import sys, favorites.postgres; print('flask' in sys.modules)").stdout == "False\n"


@pytest.fixture
def secure(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The application behind https://book.example, with one proxy in front."""
    from favorites import create_app
    from favorites.db import db

    monkeypatch.setenv("PUBLIC_URL", "https://book.example")
    monkeypatch.setenv("TRUSTED_PROXIES", "1")
    settings.current.cache_clear()
    secure = create_app(TESTING=True, RATELIMIT_ENABLED=False, WTF_CSRF_ENABLED=False, MAIL_BACKEND="locmem")
    yield secure
    with secure.app_context():
        db.engine.dispose()
    monkeypatch.undo()
    settings.current.cache_clear()


def test_behind_https_cookies_and_links_are_secure(secure: Flask, ana: Customer) -> None:
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "book.example", "X-Forwarded-For": "127.0.0.7"}
    browser = secure.test_client()
    answer = browser.post("/login", data={"email": ana.email, "password": PASSWORD}, headers=proxied)
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    browser.post("/reset", data={"email": ana.email}, headers=proxied)
    assert "https://book.example/reset/" in secure.extensions["mailman"].outbox[-1].body


def test_another_host_is_refused_so_that_no_mail_links_to_it(secure: Flask, ana: Customer) -> None:
    browser = secure.test_client()
    answer = browser.post("/reset", data={"email": ana.email}, headers={"X-Forwarded-Host": "evil.test"})
    assert answer.status_code == 400
    assert browser.get("/healthz").status_code == 200


def line_of(formatter: logging.Formatter, message: str, **fields: object) -> str:
    record = logging.LogRecord("favorites", logging.INFO, __file__, 1, message, None, None)
    record.created, record.fields = 1_795_341_600.5, fields
    return formatter.format(record)


def test_a_line_begins_with_time_level_and_message_word_for_word() -> None:
    line = line_of(log.AsText(), "[Priority] ✅ Sent 100% to mechanic 7", window=10, why="two words")
    assert line == '2026-11-22T10:00:00Z info [Priority] ✅ Sent 100% to mechanic 7 window=10 why="two words"'
    as_json = json.loads(line_of(log.AsJson(), "[Priority] ✅", window=10))
    assert as_json["message"] == "[Priority] ✅"
    assert as_json["window"] == 10


def test_no_value_makes_a_line_of_its_own() -> None:
    for formatter in (log.AsText(), log.AsJson()):
        line = line_of(formatter, "said\r\n2026 info forged", raw="x\n2026 info forged\x1b[2J\u2028")
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line


def test_a_traceback_is_indented_and_told_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("gone\n2026-11-22T10:00:00Z info forged")

    monkeypatch.setitem(app.view_functions, "accounts.home", broken)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    assert app.test_client().get("/").status_code == 500
    (record,) = [record for record in caplog.records if record.exc_info]
    lines = log.AsText().format(record).splitlines()
    assert all(line.startswith("  ") for line in lines[1:])
    assert any("RuntimeError: gone" in line for line in lines)
