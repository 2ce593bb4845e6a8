"""kill -9 at named places, before and after each commit: a real server dies there, and nothing is half done.

Who asked was told nothing and asks again; then it was done, once.
"""

import atexit
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, partial

from tests.ears import Ear
from tests.faults.doors import OK, UNKNOWN
from tests.faults.ground import answers, ground
from tests.faults.registry import fault
from tests.faults.scenes import END_WINDOW, SCENES, Case, Stage, done
from tests.server import until

COMMITS = ("before_commit", "events_inserted", "after_commit")
SILENT = ("start_intake", "sign_waiver", "beat")  # verbs without events
STREAMS = ("push.before", "stream.before", "stream.half", "stream.after")
# Every place, in the order of a session request's life.
PLACES = (
    *[f"{verb}.{when}" for verb in SCENES for when in COMMITS if (verb in SILENT) <= (when != "events_inserted")],
    *STREAMS,
)
NEWEST = "SELECT coalesce(max(id), 0) FROM request_events"
TOLD = "SELECT id FROM request_events WHERE id > %s AND mechanic_id = %s ORDER BY id"
SPARE = 20.0  # seconds for the sweep after a restart


@contextmanager
def stage() -> Iterator[Stage]:
    """A server whose worker can be made to die."""
    with ground() as here, here.server() as server:
        yield Stage(here, server)


def play(stage: Stage, place: str) -> None:
    """Dies once at that place, and looks."""
    try:
        (_play_stream if place in STREAMS else _play_verb)(stage, place)
    except AssertionError as error:  # something did not come in time
        stage.ground.claim(False, f"{place}: {error}")
        stage.ground.switch.unlink(missing_ok=True)


def _play_verb(stage: Stage, place: str) -> None:
    verb, _, when = place.partition(".")
    scene, case, claim = SCENES[verb], Case(stage), stage.ground.claim
    scene.prepare(case)
    arm(stage, place)
    scene.provoke(case)
    if scene.act:
        answer = scene.act(case, stage.http)
        claim(answer.outcome == UNKNOWN, f"{place}: who asked was answered {answer}")
    died(stage, place)
    if scene.act:
        expected = {int(when == "after_commit")}
        claim(scene.effects(case) == expected, f"{place}: half done: {scene.effects(case)}, not {expected}")
        again = scene.act(case, stage.http)
        claim(again.outcome == OK, f"{place}: asked again, it was answered {again}")
    else:
        until(lambda: 0 not in scene.effects(case), f"{place}: the next sweep does it", SPARE)
    claim(scene.effects(case) == {1}, f"{place}: in the end {scene.effects(case)} times, not once")
    case.leave()


def _play_stream(stage: Stage, place: str) -> None:
    """Marco's board hears of the offer once, in whole, however the first stream ended."""
    case, claim = Case(stage), stage.ground.claim
    before = stage.town.one(NEWEST)
    board = Ear(stage.server.port, "/mechanic/events", case.marco.cookie, before)
    arm(stage, place)
    case.asked()
    died(stage, place)
    board.until_closed()
    claim(bool(board._rest) == (place == "stream.half"), f"{place}: the stream ended with {board._rest!r}")
    seen = [heard.id for heard in board.all]
    claim(len(seen) == (place == "stream.after"), f"{place}: heard {seen} before the end")
    again = Ear(stage.server.port, "/mechanic/events", case.marco.cookie, max(seen, default=before))
    done(stage.direct.does(case.ana, "cancel", case.request_id))
    again.until("request_cancelled")
    ids = [*seen, *(heard.id for heard in again.all if heard.id)]
    told = [row.id for row in stage.town.sql(TOLD, before, case.marco.id)]
    claim(ids == told, f"{place}: heard {ids}, told {told}")
    for ear in (board, again):
        ear.close()


def arm(stage: Stage, place: str) -> None:
    """The next process that gets to that place dies there."""
    new = stage.ground.switch.with_suffix(".new")
    new.write_text(place)
    os.replace(new, stage.ground.switch)


def died(stage: Stage, place: str) -> None:
    """Returns once a process has died there and another serves."""
    until(lambda: not stage.ground.switch.exists(), f"a process dies at {place}", SPARE)
    until(lambda: answers(stage.server), "the server is back")


class Lanes:
    """Stages that play at the same time, each on a database of its own; open until this process ends."""

    def __init__(self) -> None:
        stack = ExitStack()
        atexit.register(stack.close)
        self.stages = [stack.enter_context(stage()) for _ in range(2)]

    def play(self, *plays: Callable[[Stage], None]) -> int:
        """Plays all of them; the number of violations, of the invariants at the end, too."""
        left = deque(plays)
        with ThreadPoolExecutor(len(self.stages)) as threads:
            return sum(threads.map(lambda stage: _play_all(stage, left), self.stages))


@cache
def lanes() -> Lanes:
    """Two of them, for all that follows: a worker's start takes a whole core."""
    return Lanes()


def _play_all(stage: Stage, left: deque[Callable[[Stage], None]]) -> int:
    before = len(stage.ground.violations)
    with suppress(IndexError):
        while True:
            left.popleft()(stage)
    stage.ground.check()
    return len(stage.ground.violations) - before


def _at(*places: str) -> Callable[[int], int]:
    """A fault of so many deaths at each of these places."""
    return lambda times: lanes().play(*[partial(play, place=place) for place in places] * times)


ALL = "one effect for each thing written, the caller's retry, every invariant"
fault("K1", "kill -9 before a booking commits (intake, agreement, checkout; events written or not)", ALL, 20)(
    _at("start_intake.before_commit", "sign_waiver.before_commit", "fulfill.before_commit", "fulfill.events_inserted")
)
fault("K2", "kill -9 after a booking's commit, before the answer", f"the retry gets the same id; {ALL}", 20)(
    _at("start_intake.after_commit", "sign_waiver.after_commit", "fulfill.after_commit")
)
fault("K3", "kill -9 between an offer's commit and its push", "the board hears it on its return, once", 20)(
    _at("push.before", "stream.before")
)
fault("K5", "kill -9 in accept: after the update, after its events, after the commit", ALL, 20)(
    _at(*[f"accept.{when}" for when in COMMITS])
)
fault("K7", "kill -9 in the middle of an event on a stream, and after it", "no part is heard; each event once", 20)(
    _at("stream.half", "stream.after")
)
fault(
    "K13", "kill -9 inside the APScheduler job, before and after its last commit", "the next poll does what is due", 20
)(_at("beat.before_commit", "beat.after_commit"))


@fault("K4", "kill -9 in the sweep: after lock, update, events, commit; windows and expiries", ALL, 20)
def in_the_sweep(times: int) -> int:
    sweeps = ("broadcast_lapsed_windows", "announce_head_starts", "expire_stale_requests")
    violations = _at(*[f"{sweep}.{when}" for sweep in sweeps for when in COMMITS])(times)
    return violations + lanes().play(*[after_the_lock] * times)


# Lock and update are one statement: a trigger stops the sweep between the two.
HOLD = """CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN PERFORM pg_advisory_xact_lock(4); RETURN NEW; END $$;
          CREATE OR REPLACE TRIGGER hold BEFORE UPDATE ON session_requests FOR EACH ROW
          WHEN (NEW.fallback_reason = 'preferred_mechanic_no_response' AND OLD.fallback_reason IS NULL)
          EXECUTE FUNCTION hold()"""
WAITS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4 AND NOT granted"


def after_the_lock(stage: Stage) -> None:
    """The leader dies between the row's lock and its update."""
    case = Case(stage).asked()
    stage.town.sql(HOLD)
    stage.town.sql("SELECT pg_advisory_lock(4)")
    stage.town.sql(END_WINDOW, case.request_id)
    until(lambda: stage.town.one(WAITS), "the sweep holds the row", SPARE)
    (worker,) = stage.server.workers()
    worker.kill()
    stage.ground.claim(case.by_rule("lapse") == 0, "sweep.locked: told before its commit")
    stage.town.sql("SELECT pg_advisory_unlock(4)")
    until(lambda: case.by_rule("lapse"), "the next sweep does it", SPARE)
    until(lambda: answers(stage.server), "the server is back")
    stage.ground.claim(case.by_rule("lapse") == 1, "sweep.locked: broadcast more than once")
    stage.town.sql("DROP TRIGGER hold ON session_requests")
    case.leave()


DELETE = """import os, signal, psycopg2
connection = psycopg2.connect({url!r})
connection.cursor().execute("DELETE FROM mechanics WHERE id = %s", ({id!r},))
{commit}os.kill(os.getpid(), signal.SIGKILL)"""


@fault("K6", "kill -9 in decline, cancel, open, release, start, complete, suspend, delete-mechanic", ALL, 20)
def in_the_other_verbs(times: int) -> int:
    verbs = ("decline", "cancel", "open_to_everyone", "release", "start", "complete", "suspend_mechanic")
    violations = _at(*[f"{verb}.{when}" for verb in verbs for when in COMMITS])(times)
    return violations + lanes().play(*[deleted] * times)


def deleted(stage: Stage) -> None:
    """Whoever deletes the preferred mechanic dies before the commit, another one after it."""
    case = Case(stage).asked()
    for commit, expected in (("", 0), ("connection.commit(); ", 1)):
        program = DELETE.format(url=stage.ground.url, id=case.marco.id, commit=commit)
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
        kinds = case.events("request_broadcast")
        stage.ground.claim(kinds == expected, f"delete-mechanic: told {kinds} times, not {expected}")
        left = stage.town.one("SELECT count(*) FROM mechanics WHERE id = %s", case.marco.id)
        stage.ground.claim(left == 1 - expected, f"delete-mechanic: {left} left")
    case.leave()
