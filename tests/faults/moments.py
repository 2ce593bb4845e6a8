"""A pause at the worst moment, a row that is held, a number that comes late."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from favorites.dispatch import fallback
from tests.faults.doors import OK, REFUSED, Answer, Direct
from tests.faults.ground import ground
from tests.faults.pairs import END_WINDOW_IN
from tests.faults.registry import fault
from tests.faults.scenes import END_LIFE, Case, Stage
from tests.faults.suite import by_tests
from tests.server import until

SOON = 0.3  # seconds until a window ends
IS_OVER = "SELECT priority_expires_at <= clock_timestamp() FROM session_requests WHERE id = %s"
INSIDE = "SELECT count(*) FROM session_requests WHERE id = %s AND accepted_at < priority_expires_at"
REASON = "SELECT fallback_reason FROM session_requests WHERE id = %s"

fault(
    "K22",
    "A transaction that drew the lower number commits later; one that began earlier writes later; four writers",
    "numbers in the order of the commits; who reads on from the last one misses nothing",
    10,
)(by_tests("tests/test_triggers.py", "-k", "order_of_the_commits or begun_earlier or many_writers"))


@contextmanager
def before_updates(door: Direct, meanwhile: Callable[[], object]) -> Iterator[None]:
    """What is called through this door has begun its transaction when `meanwhile` runs, and updates after it."""

    def pause(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE session_requests"):
            meanwhile()

    event.listen(door.engine, "before_cursor_execute", pause)
    try:
        yield
    finally:
        event.remove(door.engine, "before_cursor_execute", pause)


def _until_over(case: Case) -> None:
    until(lambda: case.stage.town.one(IS_OVER, case.request_id), "the window is over", 10)


def _ends_soon(stage: Stage) -> Case:
    case = Case(stage).asked()
    stage.town.sql(END_WINDOW_IN, SOON, case.request_id)
    return case


def accept_across_the_end(stage: Stage, door: Direct) -> None:
    """Another mechanic's accept begins inside the window and updates after its end: theirs, and stamped so."""
    case = _ends_soon(stage)
    with before_updates(door, lambda: _until_over(case)):
        answer = door.does(case.nadia, "accept", case.request_id)
    stage.ground.claim(answer.outcome == OK, f"K31: an accept across the window's end was answered {answer}")
    stage.ground.claim(stage.town.one(INSIDE, case.request_id) == 0, "K31: stamped inside the window")
    case.leave()


def decline_across_the_end(stage: Stage, door: Direct) -> None:
    """A decline begins inside the window and updates after its end: too late."""
    case = _ends_soon(stage)
    with before_updates(door, lambda: _until_over(case)):
        answer = door.does(case.marco, "decline", case.request_id)
    stage.ground.claim(answer == Answer(REFUSED, "NOT_OFFERED"), f"K31: a decline across the end was answered {answer}")
    reason = stage.town.one(REASON, case.request_id)
    stage.ground.claim(reason != "preferred_mechanic_declined", "K31: declined after the window's end")
    case.leave()


def accept_while_another_does(stage: Stage, door: Direct) -> None:
    """The favorite's accept begins inside the window; the window ends and another is quicker."""
    case = _ends_soon(stage)

    def meanwhile() -> None:
        _until_over(case)
        stage.ground.claim(stage.direct.does(case.nadia, "accept", case.request_id).outcome == OK, "K31: not open")

    with before_updates(door, meanwhile):
        answer = door.does(case.marco, "accept", case.request_id)
    stage.ground.claim(answer == Answer(REFUSED, "TAKEN"), f"K31: two accepted; the second was answered {answer}")
    case.leave()


def accept_while_it_expires(stage: Stage, door: Direct) -> None:
    """An accept begins in time; meanwhile it expires."""
    case = Case(stage).asked(preferred=False)

    def meanwhile() -> None:
        stage.town.sql(END_LIFE, case.request_id)
        stage.direct.call(fallback.expire_stale_requests)

    with before_updates(door, meanwhile):
        answer = door.does(case.nadia, "accept", case.request_id)
    stage.ground.claim(answer == Answer(REFUSED, "EXPIRED"), f"K31: accepted after it expired: {answer}")


Scene = Callable[[Stage, Direct], None]
SCENES: tuple[Scene, ...] = (
    accept_across_the_end,
    decline_across_the_end,
    accept_while_another_does,
    accept_while_it_expires,
)


@fault(
    "K31",
    "A long pause in accept or decline, after its transaction began, before its update; the window ends, it expires",
    "the condition and the stamp are of the update's own moment; every invariant",
    50,
)
def pauses(times: int) -> int:
    with verbs_only() as stage:
        door = Direct(stage.ground.url)
        for _ in range(times):
            for scene in SCENES:
                scene(stage, door)
        stage.ground.check()
        return len(stage.ground.violations)


@contextmanager
def verbs_only() -> Iterator[Stage]:
    """The schema and the flag, no server."""
    with ground() as here:
        here.migrate()
        here.town.sql("UPDATE feature_flags SET is_enabled = true")
        yield Stage(here)


HOLD = "BEGIN; SELECT FROM session_requests WHERE id = '{}' FOR UPDATE"


@fault(
    "B13",
    "The row of one lapsed window is held by somebody slow when the sweep comes; four more windows have lapsed",
    "the sweep waits for nobody and announces the four; the held one is announced by the next sweep, once",
    50,
)
def held_rows(times: int) -> int:
    with verbs_only() as stage:
        for _ in range(times):
            pass_by(stage)
        stage.ground.check()
        return len(stage.ground.violations)


def pass_by(stage: Stage) -> None:
    """One sweep while a row is held, one after."""
    cases = [Case(stage).asked() for _ in range(5)]
    for case in cases:
        stage.town.sql(END_WINDOW_IN, 0, case.request_id)
    stage.town.sql(HOLD.format(cases[0].request_id))
    for expected in ([0, 1, 1, 1, 1], [1, 1, 1, 1, 1]):
        swept = stage.direct.call(fallback.broadcast_lapsed_windows)
        stage.town.sql("ROLLBACK")
        stage.ground.claim(swept.outcome == OK, f"B13: the sweep ended with {swept}")
        told = [case.by_rule("lapse") for case in cases]
        stage.ground.claim(told == expected, f"B13: announced {told}, not {expected}")
    for case in cases:
        case.leave()
