"""A connection that breaks is told as 503, or not at all; never as a mistake of ours. A schema taken back, too."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import psycopg2
import pytest
from flask import Flask
from psycopg2.extensions import parse_dsn
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from favorites import db as connections
from favorites import patience, revisions
from favorites.db import db
from favorites.settings import Settings
from tests.cast import Customer
from tests.database import sql
from tests.proxy import Proxy, proxy_to
from tests.server import until


@pytest.fixture
def asks(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:
    """What /healthz is answered with when that is its view."""

    def status(view: Callable[[], object]) -> int:
        monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
        monkeypatch.setitem(app.view_functions, "health.lives", view)
        return app.test_client().get("/healthz").status_code

    return status


def lose_the_connection() -> None:
    """The session's own backend is terminated."""
    sql("SELECT pg_terminate_backend(%s)", db.session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def lost_in_a_savepoint() -> None:
    with suppress(DBAPIError), db.session.begin_nested():
        lose_the_connection()
        db.session.execute(text("SELECT 1"))
    db.session.execute(text("SELECT 1"))


def lost_before_the_end() -> dict[str, bool]:
    lose_the_connection()
    return {"ok": True}


@pytest.mark.parametrize(("is_lost", "status"), [(True, 503), (False, 500)])
def test_a_connection_that_broke_is_no_mistake_of_ours(asks, is_lost: bool, status: int) -> None:
    """PostgreSQL stopped at once: psycopg2 raises a plain DatabaseError then, found by the random kills."""
    why = psycopg2.DatabaseError("server closed the connection unexpectedly")

    def broken() -> None:
        raise DatabaseError("SELECT", {}, why, connection_invalidated=is_lost)

    assert asks(broken) == status


def test_a_connection_lost_in_a_savepoint_is_none_either(asks) -> None:
    assert asks(lost_in_a_savepoint) == 503


def test_a_connection_lost_after_the_work_spoils_no_answer(asks) -> None:
    assert asks(lost_before_the_end) == 200
    assert asks(lambda: {"pid": db.session.execute(text("SELECT pg_backend_pid()")).scalar_one()}) == 200


@pytest.fixture
def away(app: Flask, ana: Customer) -> Iterator[None]:
    """No connection to the database is to be had any more."""

    def refuse(*_: object) -> None:
        raise psycopg2.OperationalError("FATAL: sorry, too many clients already")

    with app.app_context():
        db.engine.dispose()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("favorites.db._connect", refuse)
        yield


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize("path", ["/", "/customer/dashboard", "/nowhere"])
def test_who_is_signed_in_reads_the_page_that_says_to_come_again(ana: Customer, path: str) -> None:
    """Its frame must not ask the database who they are."""
    answer = ana.client.get(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "<html" in answer.text


@pytest.fixture
def behind() -> Iterator[None]:
    """Somebody has taken the schema back while we serve."""
    sql("UPDATE alembic_version SET version_num = '0002'")
    yield
    sql("UPDATE alembic_version SET version_num = %s", revisions.newest())


def look_for_a_column_that_is_not_there() -> None:
    db.session.execute(text("SELECT no_such_column FROM users"))


def test_a_name_that_the_database_does_not_know_is_a_mistake_of_ours(asks) -> None:
    assert asks(look_for_a_column_that_is_not_there) == 500


@pytest.mark.usefixtures("behind")
def test_unless_its_schema_was_taken_back_under_us(asks) -> None:
    assert asks(look_for_a_column_that_is_not_there) == 503


@pytest.fixture
def swallowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Our connections go through a proxy that can swallow all."""
    dsn = parse_dsn(os.environ["DATABASE_URL"])
    with proxy_to(f"{dsn['host']}/.s.PGSQL.{dsn['port']}") as proxy, monkeypatch.context() as patch:
        address = f"{dsn['user']}:{quote(dsn['password'])}@127.0.0.1:{proxy.port}/{dsn['dbname']}"
        patch.setattr(connections, "url", lambda: f"postgresql://{address}")
        yield proxy


def lose_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if everybody's were at its end."""
    with monkeypatch.context() as patch:
        patch.setattr(patience, "monotonic", lambda: time.monotonic() + patience.LONGEST + 1)
        patience.watch()


@pytest.mark.parametrize("what", ["a query", "a commit"])
def test_an_answer_that_never_comes_is_not_waited_for(
    pool: ThreadPoolExecutor, swallowed: Proxy, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by K64: with no answer and no word, all eight threads of the web waited for ever."""
    connection = connections.connect()
    connection.cursor().execute("SELECT 2")
    swallowed.freeze()
    waits = pool.submit(connection.commit if what == "a commit" else lambda: connection.cursor().execute("SELECT 3"))
    with pytest.raises(TimeoutError):
        waits.result(0.3)
    lose_patience(monkeypatch)
    with pytest.raises(psycopg2.OperationalError):
        waits.result(5)
    connection.close()


def test_who_waits_for_nothing_is_left_alone(swallowed: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connections.connect()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 2")
        lose_patience(monkeypatch)
        cursor.execute("SELECT 3")
        assert cursor.fetchone() == (3,)
    connection.close()


def test_a_page_that_says_so_does_not_ask_who_is_signed_in(
    app: Flask, ana: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by K64: where the person could not be loaded, the page that says 503 asked for them again, and was 500."""

    def away(*_: object, **__: object) -> NoReturn:
        raise OperationalError("SELECT", {}, psycopg2.OperationalError("timeout expired"))

    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setattr("favorites.web.sign_ins.people.signed_in", away)
    answer = ana.client.get("/customer/dashboard")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "Back in a moment" in answer.text


def test_a_private_postgresql_that_does_not_come_back_is_waited_for_once_and_not_for_long(
    pool: ThreadPoolExecutor,
) -> None:
    """On a full disk it cannot start; every thread that waited for it would be missing for pages."""
    starts: list[Path] = []
    goes_on = threading.Event()

    def start(instance: Path) -> str:
        starts.append(instance)
        goes_on.wait(10)
        return "postgresql://nobody@127.0.0.1:1/nothing"

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("favorites.postgres.ensure", start)
        monkeypatch.setattr(connections, "url", lambda: "postgresql://nobody@127.0.0.1:1/nothing")
        monkeypatch.setattr(connections, "current", lambda: Settings(database_url=""))
        monkeypatch.setattr(connections, "PATIENCE", 0.1)
        waiting = [pool.submit(connections.connect) for _ in range(8)]
        assert {type(connection.exception(5)) for connection in waiting} == {psycopg2.OperationalError}
        assert len(starts) == 1
        goes_on.set()
        until(lambda: connections._reviving and connections._reviving.done(), "the start has ended")


def test_the_log_says_why_on_one_line_without_the_statement_and_its_values() -> None:
    error = OperationalError("SELECT plate", {"plate": "MARCO-1"}, psycopg2.OperationalError("it has\n\tgone"))
    assert connections.reason(error) == "it has gone"
