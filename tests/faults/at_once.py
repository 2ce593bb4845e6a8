"""Two act in the same milliseconds: both are answered definitely, the row is as one of the two orders leaves it."""

import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.faults.doors import REFUSED, Direct
from tests.faults.moments import verbs_only
from tests.faults.pairs import HEAD_START, PAIRS, Act, Pair, State
from tests.faults.registry import fault
from tests.faults.scenes import Case, Stage

EACH = 200  # rounds a pair
OFFSET = 0.005  # seconds that one may be earlier than the other
STATE = """SELECT status, fallback_reason AS reason,
             CASE mechanic_id WHEN %s THEN 'Marco' WHEN %s THEN 'Nadia' END AS mechanic
           FROM session_requests WHERE id = %s"""
TAKEN_TOO_EARLY = """SELECT count(*) FROM session_requests WHERE id = %s AND accepted_at < priority_expires_at
                     AND mechanic_id <> preferred_mechanic_id AND fallback_broadcast_at IS NULL
                     AND assigned_at IS NULL"""


@fault(
    "K32",
    "At ±5 ms: accept with window end, decline, cancel, release, suspension, deletion, sweep, expiry, open; and others",
    "both are answered definitely, the row is as one order leaves it; never both, never neither; every invariant",
    EACH * len(PAIRS),
)
def at_the_same_moment(times: int) -> int:
    with verbs_only() as stage, ThreadPoolExecutor(2) as threads:
        for pair in PAIRS:
            ended = play(stage, pair, max(1, times // len(PAIRS)), threads)
            print(f"K32 {pair.name}: {dict(ended)}", file=sys.stderr, flush=True)
        stage.ground.check()
        return len(stage.ground.violations)


def play(stage: Stage, pair: Pair, rounds: int, threads: ThreadPoolExecutor) -> Counter[str]:
    """So many rounds; how often it ended how."""
    doors = Direct(stage.ground.url), Direct(stage.ground.url)
    ended = Counter[str]()
    for _ in range(rounds):
        case = Case(stage)
        pair.prepare(case)
        end = _round(case, pair, doors, threads)
        stage.ground.claim(end in pair.ends, f"{pair.name}: {end}")
        stage.ground.claim(stage.town.one(TAKEN_TOO_EARLY, case.request_id) == 0, f"{pair.name}: not theirs yet")
        ended[" ".join(map(str, (*end[:2], *end[2])))] += 1
        _leave(case)
    for door in doors:
        door.engine.dispose()
    return ended


def _round(case: Case, pair: Pair, doors: tuple[Direct, Direct], threads: ThreadPoolExecutor) -> tuple[str, str, State]:
    barrier, moment = threading.Barrier(2), time.monotonic() + HEAD_START

    def act(what: Act, door: Direct) -> str:
        at = moment + random.uniform(-OFFSET, OFFSET) / 2
        barrier.wait()
        time.sleep(max(0.0, at - time.monotonic()))
        answer = what(case, door)
        return answer.code if answer.outcome == REFUSED else answer.outcome

    both = [threads.submit(act, what, door) for what, door in zip((pair.one, pair.other), doors, strict=True)]
    one, other = (each.result() for each in both)
    (state,) = case.stage.town.sql(STATE, case.marco.id, case.nadia.id, case.request_id)
    return one, other, (state.status, state.reason, state.mechanic)


def _leave(case: Case) -> None:
    """Nothing is due in the rounds that follow."""
    case.stage.direct.does(case.ana, "cancel", case.request_id)
