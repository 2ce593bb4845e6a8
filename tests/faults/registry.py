"""Every fault that is provoked, by its number in the reliability list."""

from collections.abc import Callable
from typing import NamedTuple


class Fault(NamedTuple):
    number: str  # "K4"
    title: str  # what goes wrong
    checked: str  # what was looked at afterwards
    play: Callable[[int], int]  # provokes it that many times; the number of violations
    times: int  # how often in the long form
    short: int = 0  # how often in `make test` (0: its own test in the suite plays it)


FAULTS: list[Fault] = []


def fault(
    number: str, title: str, checked: str, times: int, short: int = 0
) -> Callable[[Callable[[int], int]], Callable[[int], int]]:
    """Registers the function that plays it."""

    def add(play: Callable[[int], int]) -> Callable[[int], int]:
        FAULTS.append(Fault(number, title, checked, play, times, short))
        return play

    return add
