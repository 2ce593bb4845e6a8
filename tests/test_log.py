"""What the log says: a line for each request with its number, JSON where that is asked for, and nobody's words."""

import io
import json
import logging
import socket
from collections.abc import Iterator

import pytest
from flask import Flask

from favorites import log
from tests.cast import Customer, Mechanic, Owner
from tests.database import sql
from tests.test_canaries import CONTACT, SEEN, leaks
from tests.test_start import run

SECRETS = [*CONTACT.values(), *SEEN.values(), "Xsurname", "xaccount", "Xtalk", "Xnote", "Xreason"]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """All that is logged meanwhile, as JSON."""
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(log.AsJson())
    logging.getLogger().addHandler(handler)
    yield told
    logging.getLogger().removeHandler(handler)


def test_a_whole_story_is_told_without_a_word_of_or_about_anybody(
    app: Flask, lines: io.StringIO, ana: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner
) -> None:
    sql("UPDATE customers SET last_name = 'Xsurname', phone = %s WHERE id = %s", CONTACT["phone"], ana.id)
    sql("UPDATE users SET email = 'xaccount@canary.test' WHERE id = %s", ana.user_id)
    ana.favors(marco)
    for verb in ("start", "complete"):
        request_id = ana.books(**CONTACT, **SEEN)
        assert marco.accepts(request_id).status_code == 200
        (consultation,) = sql("SELECT session_id FROM session_requests WHERE id = %s", request_id)
        ana.client.post(f"/consultations/{consultation[0]}/messages", data={"body": "Xtalk", "client_key": "x"})
        for step in ("start", "complete")[: 1 + (verb == "complete")]:
            assert marco.does(request_id, step).status_code == 200
        marco.does(request_id, "complete")
    browser = app.test_client()
    browser.post("/login", data={"email": "xaccount@canary.test", "password": "Xreason of old"})
    browser.post("/reset", data={"email": "xaccount@canary.test"})
    browser.get("/mechanics?q=Xnote")
    browser.get("/Xnote/of/nothing")
    runner = app.test_cli_runner()
    runner.invoke(args=["credits", "grant", "xaccount@canary.test", "3", "--note", "Xnote"])
    told = lines.getvalue()
    assert leaks(told, SECRETS) == []
    web = [entry for line in told.splitlines() if (entry := json.loads(line))["message"].startswith("[Web] ")]
    assert {"[Web] POST /login 422", "[Web] GET (no route) 404"} <= {entry["message"] for entry in web}
    assert len({entry["request_id"] for entry in web}) == len(web)
    assert all(entry["ms"] >= 0 for entry in web if entry["message"].startswith(("[Web] GET", "[Web] POST")))


def test_probes_and_files_are_asked_for_all_day_and_not_told(app: Flask, lines: io.StringIO) -> None:
    browser = app.test_client()
    for path in ("/healthz", "/readyz", "/static/css/tokens.css"):
        browser.get(path).close()
    assert "[Web] GET" not in lines.getvalue()


def test_gunicorns_own_lines_are_lines_of_ours_without_who_asked_for_what(lines: io.StringIO) -> None:
    from gunicorn.config import Config

    server = log.Server(Config())
    server.warning("Invalid request from ip=203.0.113.7: /reset/token")
    try:
        raise OSError("gone")
    except OSError:
        server.exception("Error handling request %s %s", "GET", "/reset/token")
    server.error("Worker (pid:%s) was sent SIGKILL!", 7)
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [entry["message"] for entry in told] == [
        "Invalid request",
        "Error handling request",
        "Worker (pid:7) was sent SIGKILL!",
    ]
    assert "OSError: gone" in told[1]["traceback"]
    assert not leaks(lines.getvalue(), ["203.0.113.7", "token"])


@pytest.mark.parametrize(("as_json", "begins"), [("true", '{"at": "'), ("false", "Port ")])
def test_a_start_that_fails_says_why_in_the_logs_own_form(as_json: str, begins: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = run("app.py", PORT=str(taken.getsockname()[1]), LOG_JSON=as_json)
    assert told.returncode == 1
    (line,) = told.stderr.splitlines()
    assert line.startswith(begins)
    assert "is in use" in line
