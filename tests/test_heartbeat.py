"""HEARTBEAT_URL: each poll that goes well is told to a watcher elsewhere, who can neither delay nor fail it."""

import logging
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from psycopg2 import OperationalError

from favorites import heartbeat, scheduler
from favorites.dispatch.fallback import Swept
from favorites.heartbeat import Heartbeat
from favorites.scheduler import Ticker
from tests.server import until
from tests.watcher import Watcher, watching

PAUSE = 0.05


@pytest.fixture
def watcher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watcher]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with watching() as watcher:
        yield watcher


@pytest.fixture
def signs(watcher: Watcher) -> Iterator[Heartbeat]:
    signs = Heartbeat(watcher.url, PAUSE)
    signs.start()
    yield signs
    signs.stop()
    signs._thread.join(5)


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_beat_is_heard(watcher: Watcher, signs: Heartbeat) -> None:
    signs.beat()
    until(lambda: watcher.heard == [("GET", "/ping/secret")], "it is heard", 5)
    signs.beat()
    until(lambda: len(watcher.heard) == 2, "the next one, too", 5)


@pytest.mark.parametrize(("status", "why"), [(500, "Internal Server Error"), (302, "Found"), (404, "Not Found")])
def test_a_watcher_who_is_unwell_is_told_of_once_and_not_followed_elsewhere(
    watcher: Watcher, signs: Heartbeat, caplog: pytest.LogCaptureFixture, status: int, why: str
) -> None:
    watcher.answers = status
    for number in (1, 2, 3):
        signs.beat()
        until(lambda number=number: len(watcher.heard) == number, "it is heard", 5)
    watcher.answers = 200
    signs.beat()
    until(lambda: len(watcher.heard) == 4, "it is heard", 5)
    until(lambda: not signs._has_failed, "all is well again", 5)
    assert {path for _, path in watcher.heard} == {"/ping/secret"}
    assert warned(caplog) == [f"HEARTBEAT_URL cannot be fetched: {why}"]


def test_a_watcher_who_hangs_delays_no_beat_and_is_left_after_a_while(
    watcher: Watcher, signs: Heartbeat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(heartbeat, "TIMEOUT", 0.2)
    watcher.answers = None
    began = time.monotonic()
    for _ in range(1000):
        signs.beat()
    assert time.monotonic() - began < 1
    until(lambda: signs._has_failed, "it gives up", 5)
    watcher.answers = 200
    signs.beat()
    until(lambda: not signs._has_failed, "the next one is heard", 5)
    assert warned(caplog) == ["HEARTBEAT_URL cannot be fetched: TimeoutError"]


def test_only_a_poll_that_went_well_is_told(app: Flask, watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    polls: list[bool] = []

    def sweep(_session: object) -> Swept:
        polls.append(is_well)
        if not is_well:
            raise OperationalError("the server is away")
        return Swept(0, 0, None, None)

    monkeypatch.setattr("favorites.dispatch.fallback.sweep", sweep)
    monkeypatch.setattr(scheduler, "LOCK", "tests of the heartbeat")
    monkeypatch.setattr(scheduler, "RETRY", PAUSE * scheduler.PAUSE)
    is_well = False
    ticker = Ticker(0.1, watcher.url)
    ticker.start()
    try:
        until(lambda: len(polls) >= 4, "it polls in vain", 5)
        assert watcher.heard == []
        is_well = True
        until(lambda: len(watcher.heard) >= 3, "its beats are heard", 5)
    finally:
        ticker.stop()


def test_without_an_address_nothing_runs() -> None:
    silent = Heartbeat("", PAUSE)
    silent.start()
    silent.beat()
    silent.stop()
    assert not silent._thread.is_alive()
