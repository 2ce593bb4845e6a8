"""docs/reliability.md is what `make faults` last printed: a row for every fault of the list, none made up."""

import re

import pytest

from tests.faults import __main__ as faults
from tests.faults import control, page
from tests.faults.elsewhere import ELSEWHERE
from tests.faults.registry import FAULTS, Fault

ROW = re.compile(r"^\| (\w+) \| (.+) \| (\S+) \| (.+) \| (\S+) \| (.+) \|$", re.M)
ROWS = {found[1]: found.groups() for found in ROW.finditer(page.PAGE.read_text())}


def test_every_fault_of_the_list_has_one_row() -> None:
    numbers = [found[1] for found in ROW.finditer(page.PAGE.read_text())]
    assert len(numbers) == len(set(numbers))
    assert {f"K{number}" for number in range(1, 67)} <= set(numbers)
    assert set(numbers) == {fault.number for fault in FAULTS} | set(ELSEWHERE)


def test_no_number_is_registered_twice_or_both_here_and_elsewhere() -> None:
    numbers = [*(fault.number for fault in FAULTS), *ELSEWHERE]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.number)
def test_a_row_says_what_is_provoked_now(fault: Fault) -> None:
    _, title, times, checked, violations, played = ROWS[fault.number]
    assert title == fault.title
    if violations != "–":
        assert (checked, times, violations) == (fault.checked, f"{fault.times:,}", "0")
        assert re.match(r"20\d\d-\d\d-\d\d, \d+ s$", played)


def test_at_least_45_faults_are_provoked() -> None:
    assert len([row for number, row in ROWS.items() if number[0] == "K" and row[4] == "0"]) >= 45


def test_a_fault_that_raises_is_a_violation(capsys: pytest.CaptureFixture[str]) -> None:
    def breaks(times: int) -> int:
        raise AssertionError("not within 20 s")

    assert faults.play(Fault("K0", "", "", breaks, 1), 1).violations == 1
    assert "not within 20 s" in capsys.readouterr().err


def test_a_fault_without_its_tool_is_not_played() -> None:
    never = Fault("K0", "", "", lambda times: 1 // 0, 1, unless="nginx is not here")
    played = faults.play(never, 1)
    assert played.violations == 0
    assert "not provoked: nginx is not here" in page.row_of(played)


@pytest.mark.parametrize("broken", control.BROKEN, ids=lambda broken: broken.words)
def test_each_mistake_of_the_control_can_still_be_made(broken: control.Broken) -> None:
    for mistake in broken.mistakes:
        assert (page.PAGE.parents[1] / mistake.file).read_text().count(mistake.old) == 1
