"""Starting and going on: forks, reloaders, other schemas, and kill -9 of any one process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil

from favorites import revisions
from tests.faults.doors import OK, Http, definite
from tests.faults.ground import SETTINGS, Ground, answers, ground
from tests.faults.registry import fault
from tests.faults.scenes import Case, Stage, done
from tests.faults.suite import by_tests
from tests.faults.surroundings import answered
from tests.server import ROOT, environment, free_port, until

SPARE = 30.0  # seconds
PRELOADED = ("--no-control-socket", "--preload", "--workers=2", "--threads=4", "--bind=127.0.0.1:{port}", "app:app")
# Each process with a ticker looks after the leader's lock by one connection.
CANDIDATES = """SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
                AND (query LIKE 'SELECT pg_try_advisory_lock%' OR query = 'SELECT 1')"""
LEADERS = "SELECT count(DISTINCT leader) FROM engine_beats"


class Program:
    """Something that serves, at a port of its own; its process alone is ended, and takes its children along."""

    def __init__(self, here: Ground, *line: str, **more: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        where = environment(here.home / "instance", **SETTINGS, DATABASE_URL=here.url, **more)
        self.process = subprocess.Popen(
            [sys.executable, "-m", *(word.format(port=self.port) for word in line)],
            cwd=ROOT,
            env=where,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextmanager
def serving(here: Ground, *line: str, **more: str) -> Iterator[Program]:
    """It has answered; nothing of it is left at the end."""
    program = Program(here, *line, **more)
    family = [psutil.Process(program.process.pid)]
    try:
        until(lambda: answers(program), "it answers", SPARE)
        family += family[0].children(recursive=True)
        yield program
    finally:
        program.process.terminate()
        program.process.wait(SPARE)
        for process in psutil.wait_procs(family, 1)[1]:
            process.kill()


@fault(
    "K59",
    "gunicorn --preload: the application is imported before two workers fork",
    "the parent has one thread and its listener only, 100 people book at once over both, one of the two leads",
    3,
)
def preloaded(times: int) -> int:
    with ground() as here:
        here.migrate()
        here.town.sql("UPDATE feature_flags SET is_enabled = true")
        for _ in range(times):
            here.town.sql("DELETE FROM engine_beats")
            with serving(here, "gunicorn", *PRELOADED) as program:
                _two_workers(here, program)
        here.check()
        return len(here.violations)


def _two_workers(here: Ground, program: Program) -> None:
    marco = here.town.mechanic()
    people = [here.town.customer(marco) for _ in range(100)]
    with ThreadPoolExecutor(20) as threads:
        door = Http(lambda: program.port)
        booked = list(threads.map(lambda ana: definite(lambda: door.intake(ana, ana.id, marco)), people))
    here.claim({answer.outcome for answer in booked} == {OK}, f"answered {set(booked)}")
    until(lambda: here.town.one(CANDIDATES) == 2, "both have a ticker", SPARE)
    parent = psutil.Process(program.process.pid)
    here.claim(parent.num_threads() == 1, f"the parent has {parent.num_threads()} threads")
    open_ = [os.readlink(file) for file in Path(f"/proc/{parent.pid}/fd").iterdir()]
    here.claim(sum(file.startswith("socket:") for file in open_) == 1, f"the parent holds {open_}")
    until(lambda: here.town.one(LEADERS), "somebody leads", SPARE)
    here.claim(here.town.one(LEADERS) == 1, "both poll")


@fault(
    "K60",
    "Werkzeug's reloader (flask run --debug): two processes",
    "one scheduler, in the one that serves; with PUBLIC_URL the debugger is refused in one sentence",
    2,
)
def reloaded(times: int) -> int:
    with ground() as here:
        here.migrate()
        for _ in range(times):
            with serving(here, "flask", "--app=app", "run", "--debug", "--port={port}") as program:
                until(lambda: here.town.one(CANDIDATES), "a ticker runs", SPARE)
                processes = len(psutil.Process(program.process.pid).children()) + 1
                here.claim(processes == 2, f"{processes} processes")
                until(lambda: here.town.one(LEADERS), "somebody leads", SPARE)
                here.claim(here.town.one(CANDIDATES) == 1, "two schedulers")
        refused = by_tests("tests/test_start.py::test_the_debugger_is_refused_where_people_come")(1)
        return len(here.violations) + refused


NEWER = "UPDATE alembic_version SET version_num = '9999'; ALTER TABLE session_requests ADD later text DEFAULT ''"
AS_IT_WAS = f"UPDATE alembic_version SET version_num = '{revisions.newest()}'; ALTER TABLE session_requests DROP later"


@fault(
    "K61",
    "This code on a newer schema, and on an older one, while it serves and when it starts",
    "newer: what serves goes on, nothing starts; older: 503, /readyz too, or everyone is asked; upgraded: as before",
    2,
)
def other_schemas(times: int) -> int:
    with ground() as here, here.server(CRASH_AT="") as server:
        for _ in range(times):
            newer(Stage(here, server))
            older(Stage(here, server))
        here.check()
        return len(here.violations)


def newer(stage: Stage) -> None:
    """The next version has migrated, and this one still serves."""
    stage.town.sql(NEWER)
    case = Case(stage).signed()
    done(stage.http.pay(case.ana, case.consultation_id))
    case.find_request()
    done(stage.http.does(case.marco, "accept", case.request_id))
    told = _start(stage.ground)
    stage.ground.claim(told.returncode == 1 and "run the newer code" in told.stderr, f"it starts: {told}")
    stage.town.sql(AS_IT_WAS)
    case.leave()


def older(stage: Stage) -> None:
    """Somebody takes the schema back while it serves."""
    case, claim = Case(stage).signed(), stage.ground.claim
    stage.ground.flask("db", "downgrade", "0002")
    status, again = answered(stage.server, case.marco, "/mechanic/dashboard")
    claim((status, again) == (503, "30"), f"an older schema: {status}, Retry-After {again}")
    claim(answered(stage.server, case.ana, "/readyz")[0] == 503, "ready on an older schema")
    paid = stage.http.pay(case.ana, case.consultation_id)  # no favorite can be offered anything: an error in offering
    asked = case.find_request(), case.events("request_offered"), case.events("request_broadcast")
    claim(paid.code == "503" or (paid.outcome, *asked) == (OK, 1, 0, 1), f"on an older schema: {paid}, {asked}")
    stage.ground.flask("db", "upgrade")
    done(definite(lambda: stage.http.pay(case.ana, case.consultation_id)))
    until(lambda: answered(stage.server, case.ana, "/readyz")[0] == 200, "ready again", SPARE)
    claim(case.find_request() == 1, "not asked once")
    case.leave()


def _start(here: Ground) -> subprocess.CompletedProcess[str]:
    where = environment(here.home / "instance", **SETTINGS, DATABASE_URL=here.url, PORT=str(free_port()))
    line = [sys.executable, "app.py"]
    return subprocess.run(line, cwd=ROOT, env=where, capture_output=True, text=True, check=False, timeout=60)
