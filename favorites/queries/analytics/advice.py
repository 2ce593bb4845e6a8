"""What a shorter window would have cost and saved, by what each mechanic did in theirs."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from sqlalchemy import FromClause, Integer, Row, Select, cast, func, literal

from favorites.queries.analytics.facts import counts_as
from favorites.queries.analytics.grouping import told
from favorites.queries.analytics.measures import FORMER, Key

HABIT = "habit"
ENOUGH = 20  # accepts: with fewer one more or less would change the answer
LENGTHS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90)  # minutes that a window may be cut to


@dataclass(frozen=True)
class Habits:
    """How many accepts took so many minutes, begun ones whole; how many windows of so many minutes lapsed, or were."""

    accepts: Counter[int] = field(default_factory=Counter)
    lapses: Counter[int] = field(default_factory=Counter)
    windows: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True)
class Advice:
    """`shorter` instead of `usual` minutes; None where none would do, or `accepts` are too few to say."""

    accepts: int
    most_within: int = 0
    usual: int = 0
    shorter: int | None = None
    lost: int = 0
    lapses: int = 0
    saved: float = 0  # minutes a lapse, the mean

    def sentence(self, name: str) -> str:
        """In words; `name` is the mechanic's."""
        if self.accepts < ENOUGH:
            return f"{name} {_accepted(self.accepts)} first in this time; {ENOUGH} accepts are needed to tell more."
        most = f"9 of 10 of {name}’s accepts come within {_minutes(self.most_within)}"
        if self.shorter is None:
            return f"{most}: no window shorter than {self.usual} would do."
        cost = f"lost {_one_in(self.accepts, self.lost)}" if self.lost else "lost none"
        saved = f"saved customers {_minutes(self.saved)} each" if self.lapses else "saved nothing, as none ran out"
        return f"{most}: {self.shorter} instead of {self.usual} would have {cost} and {saved}."


def habits(made: FromClause) -> Select[*tuple[Any, ...]]:
    """How many accepts took so many minutes in windows of so many, and how many of these lapsed; by mechanic."""
    its, is_lapse = made.c, counts_as(made, "no_response")
    minutes = cast(func.ceil(its.response / 60), Integer)
    numbers = {"window": its.window, "minutes": minutes, "is_lapse": is_lapse, "n": func.count()}
    by = literal(HABIT).label("by")
    told_of = told(by, made, numbers, without=("customer_id", "step", "hour"))
    return told_of.where(counts_as(made, "won") | is_lapse).group_by(its.mechanic_id, its.window, minutes, is_lapse)


def advised(rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[Key, Advice]:
    """For each mechanic, by the rows of `habits`."""
    of: dict[Key, Habits] = defaultdict(Habits)
    for row in rows:
        their, told_of = of[row.mechanic_id or FORMER], row.numbers
        their.windows[told_of["window"]] += told_of["n"]
        if told_of["is_lapse"]:
            their.lapses[told_of["window"]] += told_of["n"]
        else:
            their.accepts[told_of["minutes"]] += told_of["n"]
    return {key: advise(their) for key, their in of.items()}


def advise(habits: Habits) -> Advice:
    """The shortest round window that would have kept nine of ten accepts, if it is shorter than the usual one."""
    accepts = habits.accepts.total()
    if accepts < ENOUGH:
        return Advice(accepts)
    usual = max(habits.windows, key=lambda minutes: (habits.windows[minutes], minutes))
    within = next(minutes for minutes in sorted(habits.accepts) if _up_to(habits.accepts, minutes) * 10 >= accepts * 9)
    shorter = next((length for length in LENGTHS if within <= length < usual), None)
    if shorter is None:
        return Advice(accepts, within, usual)
    longer = {window: count for window, count in habits.lapses.items() if window > shorter}
    lapses = sum(longer.values())
    saved = sum((window - shorter) * count for window, count in longer.items()) / lapses if lapses else 0
    return Advice(accepts, within, usual, shorter, accepts - _up_to(habits.accepts, shorter), lapses, saved)


def _up_to(accepts: Counter[int], minutes: int) -> int:
    return sum(count for took, count in accepts.items() if took <= minutes)


def _one_in(accepts: int, lost: int) -> str:
    return f"1 in {ceil(accepts / lost - 0.5)}"


def _minutes(minutes: float) -> str:
    return "1 minute" if minutes == 1 else f"{minutes:.3g} minutes"


def _accepted(count: int) -> str:
    return {0: "accepted nothing", 1: "accepted once"}.get(count, f"accepted {count} times")
