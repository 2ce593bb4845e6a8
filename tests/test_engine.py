"""The engine under faults: the short form of K11, K66 and V30 (K12: test_poison.py, K45: test_offering_faults.py)."""

from collections.abc import Iterator

import pytest
from flask import Flask

from favorites import db
from tests.faults import engine, silence
from tests.faults.ground import ground
from tests.faults.scenes import Stage
from tests.server import ROOT
from tests.watcher import Watcher

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def watched() -> Iterator[tuple[Stage, Watcher]]:
    with ground() as here, silence.watched(here) as (stage, watcher):
        engine.tell_of_slow_statements(here)
        yield stage, watcher


@pytest.fixture
def stage(watched: tuple[Stage, Watcher]) -> Iterator[Stage]:
    """With nothing wrong before; every invariant holds afterwards."""
    stage = watched[0]
    stage.ground.violations.clear()
    yield stage
    stage.ground.check()
    assert stage.ground.violations == []


def test_k11_a_lock_that_the_poll_waits_for_ends_by_a_timeout(stage: Stage) -> None:
    engine.behind_a_lock(stage)


def test_k66_many_windows_at_once_in_batches_while_others_book(stage: Stage) -> None:
    engine.flood(stage, 600)


def test_v30_a_frozen_leader_is_not_waited_for_and_announces_nothing_twice(stage: Stage) -> None:
    silence.frozen(stage)


def test_v30_polls_that_hang_are_told_everywhere(stage: Stage, watched: tuple[Stage, Watcher]) -> None:
    silence.tells_on_itself(stage, watched[1])


def test_no_statement_no_lock_and_no_idle_transaction_lasts_for_ever(app: Flask) -> None:
    connection = db.connect()
    with connection.cursor() as cursor:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SELECT current_setting('{name}')::interval BETWEEN '1 s' AND '30 s'")
            assert cursor.fetchone() == (True,)
    connection.close()
    # And nobody else connects, but to ask whether it answers, and for a backup, which takes as long as it takes.
    known = {"db.py", "serve.py", "embedded/connection.py", "backups/server.py"}
    for file in (ROOT / "favorites").rglob("*.py"):
        connects = "psycopg2.connect(" in file.read_text()
        assert connects == (file.relative_to(ROOT / "favorites").as_posix() in known)
