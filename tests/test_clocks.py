"""Clocks that are wrong, jump or change with the season: the short form of K28, K29 and K30 (needs libfaketime)."""

import time

import pytest

from tests.faults import clocks
from tests.faults.faketime import clock, ground_of
from tests.faults.ground import ground
from tests.faults.scenes import Stage

pytestmark = pytest.mark.timeout(600)


def test_k28_the_server_s_clock_is_a_day_wrong_and_set_back_while_a_window_runs() -> None:
    with clock() as its, ground() as here, here.server(CRASH_AT="", **its.environment) as server:
        stage = Stage(here, server)
        clocks.set_while_a_window_runs(stage, its, clocks.DAY, -clocks.DAY)
        here.check()
        assert here.violations == []


def test_k29_k30_postgresql_s_clock_jumps_and_the_season_changes() -> None:
    zone, change = clocks.CHANGES[0]
    with clock() as its:
        its.set(change.timestamp() - time.time() - clocks.DAY)
        with ground_of(its) as here, here.server(CRASH_AT="", TZ="America/New_York", **its.environment) as server:
            stage = Stage(here, server)
            clocks.across(stage, its, zone, change)
            clocks.named(here, {clocks.jumps(stage, its)})
            assert here.violations == []
