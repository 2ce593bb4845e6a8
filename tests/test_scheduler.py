"""The ticker: it polls at every deadline, once a minute anyway, and one process at a time."""

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from psycopg2 import OperationalError
from psycopg2.extensions import connection
from sqlalchemy import text

from favorites import db, scheduler
from favorites.dispatch.fallback import Swept
from favorites.scheduler import Ticker
from favorites.settings import current
from tests.database import one, sql
from tests.server import ROOT, until

FAR = timedelta(hours=1)
PROMPT = 0.5  # seconds; the next regular poll would come a minute later, a retry after one second
LOCK = "tests of the scheduler"
HOLDER = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
    f" AND objid::bigint = (hashtext('{LOCK}')::bigint & 4294967295)"
)


class Polls:
    """Stands in for the sweep: notes when it ran, by the database's clock, and says what is due next."""

    def __init__(self) -> None:
        self.at: list[datetime] = []
        self.due: list[datetime | None] = []
        self.during: Callable[[], None] = lambda: None

    def __call__(self, _session: object) -> Swept:
        self.at.append(self.now())
        self.during()
        return Swept(0, 0, None, self.due.pop(0) if self.due else None)

    def now(self) -> datetime:
        at: datetime = one("SELECT clock_timestamp()")
        return at

    def until(self, number: int, seconds: float = 5) -> None:
        until(lambda: len(self.at) >= number, f"{number} polls", seconds)

    def late(self, due: datetime) -> float:
        """Seconds that the last poll came after `due`."""
        return (self.at[-1] - due).total_seconds()


@pytest.fixture
def polls(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Polls:
    polls = Polls()
    monkeypatch.setattr("favorites.dispatch.fallback.sweep", polls)
    return polls


@pytest.fixture(autouse=True)
def own_lock(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another lock than that of the server which other tests share."""
    monkeypatch.setattr(scheduler, "LOCK", LOCK)


@pytest.fixture
def ticker(app: Flask) -> Iterator[Ticker]:
    yield from run(Ticker(60))


def run(ticker: Ticker) -> Iterator[Ticker]:
    ticker.start()
    until(lambda: ticker.is_leader, "it leads", 5)
    yield ticker
    ticker.stop()


def in_(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_it_polls_at_once_and_again_when_something_falls_due(polls: Polls, ticker: Ticker) -> None:
    polls.until(1)
    due = polls.now() + in_(0.5)
    polls.due = [due, None]
    ticker.wake(polls.now())
    polls.until(3)
    assert 0 <= polls.late(due) < PROMPT


def test_it_polls_once_a_period_when_nothing_falls_due(polls: Polls) -> None:
    for _ in run(Ticker(0.3)):
        polls.until(4)
    gaps = [(later - earlier).total_seconds() for earlier, later in zip(polls.at[1:], polls.at[2:], strict=False)]
    assert all(0.25 < gap < 1.5 for gap in gaps)


def test_a_wake_brings_the_poll_forward_and_never_back(polls: Polls, ticker: Ticker) -> None:
    polls.until(1)
    due = polls.now() + in_(0.4)
    ticker.wake(polls.now() + FAR)
    ticker.wake(due)
    ticker.wake(due + in_(2 * PROMPT))
    polls.until(2)
    assert 0 <= polls.late(due) < PROMPT


def test_a_deadline_behind_the_planned_poll_wakes_nobody(
    polls: Polls, ticker: Ticker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event brings one: the scheduler's thread would compute beside the hub that is writing it to everybody."""
    polls.until(1)
    ticker.wake(polls.now() + in_(30))
    monkeypatch.setattr(ticker._scheduler, "modify_job", lambda *_, **__: pytest.fail("it was woken"))
    ticker.wake(polls.now() + in_(31))
    monkeypatch.undo()


def test_a_wake_during_a_poll_is_not_lost(polls: Polls, ticker: Ticker) -> None:
    polls.until(1)
    due = polls.now() + in_(0.4)
    polls.during = lambda: ticker.wake(due) if len(polls.at) == 2 else None
    ticker.wake(polls.now())
    polls.until(3)
    assert 0 <= polls.late(due) < PROMPT


def test_a_late_poll_is_not_dropped(polls: Polls, ticker: Ticker) -> None:
    polls.until(1)
    ticker.wake(polls.now() - in_(30))  # APScheduler's default drops what is a second late
    polls.until(2)


def test_a_slow_poll_delays_the_next_and_loses_none(polls: Polls, ticker: Ticker) -> None:
    polls.until(1)
    polls.due = [polls.now() + in_(0.2)]
    polls.during = lambda: time.sleep(1.2) if len(polls.at) == 2 else None
    ticker.wake(polls.now())
    polls.until(3)
    assert (polls.at[2] - polls.at[1]).total_seconds() < 2.5


def test_our_clock_may_be_a_day_wrong(polls: Polls, monkeypatch: pytest.MonkeyPatch) -> None:
    day = in_(86_400)
    monkeypatch.setattr(db, "clock", lambda: text("clock_timestamp() + interval '1 day'"))
    for ticker in run(Ticker(60)):
        polls.until(1)
        polls.due = [polls.now() + day + in_(0.3), None]
        due = polls.due[0]
        ticker.wake(polls.now() + day)
        polls.until(3)
        assert due
        assert 0 <= polls.late(due - day) < PROMPT


def test_what_cannot_be_done_yet_is_tried_with_pauses(polls: Polls, ticker: Ticker) -> None:
    polls.until(1)
    past = polls.now() - in_(1)
    polls.due = [past] * 100  # its row is held by somebody
    began = time.monotonic()
    ticker.wake(polls.now())
    polls.until(6)
    assert time.monotonic() - began > 0.6


def test_a_database_that_is_away_is_told_once_and_tried_again(
    polls: Polls, ticker: Ticker, caplog: pytest.LogCaptureFixture
) -> None:
    polls.until(1)

    def fail() -> None:
        if len(polls.at) < 4:
            raise OperationalError("the server is away")

    polls.during = fail
    ticker.wake(polls.now())
    polls.until(4)
    told = [record for record in caplog.records if record.name == "favorites.scheduler"]
    assert [record.levelno for record in told if record.levelno > logging.DEBUG] == [logging.WARNING]


def test_who_does_not_lead_does_not_poll_and_takes_over_when_the_leader_stops(polls: Polls, ticker: Ticker) -> None:
    polls.until(1)
    second = Ticker(60)
    second.start()
    try:
        second.wake(polls.now())
        ticker.wake(polls.now())
        polls.until(2)
        assert not second.is_leader
        assert len(polls.at) == 2
        ticker._leadership.stop()
        polls.until(3, seconds=2.5)
        assert second.is_leader
    finally:
        second.stop()


def test_a_killed_leader_is_replaced_in_about_a_second(polls: Polls) -> None:
    script = (
        "import time; from favorites.leader import Leadership\n"
        f"Leadership({LOCK!r}, lambda: print('leads', flush=True)).start(); time.sleep(60)"
    )
    leader = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert leader.stdout
    assert leader.stdout.readline() == "leads\n"
    follower = Ticker(60)
    follower.start()
    try:
        leader.send_signal(signal.SIGKILL)
        polls.until(1, seconds=2.5)
    finally:
        follower.stop()
        leader.kill()
        leader.wait(5)
        leader.stdout.close()


def test_a_leader_that_lost_its_connection_leads_again(polls: Polls, ticker: Ticker) -> None:
    polls.until(1)
    sql(f"SELECT pg_terminate_backend(pid, 1000) FROM ({HOLDER}) AS holder")
    polls.until(2)
    assert ticker.is_leader


def test_who_holds_the_lock_and_does_not_poll_is_not_waited_for(
    polls: Polls, connect: Callable[[], connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = connect()
    holder.autocommit = True
    holder.cursor().execute(f"SELECT pg_advisory_lock(hashtext('{LOCK}'))")
    monkeypatch.setattr(current(), "poll_seconds", 1)
    beat = "INSERT INTO engine_beats (at, leader, lapsed, expired) VALUES (clock_timestamp() + %s, 'frozen', 0, 0)"
    follower = Ticker(0.3)
    follower.start()
    try:
        sql(beat, in_(-3600))
        polls.until(1)
        assert not follower.is_leader
        number = one("SELECT count(*) FROM engine_beats WHERE leader <> 'frozen'")
        sql(beat, in_(0))
        until(lambda: follower._armed and follower._armed > datetime.now(UTC), "it is armed anew", 5)
        assert one("SELECT count(*) FROM engine_beats WHERE leader <> 'frozen'") <= number + 1
        sql("DELETE FROM engine_beats")
        sql(beat, in_(-3600))
        polls.until(len(polls.at) + 1)
    finally:
        follower.stop()


@pytest.mark.parametrize("step", [-86_400, 86_400])
def test_our_clock_may_be_set_while_we_wait(
    polls: Polls, ticker: Ticker, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    polls.until(1)
    if step < 0:  # what was armed by the old time
        ticker._scheduler.modify_job(scheduler.JOB, next_run_time=datetime.now(UTC) + in_(86_400))
        ticker._armed = datetime.now(UTC) + in_(86_400)
    now = time.time
    monkeypatch.setattr(scheduler.time, "time", lambda: now() + step)
    polls.until(2, seconds=2.5)


def test_it_stops_while_a_poll_runs(polls: Polls) -> None:
    running, go_on = threading.Event(), threading.Event()

    def during() -> None:
        running.set()
        go_on.wait(5)

    polls.during = during
    ticker = Ticker(60)
    ticker.start()
    assert running.wait(5)
    stopper = threading.Thread(target=ticker.stop)
    stopper.start()
    until(lambda: ticker._is_stopped, "it is told to stop", 5)
    go_on.set()
    stopper.join(5)
    assert not stopper.is_alive()


def test_a_window_s_end_is_announced_on_time(app: Flask) -> None:
    user = one("INSERT INTO users (email, role, fs_uniquifier) VALUES ('w@demo.test', 'customer', 'w') RETURNING id")
    customer = one("INSERT INTO customers (user_id, first_name) VALUES (%s, 'Ana') RETURNING id", user)
    request_id = one(
        "INSERT INTO session_requests (customer_id, session_type, plan_code, priority_window_minutes,"
        " priority_notified_at) VALUES (%s, 'chat', 'chat10', 1, clock_timestamp() - interval '59.5 s') RETURNING id",
        customer,
    )
    state = "SELECT fallback_reason FROM session_requests WHERE id = %s"
    for ticker in run(Ticker(60)):
        until(lambda: one(state, request_id), "it is broadcast", 5)
        until(lambda: sql("SELECT 1 FROM engine_beats WHERE lapsed = 1"), "the beat is stored", 5)
        assert ticker.is_leader
    beat = one("SELECT leader, lapsed, lateness_ms FROM engine_beats WHERE lapsed = 1")
    assert beat.lateness_ms < PROMPT * 1000
    assert ":" in beat.leader
