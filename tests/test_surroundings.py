"""Connections run out, a backup is put back: the short form of `make faults`."""

from collections.abc import Iterator

import pytest

from tests.faults import crowded, restored
from tests.faults.ground import ground
from tests.faults.scenes import Case, Stage

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with ground() as here, here.server(CRASH_AT="") as server:
        yield Stage(here, server)


@pytest.fixture
def violations(stage: Stage) -> Iterator[list[str]]:
    """There are none at the end, of the invariants neither."""
    del stage.ground.violations[:]
    yield stage.ground.violations
    stage.ground.check()
    assert stage.ground.violations == []


def test_without_a_free_connection_an_accept_gets_through_and_a_window_is_announced(stage, violations) -> None:
    Case(stage).asked().leave()  # our own connection, too, is open before others come
    with crowded.Others(stage.ground.url) as others:
        others.take_all()
        crowded.crowd(stage, 40)


def test_a_backup_is_put_back_under_a_running_server(stage, violations) -> None:
    restored.play(stage, runs=True)
