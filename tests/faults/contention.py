"""Two broadcasts at once to everybody, and a database that sends transactions back."""

import itertools
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from favorites.dispatch import boards, fallback
from favorites.dispatch.verb import TRIES
from tests.faults.crashes import stage
from tests.faults.doors import OK, UNKNOWN, Answer, Direct
from tests.faults.moments import before_updates, verbs_only
from tests.faults.pairs import END_WINDOW_IN
from tests.faults.registry import fault
from tests.faults.scenes import Case, Stage

EVERYBODY = 500
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
NEWS = "SELECT count(*) FROM request_events WHERE session_request_id = ANY(%s::uuid[]) AND kind = 'new_request'"


@fault(
    "K23",
    "Two customers ask everyone at once, two more windows lapse, while all 500 boards are written down, twice",
    "no deadlock, none reaches anybody; each told once; every invariant",
    50,
)
def broadcasts(times: int) -> int:
    with verbs_only() as stage:
        everybody = [UUID(stage.town.mechanic().id) for _ in range(EVERYBODY)]
        before = stage.town.one(DEADLOCKS)
        with ThreadPoolExecutor(6) as threads:
            for _ in range(times):
                broadcast_at_once(stage, everybody, threads)
        stage.ground.claim(stage.town.one(DEADLOCKS) == before, "K23: deadlocks")
        stage.ground.check()
        return len(stage.ground.violations)


def broadcast_at_once(stage: Stage, everybody: list[UUID], threads: ThreadPoolExecutor) -> None:
    """All of them at a barrier, by connections of their own."""
    opened, lapsed = [[Case(stage).asked() for _ in range(2)] for _ in range(2)]
    for case in lapsed:
        stage.town.sql(END_WINDOW_IN, 0, case.request_id)
    doors = [Direct(stage.ground.url) for _ in range(6)]
    barrier = threading.Barrier(len(doors))
    sights = [random.sample(everybody, len(everybody)) for _ in range(2)]
    acts: list[Callable[[Direct], Answer]] = [
        *[lambda door, case=case: door.does(case.ana, "open", case.request_id) for case in opened],
        *[lambda door: door.call(fallback.broadcast_lapsed_windows) for _ in lapsed],
        *[lambda door, ids=ids: door.call(boards.seen, ids) for ids in sights],
    ]

    def act(pair: tuple[Callable[[Direct], Answer], Direct]) -> Answer:
        barrier.wait()
        return pair[0](pair[1])

    answers = list(threads.map(act, zip(acts, doors, strict=True)))
    stage.ground.claim({answer.outcome for answer in answers} == {OK}, f"K23: answered {answers}")
    told = stage.town.one(NEWS, [case.request_id for case in (*opened, *lapsed)])
    stage.ground.claim(told == 4, f"K23: four broadcasts were told {told} times")
    for door in doors:
        door.engine.dispose()
    for case in (*opened, *lapsed):
        case.leave()


SENT_BACK = ("40P01", "40001")
# A sequence counts the tries: what is rolled back leaves it as it is. The alarm sets no status and is not counted.
SEND_BACK = """CREATE SEQUENCE IF NOT EXISTS tries; SELECT setval('tries', 1, false);
               CREATE OR REPLACE FUNCTION send_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF nextval('tries') <= {times} THEN RAISE SQLSTATE '{code}'; END IF; RETURN NEW; END $$;
               CREATE OR REPLACE TRIGGER send_back BEFORE UPDATE OF status ON session_requests FOR EACH ROW
               EXECUTE FUNCTION send_back()"""
TRIED = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM tries"


@fault(
    "K24",
    "A trigger that raises deadlock_detected (40P01) or serialization_failure (40001) once, four and five times",
    "run again after a random pause, five times at most; then a clean 503, nothing half done, and the next try works",
    10,
)
def sent_back(times: int) -> int:
    with stage() as here:
        for _ in range(times):
            for code, often in itertools.product(SENT_BACK, (1, TRIES - 1, TRIES)):
                send_back(here, code, often)
        pauses_differ(here)
        here.town.sql("DROP TRIGGER send_back ON session_requests")
        here.ground.check()
        return len(here.ground.violations)


def send_back(here: Stage, code: str, often: int) -> None:
    """An accept over HTTP is sent back so often."""
    case, claim = Case(here).asked(), here.ground.claim
    here.town.sql(SEND_BACK.format(times=often, code=code))
    answer = here.http.does(case.marco, "accept", case.request_id)
    expected = Answer(UNKNOWN, "503") if often == TRIES else Answer(OK, id=answer.id)
    claim(answer == expected, f"K24: {code} {often} times was answered {answer}")
    tried = here.town.one(TRIED)
    claim(tried == min(often + 1, TRIES), f"K24: {code} {often} times was tried {tried} times")
    claim(case.events("request_accepted") == int(often < TRIES), f"K24: {code} {often} times: half done")
    again = here.http.does(case.marco, "accept", case.request_id)
    claim(again.outcome == OK and case.events("request_accepted") == 1, f"K24: the next try was answered {again}")
    case.leave()


def pauses_differ(here: Stage) -> None:
    """Two that were sent back together do not come back together."""
    case, at = Case(here).asked(), list[float]()
    here.town.sql(SEND_BACK.format(times=TRIES - 1, code="40P01"))
    door = Direct(here.ground.url)
    with before_updates(door, lambda: at.append(time.monotonic())):
        here.ground.claim(door.does(case.marco, "accept", case.request_id).outcome == OK, "K24: not run again")
    pauses = [after - before for before, after in itertools.pairwise(at)]
    is_random = min(pauses) >= 0.005 and max(pauses) - min(pauses) > 0.002
    here.ground.claim(len(pauses) == TRIES - 1 and is_random, f"K24: pauses {pauses}")
    case.leave()
