"""Real PostgreSQL, real commits, a real server with streams; time moves by ageing rows."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg2
import pytest
from flask import Flask
from playwright.sync_api import Browser, Playwright, sync_playwright
from psycopg2.extensions import connection
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from tests import database, screens
from tests.cast import Customer, Mechanic, Owner, Person
from tests.database import one, sql
from tests.faults.tools import may_mount, path_of, unless
from tests.pushing import NOWHERE
from tests.screens import Screens
from tests.standards.tools import unless_vnu

_stack = ExitStack()
signal.signal(signal.SIGINT, signal.default_int_handler)  # `make test &` in a script ignores it, and so would servers
for name in (
    "ENABLE_FAVORITES_PRIORITY",
    "ENABLE_PAID_PLANS",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "PUBLIC_URL",
    "DEMO",
    "PORT",
):
    os.environ.pop(name, None)
os.environ["PUSH_HOSTS"] = f'["{NOWHERE}"]'
if not os.environ.get("PYTEST_XDIST_WORKER_COUNT") or os.environ.get("PYTEST_XDIST_WORKER"):
    URL = _stack.enter_context(database.cluster())


def pytest_sessionfinish() -> None:
    _stack.close()


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """pytest-flask's would share `g`, and with it the login, between clients."""


@pytest.fixture(autouse=True)
def _monkeypatch_response_class() -> None:
    """pytest-flask's would make every stream an empty answer."""


@pytest.fixture(scope="session")
def app() -> Iterator[Flask]:
    from favorites import create_app
    from favorites.db import db

    app = create_app(TESTING=True, RATELIMIT_ENABLED=False, WTF_CSRF_ENABLED=False, MAIL_BACKEND="locmem")
    yield app
    app.extensions["live"].stop()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def port(app: Flask) -> Iterator[int]:
    """A threaded server on a port of its own, with the hub and the feed running, and no poller (see `poller`)."""
    silence = psycopg2.connect(URL)
    silence.autocommit = True
    silence.cursor().execute("SELECT pg_advisory_lock(hashtext('book-again scheduler'))")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line a request, between the tests' dots
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    app.extensions["live"].start()
    app.extensions["silence"] = silence
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()
    silence.close()


@pytest.fixture
def poller(app: Flask, port: int) -> Iterator[None]:
    """The scheduler of the running server polls during this test; in all others nobody does."""
    cursor = app.extensions["silence"].cursor()
    cursor.execute("SELECT pg_advisory_unlock(hashtext('book-again scheduler'))")
    deadline = time.monotonic() + 5
    while not app.extensions["live"].ticker.is_leader:
        assert time.monotonic() < deadline, "nobody became leader"
        time.sleep(0.01)
    yield
    app.extensions["live"].ticker._leadership._let_go()
    cursor.execute("SELECT pg_advisory_lock(hashtext('book-again scheduler'))")


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test all that is due is done, every invariant holds (states planted by SQL apart), nothing is left."""
    from favorites.web.limits import limiter

    limiter.enabled = False  # another application made by a test switches it on for all
    if "port" in request.fixturenames:
        # Else the ring is full one day, and what a test listens to from 0 on is no longer whole.
        request.getfixturevalue("port")
        request.getfixturevalue("app").extensions["live"].hub.begin(0)
    yield
    try:
        if not request.node.get_closest_marker("planted"):
            assert database.broken() == []
    finally:
        database.empty()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A database session of the test's own, without an application context: one would share `g`, and so the login."""
    with Session(engine(app)) as session:
        yield session


def engine(app: Flask) -> Engine:
    """The application's engine."""
    from favorites.db import db

    with app.app_context():
        return db.engine


@pytest.fixture
def connect() -> Iterator[Callable[[], connection]]:
    """Opens connections whose transactions the test ends itself."""
    connections: list[connection] = []

    def open_one() -> connection:
        connections.append(psycopg2.connect(URL))
        return connections[-1]

    yield open_one
    for opened in connections:
        opened.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for what waits."""
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def quiet(app: Flask, port: int) -> Callable[[], None]:
    """Waits until all that was written has been sent to every open stream."""

    def wait() -> None:
        live = app.extensions["live"]
        newest = one("SELECT coalesce(max(id), 0) FROM request_events")
        deadline = time.monotonic() + 5
        while (live.feed._last or 0) < newest:
            assert time.monotonic() < deadline, "the feed stands still"
            time.sleep(0.002)
        sent = threading.Event()
        live.hub._note(sent.set)
        assert sent.wait(5)

    return wait


@pytest.fixture
def sweep(session: Session) -> Callable[[], object]:
    """One poll, now."""
    from favorites.dispatch import fallback

    return lambda: fallback.sweep(session)


@pytest.fixture
def settle(session: Session) -> Callable[[], None]:
    """One look of the thread that settles payments, now."""
    from favorites.settling import Settling

    return lambda: Settling(lambda: True).settle(session)


@pytest.fixture
def flag_on() -> None:
    sql("UPDATE feature_flags SET is_enabled = true WHERE flag_key = 'ENABLE_FAVORITES_PRIORITY'")


@pytest.fixture
def invite(app: Flask, port: int, quiet: Callable[[], None]) -> Iterator[Callable[..., Person]]:
    """Makes people: `invite(Mechanic, "Marco", "Rossi")`."""
    people: list[Person] = []

    def make(kind: type[Person], *names: str, **more: object) -> Person:
        person = kind(app, port, *names, **more)
        if isinstance(person, Mechanic):
            person.quiet = quiet
        people.append(person)
        return person

    yield make
    for person in people:
        person.leaves()


# What is not collected here, and why; told in one line at the end.
LEFT_OUT: dict[str, str] = {}
if os.environ.get("NO_BROWSER"):
    LEFT_OUT["test_browser_*.py"] = "the browser tests (NO_BROWSER is set)"
if database.other_binaries() is None:
    LEFT_OUT["test_another_postgresql.py"] = "the rows on a second PostgreSQL (there is none)"
if why := unless("libfaketime.so.1"):
    LEFT_OUT["test_clocks.py"] = f"clocks that jump ({why})"
if not may_mount():
    LEFT_OUT["test_full_disk.py"] = "the full disk (only root mounts a small one)"
if why := unless("isolationtester"):
    LEFT_OUT["test_isolation.py"] = f"the interleavings ({why})"
if why := unless("nginx"):
    LEFT_OUT["test_nginx.py"] = f"the streams behind nginx ({why})"
if why := unless_vnu():
    LEFT_OUT["test_valid_html.py"] = f"the W3C checker ({why})"
collect_ignore_glob = list(LEFT_OUT)


# Of files that are collected the tests that cannot be here, likewise.
ALONE: dict[str, str] = {}
for test, tool in {
    "test_promtool_takes_the_rules": "promtool",
    "test_systemd_takes_the_units_and_finds_the_server_shut_in": "systemd-analyze",
    "test_nginx_takes_the_site_as_it_is_shipped": "nginx",
}.items():
    if not path_of(tool):
        ALONE[test] = f"{test.removeprefix('test_').replace('_', ' ')} ({tool} is not here)"
if database.newer_binaries() is None:
    ALONE["test_programs_newer_than_the_server_do_as_well"] = "a backup by a newer pg_dump (there is none)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if item.name not in ALONE]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if left_out := {**LEFT_OUT, **ALONE}:
        terminalreporter.write_line(f"Left out: {', '.join(left_out.values())}.")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """One for all."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium for all; each person has a profile of their own in it."""
    with screens.launched(playwright) as browser:
        yield browser


@pytest.fixture
def look(app: Flask, port: int, chromium: Browser, monkeypatch: pytest.MonkeyPatch) -> Iterator[Screens]:
    """`look.open(ana, "/customer/dashboard")`; forms carry their tokens, and no console may say a word."""
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    screens = Screens(chromium, f"http://127.0.0.1:{port}")
    yield screens
    screens.close()
    assert not screens.complaints


@pytest.fixture
def ana(invite: Callable[..., Customer]) -> Customer:
    return invite(Customer, "Ana", "Castillo")


@pytest.fixture
def ben(invite: Callable[..., Customer]) -> Customer:
    return invite(Customer, "Ben", "Okafor")


@pytest.fixture
def chloe(invite: Callable[..., Customer]) -> Customer:
    return invite(Customer, "Chloe", "Martin")


@pytest.fixture
def marco(invite: Callable[..., Mechanic]) -> Mechanic:
    return invite(Mechanic, "Marco", "Rossi")


@pytest.fixture
def nadia(invite: Callable[..., Mechanic]) -> Mechanic:
    return invite(Mechanic, "Nadia", "Haddad")


@pytest.fixture
def omar(invite: Callable[..., Mechanic]) -> Mechanic:
    return invite(Mechanic, "Omar", "Farouk")


@pytest.fixture
def zed(invite: Callable[..., Mechanic]) -> Mechanic:
    return invite(Mechanic, "Zed", "Novak", status="pending")


@pytest.fixture
def rita(invite: Callable[..., Mechanic]) -> Mechanic:
    workshop_id = one("INSERT INTO workshops (slug, name) VALUES ('harbor-garage', 'Harbor Garage') RETURNING id")
    return invite(Mechanic, "Rita", "Solberg", workshop_id=workshop_id)


@pytest.fixture
def olga(invite: Callable[..., Owner]) -> Owner:
    return invite(Owner, "Olga", "Petrova")
