"""What was measured: figures with their goals, and the table and the chart they make."""

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

HEAD = ("figure", "value", "goal", "ok", "beside it", "ratio", "note")


class Figure(NamedTuple):
    """One line. `goal` is words ("≤ 20", "≥ 1.2 × nchan"), empty where there is none; `ratio` is value to peer_value.

    `note` says what else belongs to it: the range of the rounds, how busy the client was. `versions` names whatever
    the figure depends on beside the product.
    """

    name: str
    value: float
    unit: str
    goal: str
    ok: bool
    peer: str | None
    peer_value: float | None
    ratio: float | None
    note: str
    versions: dict[str, str]


def figure(
    name: str,
    value: float,
    unit: str,
    *,
    most: float | None = None,
    least: float | None = None,
    is_valid: bool = True,
    note: str = "",
    versions: dict[str, str] | None = None,
) -> Figure:
    """An absolute figure. `is_valid`: False when something about the run forbids to trust it; `note` says what."""
    goal, ok = _judged(value, most, least)
    return Figure(name, _rounded(value), unit, goal, ok and is_valid, None, None, None, note, versions or {})


def beside(
    name: str,
    value: float,
    unit: str,
    peer: str,
    peer_value: float,
    *,
    ratio: float | None = None,
    most: float | None = None,
    least: float | None = None,
    is_valid: bool = True,
    note: str = "",
    versions: dict[str, str] | None = None,
) -> Figure:
    """A figure beside a peer's or a control's of the same run; `most` and `least` are for the ratio.

    `ratio`: the median of the rounds' own ratios where they were paired; else that of the two values.
    """
    ratio = value / peer_value if ratio is None else ratio
    goal, ok = _judged(ratio, most, least)
    goal = f"{goal} × {peer}" if goal else ""
    return Figure(
        name, _rounded(value), unit, goal, ok and is_valid, peer, _rounded(peer_value), _rounded(ratio), note,
        versions or {},
    )  # fmt: skip


def _judged(value: float, most: float | None, least: float | None) -> tuple[str, bool]:
    goals = [*([f"≤ {most:g}"] if most is not None else []), *([f"≥ {least:g}"] if least is not None else [])]
    ok = (most is None or value <= most) and (least is None or value >= least)
    return " and ".join(goals), ok


def _rounded(value: float) -> float:
    """Three digits are more than any of this is sure of; large numbers stay whole."""
    if not value or not math.isfinite(value):
        return value
    return round(value, max(0, 2 - math.floor(math.log10(abs(value)))))


def percentile(values: Iterable[float], share: float) -> float:
    """By nearest rank: of 500 values the 99th (share 0.99) is the sixth largest."""
    ranked = sorted(values)
    return ranked[max(math.ceil(share * len(ranked)), 1) - 1]


def paired(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of rounds that ran next to each other."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def spread(values: Sequence[float]) -> str:
    """ "rounds 81000 to 97000"; nothing for a single one."""
    return f"rounds {_rounded(min(values)):g} to {_rounded(max(values)):g}" if len(values) > 1 else ""


def table(figures: Iterable[Figure]) -> str:
    """As Markdown."""
    lines = [HEAD, tuple("---" for _ in HEAD), *(_line(one) for one in figures)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _line(one: Figure) -> tuple[str, ...]:
    peer = f"{one.peer}: {_told(one.peer_value)}" if one.peer else ""
    ok = ("yes" if one.ok else "**NO**") if one.goal or not one.ok else ""
    return (one.name, f"{_told(one.value)} {one.unit}", one.goal, ok, peer, _told(one.ratio), one.note)


def _told(value: float | None) -> str:
    return "" if value is None else f"{value:,.12g}"
