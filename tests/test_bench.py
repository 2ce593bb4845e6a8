"""The bench judges rightly, and its README says what its last full run measured."""

import json
import sys
from types import ModuleType

import pytest

from bench import __main__ as bench
from bench.chart import chart
from bench.figures import Figure, beside, figure, paired, percentile, table

LATEST = json.loads((bench.HERE / "latest.json").read_text())
FIGURES = [Figure(**one) for one in LATEST["figures"]]


def test_a_goal_is_met_at_its_limit_and_missed_beyond():
    assert figure("late", 100, "ms", most=100).ok
    assert not figure("late", 100.1, "ms", most=100).ok
    assert figure("bookings/s", 40, "", least=40).goal == "≥ 40"
    assert not figure("bookings/s", 39.9, "", least=40).ok


def test_beside_a_peer_the_ratio_is_judged():
    assert beside("deliveries/s", 120, "", "nchan", 100, least=1.2).ok
    assert not beside("deliveries/s", 119, "", "nchan", 100, least=1.2).ok
    told = beside("deliveries/s", 120, "", "nchan", 100, ratio=1.1, least=1.2)
    assert (told.ok, told.ratio, told.goal) == (False, 1.1, "≥ 1.2 × nchan")


def test_a_run_that_is_not_to_be_trusted_meets_no_goal():
    assert not figure("late", 1, "ms", most=100, is_valid=False, note="client 80 %").ok
    assert not beside("late", 1, "ms", "control", 5, most=1, is_valid=False).ok


def test_rounds_are_compared_pair_by_pair():
    assert paired([10, 20, 30], [10, 10, 10]) == 2
    assert percentile(range(1, 501), 0.99) == 495
    assert percentile([7], 0.5) == 7


def test_a_missed_goal_stands_in_the_table():
    assert "| late | 3 s | ≤ 2 | **NO** |" in table([figure("late", 3, "s", most=2)])


def test_the_chart_has_a_bar_for_each_peer():
    told = [beside("broadcast, deliveries/s at 5000 streams, beside nchan", 110_000, "", "nchan", 85_000)]
    assert 'x-axis ["Book Again 5000", "nchan 5000"]' in chart(told)
    assert chart([]) == ""


def test_a_measure_that_breaks_is_a_goal_missed_and_stops_no_other(monkeypatch, capsys):
    broken, well = ModuleType("broken"), ModuleType("well")
    broken.measure = lambda: iter([1 / 0])
    well.measure = lambda: iter([figure("fine", 1, "ms", most=2)])
    monkeypatch.setitem(sys.modules, "bench.measures.broken", broken)
    monkeypatch.setitem(sys.modules, "bench.measures.well", well)
    monkeypatch.setattr(bench, "NAMES", ("broken", "well"))
    monkeypatch.setattr(bench, "keep", lambda *_: pytest.fail("a run of some measures is not kept"))
    assert bench.main(["broken", "well"]) == 1
    assert "fine" in capsys.readouterr().out
    assert bench.main(["well"]) == 0
    assert bench.main(["nothing"]) == 2


def test_the_readme_has_the_table_of_the_last_full_run():
    text = (bench.HERE / "README.md").read_text()
    assert table(FIGURES) in text
    assert LATEST["date"] in text
    assert all(f"`{name}`" in text for name in bench.NAMES)
