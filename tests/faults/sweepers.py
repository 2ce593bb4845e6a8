"""Many sweepers, a stopped one, and none: each window is announced once, by whoever is left."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from favorites.db import LIMITS
from tests.faults.doors import OK
from tests.faults.ground import Ground, ground
from tests.faults.registry import fault
from tests.faults.scenes import END_WINDOW, Case, Stage
from tests.server import ROOT, environment, until

CROWDS = (2, 5, 10)
SPARE = 60.0  # seconds
ROWS = 400  # two batches
# Windows that ended a while ago, as fulfillment leaves them, each for a customer of its own.
OVERDUE = """WITH accounts AS (INSERT INTO users (email, role, fs_uniquifier)
               SELECT gen_random_uuid() || '@fault.test', 'customer', gen_random_uuid() FROM generate_series(1, %s)
               RETURNING id),
             customers AS (INSERT INTO customers (user_id, first_name) SELECT id, 'Ana' FROM accounts RETURNING id)
             INSERT INTO session_requests (customer_id, session_type, plan_code, customer_name, routing_type,
               preferred_mechanic_id, created_at, priority_notified_at)
             SELECT id, 'chat', 'chat10', 'Ana', 'priority_broadcast', %s, at, at
             FROM customers, (SELECT clock_timestamp() - interval '71 minutes' AS at) past"""
UNANNOUNCED = "SELECT count(*) FROM session_requests WHERE fallback_broadcast_at IS NULL"
TOLD = """SELECT count(*) AS all_, count(DISTINCT session_request_id) AS each FROM request_events
          WHERE payload->>'rule' = 'lapse'"""


def sweeper(here: Ground, *more: str) -> subprocess.Popen[str]:
    """A process that sweeps until nothing is left."""
    line = [sys.executable, "-m", "tests.faults.sweeping", here.url, *more]
    where = environment(here.home / "instance")
    return subprocess.Popen(line, cwd=ROOT, env=where, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@fault("K8", "two, five, ten sweepers at once", "each of 400 windows announced once, by all of them together", 6)
def crowds(times: int) -> int:
    with ground() as here:
        here.migrate()
        for turn in range(times):
            crowd(here, CROWDS[turn % len(CROWDS)])
        here.check()
        return len(here.violations)


def crowd(here: Ground, number: int) -> None:
    """So many sweepers share what is due."""
    here.town.sql(OVERDUE, ROWS, here.town.mechanic().id)
    sweepers = [ready(each) for each in [sweeper(here) for _ in range(number)]]
    for each in sweepers:
        go(each)
    for each in sweepers:
        each.communicate(timeout=SPARE)
        here.claim(each.returncode == 0, f"a sweeper of {number} ended with {each.returncode}")
    announced_once(here)


def announced_once(here: Ground) -> None:
    """Every window, exactly once."""
    ((all_, each),) = here.town.sql(TOLD)
    rows = here.town.one("SELECT count(*) FROM session_requests WHERE priority_expires_at < clock_timestamp()")
    here.claim(here.town.one(UNANNOUNCED) == 0, "a window was left out")
    here.claim(all_ == each == rows, f"{rows} windows, {each} announced, {all_} announcements")


@fault("K9", "a sweeper stopped (SIGSTOP) in its transaction, woken later", "the others go on; it fails cleanly", 5)
def zombies(times: int) -> int:
    with ground() as here:
        here.migrate()
        for _ in range(times):
            zombie(here)
        here.check()
        return len(here.violations)


def zombie(here: Ground) -> None:
    """The server frees its row after `idle_in_transaction_session_timeout`; here after 4 s instead of 30."""
    limits = LIMITS.replace("idle_in_transaction_session_timeout=30s", "idle_in_transaction_session_timeout=4s")
    assert limits != LIMITS
    marco = here.town.mechanic()
    here.town.sql(OVERDUE, 1, marco.id)
    stopped, other = ready(sweeper(here, "stop", limits)), ready(sweeper(here))
    go(stopped)
    until(lambda: is_stopped(stopped.pid), "the sweeper is stopped in its transaction", SPARE)
    here.town.sql(OVERDUE, 5, marco.id)
    other.communicate("go\n", timeout=SPARE)
    left = here.town.one(UNANNOUNCED)
    here.claim(left == 1, f"{left} windows left, while the stopped sweeper holds one: the other waited, or did nothing")
    until(lambda: _freed(here), "the row is freed, and announced by another", SPARE)
    os.kill(stopped.pid, signal.SIGCONT)
    stopped.communicate(timeout=SPARE)
    here.claim(stopped.returncode == 3, f"the woken one ended with {stopped.returncode}, not cleanly")
    announced_once(here)


def ready(sweeper: subprocess.Popen[str]) -> subprocess.Popen[str]:
    """It is connected, and waits for the word."""
    assert sweeper.stdout
    assert sweeper.stdout.readline() == "ready\n"
    return sweeper


def go(sweeper: subprocess.Popen[str]) -> None:
    """The word."""
    assert sweeper.stdin
    sweeper.stdin.write("go\n")
    sweeper.stdin.flush()


def is_stopped(pid: int) -> bool:
    """By SIGSTOP."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _freed(here: Ground) -> bool:
    sweeper(here).communicate("go\n", timeout=SPARE)
    return bool(here.town.one(UNANNOUNCED) == 0)


@fault("K10", "every scheduler dead for an hour, then back", "open to all meanwhile; announced once, late", 3)
def all_dead(times: int) -> int:
    with ground() as here:
        for _ in range(times):
            with here.server(CRASH_AT="") as server:
                cases = [Case(Stage(here, server)).asked() for _ in range(10)]
                everybody = [psutil.Process(server.process.pid), *server.workers()]
                for process in everybody:
                    process.kill()
                psutil.wait_procs(everybody, 30)
            for case in cases:
                here.town.sql(END_WINDOW, case.request_id)
            here.town.sql("UPDATE session_requests SET priority_notified_at = priority_notified_at - interval '1 hour'")
            taken = cases[0].stage.direct.does(cases[0].nadia, "accept", cases[0].request_id)
            here.claim(taken.outcome == OK, f"nobody polls, and the other mechanic was answered {taken}")
            with here.server(CRASH_AT=""):
                until(lambda: all(case.by_rule("lapse") for case in cases[1:]), "all are announced", SPARE)  # noqa: B023
            here.claim({case.by_rule("lapse") for case in cases[1:]} == {1}, "announced more than once")
            here.claim(cases[0].by_rule("lapse") == 0, "announced after it was accepted")
            for case in cases:
                case.leave()
        here.check()
        return len(here.violations)
