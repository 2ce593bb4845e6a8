"""Every fault that is provoked, by its number in the reliability list."""

from collections.abc import Callable
from typing import NamedTuple


class Fault(NamedTuple):
    number: str  # "K4"
    title: str  # what goes wrong
    checked: str  # what was looked at afterwards
    play: Callable[[int], int]  # provokes it that many times; the number of violations
    times: int  # how often in the long form
    unless: str = ""  # why it cannot be provoked on this machine


FAULTS: list[Fault] = []


def fault(
    number: str, title: str, checked: str, times: int, unless: str = ""
) -> Callable[[Callable[[int], int]], Callable[[int], int]]:
    """Registers the function that plays it."""

    def add(play: Callable[[int], int]) -> Callable[[int], int]:
        FAULTS.append(Fault(number, title, checked, play, times, unless))
        return play

    return add
