"""kill -9 at every commit of a session request's life, and at random: the short form of `make faults`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults import crashes, kills, repeats, sweepers
from tests.faults.ground import ground
from tests.faults.scenes import Stage

pytestmark = pytest.mark.timeout(600)

# Those that can be half done in the most ways; `make faults` plays all places, twenty times each.
VERBS = ("fulfill", "accept", "decline", "cancel", "complete", "broadcast_lapsed_windows", "expire_stale_requests")
SHORT = [f"{verb}.before_commit" for verb in VERBS] + [f"{verb}.after_commit" for verb in VERBS[:3]]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with crashes.stage() as stage:
        yield stage


@pytest.mark.parametrize("place", [*SHORT, "release.after_commit", "push.before", "stream.half", "stream.after"])
def test_nothing_is_half_done_and_a_retry_does_it_once(stage: Stage, place: str) -> None:
    before = len(stage.ground.violations)
    crashes.play(stage, place)
    stage.ground.check()
    assert stage.ground.violations[before:] == []


def test_a_sweeper_killed_between_lock_and_update(stage: Stage) -> None:
    before = len(stage.ground.violations)
    crashes.after_the_lock(stage)
    stage.ground.check()
    assert stage.ground.violations[before:] == []


def test_every_place_is_one_of_the_product(stage: Stage) -> None:
    assert len(crashes.PLACES) >= 16
    assert set(SHORT) < set(crashes.PLACES)


def test_random_kills_lose_nothing_and_double_nothing() -> None:
    assert kills.play(kills.Storm(requests=40, deaths=4, restarts=1)).violations == []


def test_sweepers_share_what_is_due_and_a_stopped_one_holds_up_nobody() -> None:
    with ground() as here:
        here.migrate()
        sweepers.crowd(here, 3)
        sweepers.zombie(here)
        here.check()
        assert here.violations == []


def test_one_key_is_one_booking(stage: Stage) -> None:
    before = len(stage.ground.violations)
    with ThreadPoolExecutor(repeats.AT_ONCE) as threads:
        repeats.twenty_times(stage, threads)
    assert stage.ground.violations[before:] == []
