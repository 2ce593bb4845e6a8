"""Who acts at the same moment as another: the short form of `make faults`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from tests.faults import at_once, contention, crashes, moments, races
from tests.faults.assignments import ASSIGNMENTS
from tests.faults.doors import Direct
from tests.faults.pairs import PAIRS, Pair
from tests.faults.scenes import Stage

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def town() -> Iterator[Stage]:
    """A server whose sweep goes on meanwhile."""
    with crashes.stage() as stage:
        yield stage


@pytest.fixture
def stage(town: Stage) -> Iterator[Stage]:
    """Nothing may be broken after a test that was not before."""
    before = len(town.ground.violations)
    yield town
    town.ground.check()
    assert town.ground.violations[before:] == []


def test_forty_accept_at_once_and_one_wins(stage: Stage) -> None:
    races.race(stage, [stage.server], 4)


@pytest.mark.parametrize("pair", [*PAIRS, *ASSIGNMENTS], ids=lambda pair: pair.name)
def test_two_at_the_same_moment(stage: Stage, pair: Pair) -> None:
    with ThreadPoolExecutor(2) as threads:
        at_once.play(stage, pair, 2, threads)


@pytest.mark.parametrize("scene", moments.SCENES)
def test_a_pause_before_the_update(stage: Stage, scene: moments.Scene) -> None:
    scene(stage, Direct(stage.ground.url))


def test_a_row_that_is_held_holds_up_no_sweep(stage: Stage) -> None:
    moments.pass_by(stage)


def test_two_broadcasts_to_everybody_at_once(stage: Stage) -> None:
    everybody = [UUID(stage.town.mechanic().id) for _ in range(50)]
    with ThreadPoolExecutor(6) as threads:
        contention.broadcast_at_once(stage, everybody, threads)


@pytest.mark.parametrize(("code", "often"), [("40P01", 1), ("40001", 5)])
def test_what_is_sent_back_runs_again_five_times_at_most(stage: Stage, code: str, often: int) -> None:
    contention.send_back(stage, code, often)
    stage.town.sql("DROP TRIGGER send_back ON session_requests")
