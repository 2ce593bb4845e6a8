"""Clocks that are wrong, that jump, that change with the season: by libfaketime, of the server and of PostgreSQL."""

import time
from datetime import UTC, datetime

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from favorites.db import LIMITS
from favorites.queries import invariants
from tests.ears import Ear
from tests.faults.doors import OK
from tests.faults.engine import ENDS_IN, not_ready, polled
from tests.faults.faketime import LIBRARY, Clock, clock, ground_of
from tests.faults.ground import Ground, ground
from tests.faults.registry import fault
from tests.faults.scenes import Case, Stage
from tests.faults.tools import unless
from tests.server import until

DAY, HOUR = 86_400.0, 3_600.0
SPARE = 20.0  # seconds until the sweep must have come
LATE = 3.0  # seconds after a window's end, on a machine that has other things to do
LATENESS = (
    "SELECT extract(epoch FROM fallback_broadcast_at - priority_expires_at)::float FROM session_requests WHERE id = %s"
)
LEFT = "SELECT extract(epoch FROM priority_expires_at - clock_timestamp())::float FROM session_requests WHERE id = %s"
LENGTH = (
    "SELECT extract(epoch FROM priority_expires_at - priority_notified_at)::int FROM session_requests WHERE id = %s"
)


def lapses_in_time(case: Case, what: str) -> None:
    """It is announced at its end, once, and anybody may have it."""
    here = case.stage.ground
    until(lambda: case.by_rule("lapse"), f"{what}: everyone is asked", SPARE)
    late = here.town.one(LATENESS, case.request_id)
    here.claim(0 <= late < LATE, f"{what}: announced {late:.3f} s after the window's end")
    taken = case.stage.http.does(case.nadia, "accept", case.request_id)
    here.claim(taken.outcome == OK, f"{what}: accepting was answered {taken}")
    here.claim(case.by_rule("lapse") == 1, f"{what}: announced {case.by_rule('lapse')} times")
    case.leave()


@fault(
    "K28",
    "The server's clock a day ahead, a day behind, and set while a window runs: back and forward, by a day and 2 s",
    "Windows end at the same instants, once; who was signed in is",
    3,
    unless=unless(LIBRARY),
)
def of_the_server(times: int) -> int:
    with clock() as its, ground() as here, here.server(CRASH_AT="", **its.environment) as server:
        stage = Stage(here, server)
        for _ in range(times):
            for before, after in ((DAY, DAY), (DAY, 0), (0, -DAY), (-DAY, -DAY), (-DAY, -DAY - 2), (-DAY - 2, DAY)):
                set_while_a_window_runs(stage, its, before, after)
        here.check()
        return len(here.violations)


def set_while_a_window_runs(stage: Stage, its: Clock, before: float, after: float) -> None:
    """The window ends 1.5 s after the change."""
    its.set(before)
    case = Case(stage).asked()
    stage.town.sql(ENDS_IN, 2.5, case.request_id)
    polled(stage)  # armed by the clock as it is
    its.set(after)
    lapses_in_time(case, f"the server's clock from {before:+.0f} to {after:+.0f} s")


@fault(
    "K29",
    "PostgreSQL's clock jumps by +2 h and back by 1 h, while windows run",
    "Forward they end at once, back they wait; nothing is announced twice or never; the scheduler tells the truth",
    5,
    unless=unless(LIBRARY),
)
def of_the_database(times: int) -> int:
    with clock() as its, ground_of(its) as here, here.server(CRASH_AT="") as server:
        stage = Stage(here, server)
        crossing = [jumps(stage, its) for _ in range(times)]
        named(here, set(crossing))
        return len(here.violations)


def jumps(stage: Stage, its: Clock) -> str:
    """Two hours forward, one back, and forward again to the end; the one that was answered across the way back."""
    claim, began = stage.ground.claim, its.offset
    ended, crossing = Case(stage).asked(), Case(stage).asked()
    its.set(began + 2 * HOUR)
    for case in (ended, crossing):
        until(lambda case=case: case.by_rule("lapse"), "two hours later everyone is asked", SPARE)
    waiting = Case(stage).asked()
    its.set(began + HOUR)
    polled(stage, 2)
    claim(waiting.by_rule("lapse") == 0, "set back, and a window ended that had not begun")
    refused = stage.http.does(waiting.nadia, "accept", waiting.request_id)
    claim(refused.code == "NOT_FOUND", f"set back, and accepting inside the window was answered {refused}")
    until(lambda: not not_ready(stage.server), "it says that it is ready", SPARE)
    taken = stage.http.does(crossing.nadia, "accept", crossing.request_id)
    claim(taken.outcome == OK, f"set back, and accepting was answered {taken}")
    its.set(began + HOUR + stage.town.one(LEFT, waiting.request_id) - 1)
    lapses_in_time(waiting, "set back, then to the end")
    for case in (ended, crossing):
        claim(case.by_rule("lapse") == 1, f"announced {case.by_rule('lapse')} times")
        case.leave()
    return crossing.request_id


def named(here: Ground, crossing: set[str]) -> None:
    """Every invariant holds, but of those requests whose stored times contradict each other (docs/decisions, 4)."""
    engine = create_engine(here.url.replace("postgresql:", "postgresql+psycopg2:"), connect_args={"options": LIMITS})
    with Session(engine) as session:
        for finding in invariants.broken(session, most=1000):
            others = set(finding.rows) - crossing
            here.claim(finding.invariant.goes_by_the_clock and not others, f"{finding.invariant.name}: {finding.rows}")
    engine.dispose()


# The hour that comes twice, in UTC: where the clocks go back from 3 to 2, and from 2 to 1.
CHANGES = (
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("America/New_York", datetime(2027, 3, 14, 7, tzinfo=UTC)),  # and forward, from 2 to 3
    ("Europe/Berlin", datetime(2027, 3, 28, 1, tzinfo=UTC)),
)


@fault(
    "K30",
    "Windows across a DST change (EU and US, both ways); other zones in server, database, customer and mechanic",
    "Ten minutes are ten minutes; they end at the same instant, once, and are told as that",
    2,
    unless=unless(LIBRARY),
)
def of_the_season(times: int) -> int:
    violations = 0
    for _ in range(times):
        with clock() as its:
            its.set(CHANGES[0][1].timestamp() - time.time() - DAY)
            with ground_of(its) as here, here.server(CRASH_AT="", TZ="America/New_York", **its.environment) as server:
                for zone, change in CHANGES:
                    across(Stage(here, server), its, zone, change)
                here.check()
                violations += len(here.violations)
    return violations


def across(stage: Stage, its: Clock, zone: str, change: datetime) -> None:
    """A window that begins before the change and ends after it."""
    town, claim = stage.town, stage.ground.claim
    its.set(change.timestamp() - time.time() - 300)
    name = town.one("SELECT current_database()")
    town.sql(f"ALTER DATABASE {name} SET timezone = '{zone}'")
    town.sql("UPDATE users SET time_zone = 'Pacific/Kiritimati' WHERE role = 'mechanic'")
    polled(stage)
    case = Case(stage)
    board = Ear(stage.server.port, "/mechanic/events", case.marco.cookie)
    case.asked()
    told = datetime.fromisoformat(board.until("priority_session_request").data["expires_at"])
    board.close()
    left = town.one(LEFT, case.request_id)
    claim(town.one(LENGTH, case.request_id) == 600, f"{zone}: another length")
    claim(0 <= told.timestamp() - change.timestamp() - 300 < 30, f"{zone}: told to end at {told}")
    its.set(its.offset + left - 2)
    lapses_in_time(case, f"{zone}, {change:%Y-%m-%d}")
