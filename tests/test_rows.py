"""Every row of the acceptance list has a test of its name."""

import re
from pathlib import Path

import pytest

TESTS = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
NAMES = re.findall(r"^def (test_\w+)", TESTS, re.M)
LAST = {"f": 9, "a": 9, "u": 14, "i": 10, "r": 13, "x": 4, "b": 14, "d": 9, "w": 9}
ROWS = [f"{letter}{number}" for letter, last in LAST.items() for number in range(1, last + 1)]


@pytest.mark.parametrize("row", ROWS)
def test_the_row_has_a_test_of_its_name(row):
    assert any(re.match(rf"test_(\w\d+_)*{row}_", name) for name in NAMES), row


def test_the_rows_of_pages_are_played_in_a_browser():
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_browser_*.py"))
    assert {f"u{number}" for number in range(1, LAST["u"] + 1)} <= set(re.findall(r"^def test_(u\d+)_", text, re.M))
