"""What the terminal says when Book Again answers: where it is, who may sign in, where the data live."""

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import structlog
from flask import Flask

from favorites import demo, postgres
from favorites.db import db
from favorites.log import say
from favorites.queries import people
from favorites.settings import ROOT, Settings

log = structlog.get_logger(__name__)

PATIENCE = 60  # seconds until everything must work
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}


def when_ready(app: Flask, settings: Settings) -> None:
    """Prints the welcome, from a thread of its own, as soon as /readyz says that all works."""
    threading.Thread(target=_welcome, args=(app, settings), name="welcome", daemon=True).start()


def url(settings: Settings) -> str:
    """The address to type: PUBLIC_URL, or that of the socket."""
    return settings.public_url or _local_url(settings)


def _local_url(settings: Settings) -> str:
    host = EVERYWHERE.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _welcome(app: Flask, settings: Settings) -> None:
    health = f"{_local_url(settings)}/readyz"
    if not _is_well(health):
        say(f"Book Again is not ready after {PATIENCE} s: the lines above and {health} say why.")
        return
    with app.app_context():
        lines = list(_lines(settings))
    if settings.log_json:
        log.info(lines[0])  # the rest is for a terminal
    else:
        print("\n".join(lines), flush=True)


def _is_well(address: str) -> bool:
    browser = build_opener(ProxyHandler({}))  # http_proxy in the environment is not for our own loopback
    question = Request(address, headers={"Host": "localhost"})  # PUBLIC_URL narrows the names we answer to
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with browser.open(question, timeout=5):
                return True
        except OSError:  # URLError and HTTPError are; refused, or something is not there yet
            time.sleep(0.05)
    return False


def _lines(settings: Settings) -> Iterator[str]:
    yield f"Book Again is ready: {url(settings)}"
    if settings.demo:
        yield from _logins(settings)
    elif not people.has_owner(db.session):
        yield f"There is no owner yet. Make one: {_flask()} owner add EMAIL"
    if home := _home_elsewhere(settings):
        yield f"The data live in {home}."
    yield "Ctrl-C stops it."


def _logins(settings: Settings) -> Iterator[str]:
    yield ""
    for person in demo.CAST:
        yield f"  {person.email:<17} {url(settings) + person.page:<45} {person.about}"
    yield f"\n  The password of all of them: {demo.PASSWORD}. Sign in at {url(settings)}/login\n"


def _flask() -> str:
    """The command as it is typed in the checkout."""
    program = Path(sys.executable).with_name("flask")
    return str(program.relative_to(ROOT)) if program.is_relative_to(ROOT) else "flask"


def _home_elsewhere(settings: Settings) -> str:
    """Where the data live when that is not below INSTANCE_DIR; empty: they do, or the database is not ours."""
    if settings.database_url:
        return ""
    home = postgres.home_of(settings.instance_dir)
    return "" if home.is_relative_to(settings.instance_dir.resolve()) else str(home)
