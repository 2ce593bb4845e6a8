"""docs/reliability.md: one row a fault, each with the day it was last played; rows not played now stay as they are."""

import fcntl
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.faults.elsewhere import ELSEWHERE
from tests.faults.registry import Fault

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
HEAD = ("| | fault | times provoked | what was checked | violations | played |", "|---|---|---|---|---|---|")
ROW = re.compile(r"^\| ([A-Z]\d+) \|.*$", re.M)
TABLE = re.compile(r"(?<=<!-- faults -->\n).*(?=<!-- end of faults -->)", re.S)


class Played(NamedTuple):
    """What became of a fault."""

    fault: Fault
    times: int
    violations: int
    seconds: float
    day: str  # 2026-11-22


def row_of(played: Played) -> str:
    """Its row."""
    fault, when = played.fault, f"{played.day}, {played.seconds:.0f} s"
    if fault.unless:
        return _row(fault.number, fault.title, "0", f"not provoked: {fault.unless}", "–", played.day)
    return _row(fault.number, fault.title, f"{played.times:,}", fault.checked, str(played.violations), when)


def keep(rows: Iterable[str], where: str) -> None:
    """Writes these rows into the page, in the place of older ones, and the machine."""
    with PAGE.open("r+") as page:
        fcntl.flock(page, fcntl.LOCK_EX)  # two may play at the same time
        text = _with(page.read(), rows, where)
        page.seek(0)
        page.write(text)
        page.truncate()


def _with(text: str, rows: Iterable[str], where: str) -> str:
    known = _by_number(text) | _by_number("\n".join(rows))
    for number, (title, why) in ELSEWHERE.items():
        known[number] = _row(number, title, "–", f"not provoked: {why}", "–", "–")
    lines = [where, "", *HEAD, *(known[number] for number in sorted(known, key=in_order))]
    return TABLE.sub(lambda _: "\n".join(lines) + "\n", text)


def in_order(number: str) -> tuple[bool, str, int]:
    """K1, K2, … K10, …, then the others."""
    return number[0] != "K", number[0], int(number[1:])


def _by_number(text: str) -> dict[str, str]:
    return {found[1]: found[0] for found in ROW.finditer(text)}


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
