"""What the server stands on gives way: the disk under PostgreSQL, and the disk under the log."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psycopg2

from favorites import postgres
from tests.cast import INTAKE
from tests.database import MEMORY
from tests.faults.doors import OK, PLAN, definite
from tests.faults.ground import SETTINGS, Ground, back, be_quiet, ground
from tests.faults.registry import fault
from tests.faults.scenes import END_WINDOW, SCENES, Case, Stage
from tests.faults.tools import may_mount
from tests.faults.town import Person
from tests.server import Server, until

DISK = 160  # megabytes; an empty cluster takes 45
SPARE = 30.0  # seconds
# All that is asked over HTTP and changes something.
ACTS = [verb for verb, scene in SCENES.items() if scene.act and verb != "suspend_mechanic"]
SMALL_WAL = ("ALTER SYSTEM SET min_wal_size = '32MB'", "ALTER SYSTEM SET max_wal_size = '32MB'")
MEGABYTE_OF_WAL = "SELECT pg_logical_emit_message(true, 'fault', repeat('x', 1000000))"
NOT_SEEN_LATELY = "UPDATE sign_ins SET seen_at = seen_at - interval '2 minutes'"  # so that reading notes it
END_SOON = END_WINDOW.replace("interval '10 minutes'", "interval '9 minutes 58 seconds'")


@contextmanager
def on_a_small_disk() -> Iterator[Ground]:
    """A ground whose PostgreSQL has a file system of its own; `fill` is its largest file."""
    with tempfile.TemporaryDirectory(prefix="book-again-", dir=MEMORY) as name:
        home = Path(name)
        home.chmod(0o711)
        be_quiet()
        disk = postgres.home_of(home)
        disk.mkdir()
        options = ["-o", f"size={DISK}m,mode=0711"]
        subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", str(disk)], check=True)
        try:
            yield Ground(home)
        finally:
            postgres.release(home)
            subprocess.run(["umount", "--lazy", str(disk)], check=True)


@contextmanager
def filled(here: Ground) -> Iterator[None]:
    """Not a byte is left on the disk; empty again at the end."""
    fill = postgres.home_of(here.home) / "fill"
    with fill.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    file.write(b"x" * size)
    try:
        yield
    finally:
        fill.unlink()


def answered(server: Server, person: Person, path: str, told: object = None) -> tuple[int, str | None]:
    """The status of a page, or of what is told as JSON, and when to come again; 0: no answer."""
    headers = {"Cookie": person.cookie, "X-CSRFToken": person.token, "Connection": "close"}
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        if told is None:
            connection.request("GET", path, headers=headers)
        else:
            connection.request("POST", path, json.dumps(told), headers | {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["Retry-After"]
    except (OSError, HTTPException):
        return 0, None
    finally:
        connection.close()


@fault(
    "K25",
    "The disk under PostgreSQL is full, its data and its log in turn, and emptied again",
    "503 with Retry-After or done, never half; with room in the log pages are read; all is done afterwards, by itself",
    6,
    unless="" if may_mount() else "a small file system takes CAP_SYS_ADMIN to mount",
)
def full_disk(times: int) -> int:
    with on_a_small_disk() as here, here.server(DATABASE_URL="", INSTANCE_DIR=str(here.home), CRASH_AT="") as server:
        for statement in (*SMALL_WAL, "SELECT pg_reload_conf()"):
            here.town.sql(statement)
        for turn in range(times):
            (fill_data, fill_log)[turn % 2](Stage(here, server))
        here.check()
        return len(here.violations)


def fill_data(stage: Stage) -> None:
    """No table can grow; what was being written is refused, and can be sent again."""
    cases, lapsing = _cases(stage)
    claim, people = stage.ground.claim, [stage.town.customer() for _ in range(20)]
    for statement in (NOT_SEEN_LATELY, "CHECKPOINT", "SELECT pg_switch_wal()"):
        stage.town.sql(statement)
    with filled(stage.ground):
        asked = [answered(stage.server, person, "/api/intake/start", INTAKE | {"plan": PLAN}) for person in people * 5]
        claim(set(asked) <= {(201, None), (503, "1")}, f"disk full: intakes answered {set(asked)}")
        claim(asked[-1][0] == 503, "the disk was not full")
        for verb, case in cases.items():
            _one_or_none(stage, verb, case)
        pages = {"/customer/dashboard": cases["accept"].ana, "/mechanic/dashboard": cases["accept"].marco}
        for path, person in pages.items():
            claim(answered(stage.server, person, path)[0] == 200, f"disk full: {path} cannot be read")
    _all_done(stage, cases, lapsing)


def fill_log(stage: Stage) -> None:
    """PostgreSQL itself stops, and cannot start; it comes back when there is room, and the server with it."""
    cases, lapsing = _cases(stage)
    stage.town.sql("CHECKPOINT")
    with filled(stage.ground):
        with suppress(psycopg2.Error):
            while True:
                _alone(stage.ground.url, MEGABYTE_OF_WAL)
        with ThreadPoolExecutor(len(cases)) as threads:
            told = list(threads.map(lambda verb: SCENES[verb].act(cases[verb], stage.http), cases))  # type: ignore[misc]
        codes = {answer.code or answer.outcome for answer in told}
        stage.ground.claim(codes <= {OK, "503"}, f"log full: answered {dict(zip(cases, told, strict=True))}")
    _all_done(stage, cases, lapsing)


def _alone(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        connection.cursor().execute(statement)
    finally:
        connection.close()


def _cases(stage: Stage) -> tuple[dict[str, Case], Case]:
    """One up to each act, and one whose window ends in two seconds."""
    cases = {verb: Case(stage) for verb in ACTS}
    for verb, case in cases.items():
        SCENES[verb].prepare(case)
    lapsing = Case(stage).asked()
    stage.town.sql(END_SOON, lapsing.request_id)
    return cases, lapsing


def _one_or_none(stage: Stage, verb: str, case: Case) -> None:
    scene = SCENES[verb]
    answer = scene.act(case, stage.http)  # type: ignore[misc] # ACTS have one
    expected = {OK: {1}, "503": {0}}.get(answer.code or answer.outcome)
    stage.ground.claim(scene.effects(case) == expected, f"{verb} was answered {answer}: {scene.effects(case)}")


def _all_done(stage: Stage, cases: dict[str, Case], lapsing: Case) -> None:
    """Whatever was refused is done now, once; the window is announced."""
    claim = stage.ground.claim
    for verb, case in cases.items():
        answer = definite(partial(SCENES[verb].act, case, stage.http))  # type: ignore[arg-type] # ACTS have one
        claim(answer.outcome == OK, f"{verb}: afterwards answered {answer}")
        claim(SCENES[verb].effects(case) == {1}, f"{verb}: in the end {SCENES[verb].effects(case)}, not once")
    until(lambda: lapsing.by_rule("lapse"), "the window is announced", SPARE)
    claim(lapsing.by_rule("lapse") == 1, "a window was announced twice")
    for case in (*cases.values(), lapsing):
        case.leave()


@fault(
    "K26", "Every write to the log fails (/dev/full)", "a whole life of session requests, each act once, the sweep", 5
)
def full_log(times: int) -> int:
    with ground() as here:
        here.migrate()
        here.town.sql("UPDATE feature_flags SET is_enabled = true")
        settings = SETTINGS | {"DATABASE_URL": here.url}
        with Server(here.home / "instance", out=Path("/dev/full"), **settings) as server:
            back(server)
            for _ in range(times):
                stage = Stage(here, server)
                cases, lapsing = _cases(stage)
                for verb, case in cases.items():
                    _one_or_none(stage, verb, case)
                _all_done(stage, cases, lapsing)
                (worker,) = server.workers()
                worker.kill()  # the next one starts without a log, too
                back(server)
        here.check()
        return len(here.violations)
