"""The engine that announces: it hangs, it is frozen, it has ten thousand at once to do; and it tells on itself."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import psycopg2

from favorites.postgres import home_of
from tests.faults.doors import OK
from tests.faults.ground import Ground, ground
from tests.faults.registry import fault
from tests.faults.scenes import Case, Stage
from tests.faults.suite import by_tests
from tests.faults.sweepers import OVERDUE, TOLD, UNANNOUNCED
from tests.faults.town import Person
from tests.server import Server, until

SPARE = 30.0  # seconds
AT_MOST = 5.0  # seconds for a step of a booking, on a machine that has other things to do
ENDS_IN = """UPDATE session_requests SET created_at = created_at - interval '10 minutes',
             priority_notified_at = clock_timestamp() + make_interval(mins => -10, secs => %s) WHERE id = %s"""
NEWEST_BEAT = "SELECT coalesce(max(id), 0) FROM engine_beats"


def polled(stage: Stage, number: int = 1) -> None:
    """Returns after so many polls more."""
    before = stage.town.one(NEWEST_BEAT)
    until(lambda: stage.town.one(NEWEST_BEAT) >= before + number, "it polls", SPARE)


def get(server: Server, path: str, person: Person | None = None) -> tuple[int, str]:
    """A page, as this person: status and text."""
    asked = Request(server.url + path, headers={"Cookie": person.cookie} if person else {})
    try:
        with build_opener(ProxyHandler({})).open(asked, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def not_ready(server: Server) -> list[str]:
    """What /readyz finds wrong."""
    status, told = get(server, "/readyz")
    return [] if status == 200 else list(json.loads(told)["wrong"])


@contextmanager
def locked(here: Ground, table: str) -> Iterator[None]:
    """Somebody holds the table: it can be read, not written."""
    holder = psycopg2.connect(here.url)
    holder.cursor().execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
    try:
        yield
    finally:
        holder.close()


def lapsing(stage: Stage, seconds: float = 0.5) -> Case:
    """One whose window ends in so many seconds."""
    case = Case(stage).asked()
    stage.town.sql(ENDS_IN, seconds, case.request_id)
    return case


def announced(*cases: Case) -> None:
    """Returns once each is announced; once each."""
    for case in cases:
        until(lambda case=case: case.by_rule("lapse"), "everyone is asked", SPARE)
    for case in cases:
        case.stage.ground.claim(case.by_rule("lapse") == 1, "announced more than once")
        case.leave()


@fault(
    "K11",
    "The poll hangs: the rows or the beats are locked by somebody, one row's update takes 20 s",
    "A timeout ends it, the other rows go on, the next poll does the rest",
    2,
)
def hangs(times: int) -> int:
    with ground() as here, here.server(CRASH_AT="") as server:
        stage = Stage(here, server)
        for _ in range(times):
            behind_a_lock(stage)
            at_slow_sql(stage)
        here.check()
        return len(here.violations)


def behind_a_lock(stage: Stage) -> None:
    """On the beats: windows are announced all the same. On the session requests: as soon as it is gone."""
    with locked(stage.ground, "engine_beats"):
        announced(lapsing(stage))
    polled(stage)
    case = lapsing(stage)
    failed = stage.server.said().count("A batch failed")
    with locked(stage.ground, "session_requests"):
        until(lambda: stage.server.said().count("A batch failed") > failed, "a timeout ends the poll", SPARE)
    announced(case)


SLOW = """CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(20); RETURN NEW; END $$;
          CREATE TRIGGER slow BEFORE UPDATE OF fallback_reason ON session_requests FOR EACH ROW
          WHEN (OLD.id = '{}') EXECUTE FUNCTION slow()"""


def at_slow_sql(stage: Stage) -> None:
    """The others are announced meanwhile, and it is once it is quick again."""
    slow, other = lapsing(stage, 1), lapsing(stage, 1)
    stage.town.sql(SLOW.format(slow.request_id))
    until(lambda: other.by_rule("lapse"), "the other is announced", SPARE)
    stage.ground.claim(slow.by_rule("lapse") == 0, "announced before its update ended")
    stage.town.sql("DROP FUNCTION slow CASCADE")
    announced(slow, other)


fault(
    "K12",
    "The sweep fails on a row: while telling, at a time Python does not know, refused by a trigger, by the ledger",
    "The others go on; three tries, then the plain way, once; one error in the log; `flask doctor` names what stays",
    5,
)(by_tests("tests/test_poison.py"))
fault(
    "K45",
    "An exception in each call of offering, the offer's event refused, the log broken",
    "The booking stands, everyone is asked at once for the reason `error`; one error in the log",
    5,
)(by_tests("tests/test_offering_faults.py"))


@fault(
    "K66",
    "10,000 windows overdue at once, while customers book",
    "Batches of at most 500, no statement over 1 s, each announced once; every step of a booking answered within 5 s",
    1,
)
def a_flood(times: int) -> int:
    with ground() as here, here.server(CRASH_AT="") as server:
        tell_of_slow_statements(here)
        for _ in range(times):
            flood(Stage(here, server), 10_000)
        here.check()
        return len(here.violations)


BIGGEST_BATCH = """SELECT max(each) FROM (SELECT count(*) AS each FROM request_events
                   WHERE payload->>'rule' = 'lapse' GROUP BY xmin::text) batches"""
OVERDUE_NOW = f"{UNANNOUNCED} AND status = 'pending' AND priority_expires_at < clock_timestamp()"


def tell_of_slow_statements(here: Ground) -> None:
    """PostgreSQL's log will name each that takes a second."""
    here.town.sql("ALTER SYSTEM SET log_min_duration_statement = 1000")
    here.town.sql("SELECT pg_reload_conf()")


def flood(stage: Stage, number: int) -> None:
    """All that are due are announced while somebody books, again and again."""
    here, claim = stage.ground, stage.ground.claim
    before = stage.town.sql(TOLD)[0].all_
    stage.town.sql(OVERDUE, number, stage.town.mechanic().id)
    log = home_of(here.home) / "log"
    begun, began = log.stat().st_size, time.monotonic()
    steps = [0.0]
    while stage.town.one(OVERDUE_NOW):
        steps += _booking(stage)
    took = time.monotonic() - began
    slow = [line for line in log.read_text()[begun:].splitlines() if "duration:" in line]
    claim(not slow, f"statements over 1 s: {slow[:3]}")
    claim(max(steps) < AT_MOST, f"a step of a booking took {max(steps):.2f} s")
    biggest = stage.town.one(BIGGEST_BATCH)
    claim(biggest <= 500, f"a batch of {biggest}")
    ((all_, each),) = stage.town.sql(TOLD)
    claim(all_ == each == before + number, f"{number} windows, {each - before} announced, {all_ - before} times")
    told = f"{number} windows in {took:.1f} s; of {len(steps)} steps of bookings the slowest took {max(steps):.2f} s"
    print(told, file=sys.stderr)


def _booking(stage: Stage) -> list[float]:
    """Seconds that each step took."""
    case, took = Case(stage), []
    for step in (
        lambda: stage.http.intake(case.ana, case.key, case.marco),
        lambda: stage.http.waiver(case.ana, case.consultation_id),
        lambda: stage.http.pay(case.ana, case.consultation_id),
    ):
        began = time.monotonic()
        answer = step()
        took.append(time.monotonic() - began)
        stage.ground.claim(answer.outcome == OK, f"a step of a booking was answered {answer}")
        case.consultation_id, case.request_id = answer.id, answer.id
    case.leave()
    return took
