"""The scheduler is frozen, or hangs, or is dead: another one takes over, and whoever looks can see it."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.faults.engine import announced, get, lapsing, locked, not_ready, polled
from tests.faults.ground import Ground, ground
from tests.faults.registry import fault
from tests.faults.scenes import Stage
from tests.faults.sweepers import is_stopped
from tests.server import Server, until
from tests.watcher import Watcher, watching

SPARE = 30.0  # seconds
PERIODS = 3  # of a second each, after which a poll is late
MORE = 7.0  # seconds, on a machine that has other things to do
BANNER = "Notifications may be late"
LEADER = "SELECT split_part(leader, ':', 2)::int FROM engine_beats ORDER BY id DESC LIMIT 1"
PAGES = ("/", "/login", "/customer/dashboard", "/customer/favorites")


@contextmanager
def watched(here: Ground) -> Iterator[tuple[Stage, Watcher]]:
    """A server whose heartbeat somebody hears."""
    with watching() as watcher, here.server(CRASH_AT="", HEARTBEAT_URL=watcher.url, NO_PROXY="127.0.0.1") as server:
        yield Stage(here, server), watcher


@fault(
    "V30",
    "The leader frozen by SIGSTOP, its arbiter dead; the polls hanging; the watcher of HEARTBEAT_URL hanging, too",
    "Another server announces within 3 periods; woken, nothing twice; /readyz, the banner on every page, silence",
    3,
)
def is_seen(times: int) -> int:
    with ground() as here, watched(here) as (stage, watcher):
        for _ in range(times):
            frozen(stage)
            tells_on_itself(stage, watcher)
        here.check()
        return len(here.violations)


def frozen(stage: Stage) -> None:
    """The leader of another server, which holds the lock until it is woken."""
    here = stage.ground
    with led_by_another(stage) as leader:
        leader.suspend()
        parent = leader.parent()
        assert parent
        parent.kill()
        until(lambda: is_stopped(leader.pid), "it is frozen", SPARE)
        case = lapsing(stage)
        began = time.monotonic()
        until(lambda: case.by_rule("lapse"), "another announces", SPARE)
        took = time.monotonic() - began
        here.claim(took < PERIODS + MORE, f"another announced after {took:.1f} s")
        later = lapsing(stage)
        until(lambda: later.by_rule("lapse"), "another goes on announcing", SPARE)
        leader.resume()
        polled(stage, 2)
        announced(case, later)


@contextmanager
def led_by_another(stage: Stage) -> Iterator[psutil.Process]:
    """The worker that leads is another server's, and waits for its next poll."""
    with stage.ground.server(CRASH_AT="") as other:
        (ours,), (worker,) = stage.server.workers(), other.workers()
        try:
            while stage.town.one(LEADER) != worker.pid:
                give_up_the_lock(stage, ours.pid)
            yield worker
        finally:
            if worker.is_running():
                worker.kill()


HOLDER = """SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND objid::bigint = (hashtext('book-again scheduler')::bigint & 4294967295)"""


def give_up_the_lock(stage: Stage, pid: int) -> None:
    """Its connection is lost while it sleeps; somebody else has the lock then."""
    os.kill(pid, signal.SIGSTOP)
    try:
        stage.town.sql(HOLDER)
        until(lambda: stage.town.one(LEADER) != pid, "another one leads", SPARE)
    finally:
        os.kill(pid, signal.SIGCONT)


def tells_on_itself(stage: Stage, watcher: Watcher) -> None:
    """While no beat can be stored it says so everywhere, and is silent elsewhere; then all is as before."""
    until(lambda: not not_ready(stage.server), "it is ready", SPARE)
    failed = stage.server.said().count("the poll failed")
    with locked(stage.ground, "engine_beats"):
        began = time.monotonic()
        until(lambda: not_ready(stage.server) == ["scheduler"], "/readyz says so", SPARE)
        took = time.monotonic() - began
        stage.ground.claim(PERIODS - 1 < took < PERIODS + MORE, f"/readyz said so after {took:.1f} s")
        without = [page for page in PAGES if BANNER not in page_of(stage.server, page, stage)]
        stage.ground.claim(not without, f"no banner on {without}")
        heard = len(watcher.heard)
        until(lambda: stage.server.said().count("the poll failed") > failed, "a poll has failed", SPARE)
        stage.ground.claim(len(watcher.heard) == heard, "a beat was heard of a poll that failed")
        watcher.answers = None
        watcher.ended.clear()
    until(lambda: len(watcher.heard) > heard, "it is heard again, and not answered", SPARE)
    until(lambda: not not_ready(stage.server), "it is ready again", SPARE)
    announced(lapsing(stage))
    stage.ground.claim(BANNER not in page_of(stage.server, "/", stage), "the banner stays")
    watcher.answers = 200
    watcher.ended.set()


def page_of(server: Server, path: str, stage: Stage) -> str:
    """As somebody sees it who is signed in, where one must be."""
    return get(server, path, None if path in ("/", "/login") else stage.town.customer())[1]
