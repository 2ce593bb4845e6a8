"""Charts as SVG: bars, or up to three lines. What they show is words, values and dashes; color says nothing alone.

Geometry only, in units of the picture; the template draws it. A value None leaves a gap, a zero is drawn.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import NamedTuple

from favorites.queries.analytics.measures import Number

WIDTH, HEIGHT = 360, 200
LEFT, TOP, BOTTOM = 52, 20, 28
LINE_NAMES = 86  # beside lines stand their names, each behind a piece of its line
PIECE = 20
TICKS = 5  # along the bottom, at most
APART = 13  # between two lines of text
NICE = (1, 2, 3, 4, 6, 8, 10)  # the tops of axes, times a power of ten
STYLES = ("solid", "dashed", "dotted")

Values = Sequence[Number]


class Text(NamedTuple):
    """Words at a place."""

    x: float
    y: float
    words: str
    anchor: str = "middle"


class Bar(NamedTuple):
    """One value; `words` is what it says."""

    x: float
    y: float
    width: float
    height: float
    words: str


class Line(NamedTuple):
    """A course: runs of points without a gap, a dot at each, and its name."""

    style: str
    runs: list[str]
    dots: list[tuple[float, float]]
    name: Text


@dataclass(frozen=True)
class Chart:
    """What is drawn; `summary` tells it in a sentence."""

    title: str
    summary: str
    right: float
    scale: list[Text]
    along: list[Text]
    bars: list[Bar]
    values: list[Text]
    lines: list[Line]


def bars(title: str, names: Sequence[str], values: Values, told: Callable[[Number], str], top: float = 0) -> Chart:
    """A bar for each value; the highest has its value above it, or each when there is room. `top` 0: by the values."""
    axis = _Axis(len(names), WIDTH - 8, top or _top(values), told)
    drawn = [
        Bar(round(axis.x(at) - axis.slot * 0.36, 1), *axis.down(value), f"{name}: {told(value)}")
        for at, (name, value) in enumerate(zip(names, values, strict=True))
        if value is not None
    ]
    labelled = [
        Text(axis.x(at), axis.y(value) - 4, told(value))
        for at, value in enumerate(values)
        if value is not None and (len(names) <= TICKS or at == _highest(values))
    ]
    return Chart(
        title, _summary(title, names, values, told), axis.right, axis.scale, axis.along(names), drawn, labelled, []
    )


def lines(title: str, names: Sequence[str], courses: Mapping[str, Values], told: Callable[[Number], str]) -> Chart:
    """A line for each of the named courses, at most three; the first is the one the summary tells of."""
    every = [value for values in courses.values() for value in values]
    axis = _Axis(len(names), WIDTH - LINE_NAMES, _top(every), told)
    drawn = [_line(axis, style, name, values) for style, (name, values) in zip(STYLES, courses.items(), strict=False)]
    first, values = next(iter(courses.items()))
    summary = _summary(f"{title}, {first}", names, values, told)
    return Chart(title, summary, axis.right, axis.scale, axis.along(names), [], [], _spaced(drawn))


class _Axis:
    """Where values and steps stand."""

    def __init__(self, steps: int, right: float, top: float, told: Callable[[Number], str]) -> None:
        self.right, self.top, self.slot = right, top, (right - LEFT) / steps
        self.scale = [Text(LEFT - 6, self.y(top * part) + 4, told(top * part), "end") for part in (0, 0.5, 1)]

    def x(self, at: int) -> float:
        return round(LEFT + (at + 0.5) * self.slot, 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / self.top, 1)

    def down(self, value: float) -> tuple[float, float, float]:
        """Top, width and height of a bar; of a zero it is a line."""
        y = min(self.y(value), HEIGHT - BOTTOM - 1)
        return y, round(self.slot * 0.72, 1), round(HEIGHT - BOTTOM - y, 1)

    def along(self, names: Sequence[str]) -> list[Text]:
        """Some of the names, the first and the last among them, none beyond the picture."""
        last = len(names) - 1
        shown = sorted({round(last * part / (TICKS - 1)) for part in range(TICKS)})
        anchors = {0: "start", last: "end"} if last else {}
        places = {0: LEFT, last: self.right} if last else {}
        return [Text(places.get(at, self.x(at)), HEIGHT - 8, names[at], anchors.get(at, "middle")) for at in shown]


def _line(axis: _Axis, style: str, name: str, values: Values) -> Line:
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((axis.x(at), axis.y(value)))
    dots = [dot for run in runs for dot in run]
    points = [" ".join(f"{x},{y}" for x, y in run) for run in runs if len(run) > 1]
    return Line(style, points, dots, Text(axis.right + PIECE + 8, (dots[-1][1] if dots else 0) + 4, name, "start"))


def _spaced(drawn: list[Line]) -> list[Line]:
    """Their names below each other, none on another; lines without a value have none."""
    placed: list[Line] = []
    for line in sorted((line for line in drawn if line.dots), key=lambda line: -line.name.y):
        lowest = placed[-1].name.y - APART if placed else HEIGHT
        placed.append(line._replace(name=line.name._replace(y=min(line.name.y, lowest))))
    return placed


def _top(values: Values) -> float:
    """The next nice number above them all."""
    most = max((value for value in values if value is not None), default=0)
    if most <= 0:
        return 1
    power = 10.0 ** floor(log10(most))
    return next(nice * power for nice in NICE if nice * power >= most)


def _highest(values: Values) -> int:
    return max(range(len(values)), key=lambda at: -1 if (value := values[at]) is None else value)


def _summary(title: str, names: Sequence[str], values: Values, told: Callable[[Number], str]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return f"{title}: nothing to show in this time."
    return f"{title}: from {told(min(known))} to {told(max(known))}, the highest at {names[_highest(values)]}."
