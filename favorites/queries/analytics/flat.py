"""Every figure as one row, for files: the same numbers as on the page."""

from collections.abc import Iterator
from typing import NamedTuple

from favorites.queries.analytics.measures import SECTIONS, Group, Measure, Number, Section
from favorites.queries.analytics.report import Report


class Line(NamedTuple):
    """`by`: all, mechanic, day, month, hour or pair; `of_whom`: which one.

    `behind`: how many session requests the value tells of; `n`: of how many in all.
    """

    figure: str
    title: str
    by: str
    of_whom: str
    value: Number
    unit: str
    behind: int
    n: int


def lines(report: Report) -> Iterator[Line]:
    """In the order of the page."""
    for section in SECTIONS:
        for by, groups in _groups(report, section):
            for group in groups:
                for measure in section.measures:
                    yield _line(report, by, group, measure)


def _groups(report: Report, section: Section) -> Iterator[tuple[str, list[Group]]]:
    yield "all", [report.all]
    if section.is_by_mechanic:
        yield "mechanic", report.mechanics
    yield report.span.unit, report.steps
    yield "hour", report.hours
    if section.key == "pairs":
        yield "pair", report.pairs


def _line(report: Report, by: str, group: Group, measure: Measure) -> Line:
    counts = group.count(measure.counted), group.count(measure.of)
    return Line(measure.key, measure.title, by, _whom(report, by, group), measure.value(group), measure.unit, *counts)


def _whom(report: Report, by: str, group: Group) -> str:
    if by == "all":
        return ""
    return report.name(group.key) if by in ("mechanic", "pair") else str(group.key)
