"""`/admin/analytics`: how the priority flow does, the same as files, and the session requests behind each number."""

from collections.abc import Callable
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.queries.analytics.measures import SECTIONS, Group, Number, Section
from favorites.queries.analytics.pairs import PAIRS
from favorites.queries.analytics.report import Report, TakesTooLong, begin, report
from favorites.queries.analytics.span import Span
from favorites.web.admin import charts
from favorites.web.admin.figures import Behind, day_name, hour_name, step_name, told
from favorites.web.admin.forms import Mistakes
from favorites.web.admin.room import bp, page
from favorites.web.admin.spans import DAYS, kept, span_of
from favorites.web.people import admins_only
from favorites.web.reader import reader_zone

TOO_LONG = "There is too much in this time to count it while you wait. Choose a shorter one."
SHORT = {"_median": "median", "_p95": "95th pct.", "_mean": "mean"}


@bp.get("/admin/analytics")
@admins_only
def analytics() -> ResponseReturnValue:
    """Every figure of a time."""
    found = read_report()
    return mistaken_range(found) if isinstance(found, dict) else page("admin/analytics/index.html", **_shown(found))


def read_span() -> Span | Mistakes:
    """The time that the address asks for."""
    return span_of(request.args, begin(db.session), reader_zone())


def read_report() -> Report | Mistakes:
    """The figures that the address asks for."""
    span = read_span()
    if isinstance(span, dict):
        return span
    try:
        return report(db.session, span)
    except TakesTooLong:
        return {"from": TOO_LONG}


def mistaken_range(mistakes: Mistakes) -> ResponseReturnValue:
    """The page without figures, what is wrong at its field."""
    return page("admin/analytics/index.html", request.args, mistakes, report=None, days=DAYS)


def _shown(report: Report) -> dict[str, Any]:
    args = kept(request.args, report.span)
    return {
        "report": report,
        "days": DAYS,
        "kept": args,
        "sections": SECTIONS,
        "behind": Behind(args),
        "told": told,
        "day_name": day_name,
        "named": lambda groups: [(report.name(group.key), group) for group in groups],
        "most_pairs": PAIRS,
        "courses": lambda section: _courses(report, section),
        "typed": {"from": report.span.first, "to": report.span.last},
    }


def _courses(report: Report, section: Section) -> list[dict[str, Any]]:
    """By day or month, and by hour: the name of the first column, the groups with their names, and the chart."""
    unit, steps = report.span.unit, report.span.steps
    short = [step_name(step, unit, is_short=True) for step in steps]
    hours, on_the_hour = [hour_name(hour) for hour in range(24)], [f"{hour}:00" for hour in range(24)]
    courses = (
        (unit, "step", report.steps, [step_name(step, unit) for step in steps], short),
        ("hour", "hour", report.hours, hours, on_the_hour),
    )
    return [
        {
            "unit": name,
            "by": by,
            "groups": list(zip(names, groups, strict=True)),
            "chart": _chart(f"{section.title} by {name}", section, groups, along),
        }
        for name, by, groups, names, along in courses
    ]


def _chart(title: str, section: Section, groups: list[Group], names: list[str]) -> charts.Chart:
    if section.lines:
        shown = [measure for measure in section.measures if measure.key in section.lines]
        values = {_short(each.key): [each.value(group) for group in groups] for each in shown}
        return charts.lines(title, names, values, _teller("seconds"))
    first = section.measures[0]
    top = 1 if first.unit == "share" else 0
    return charts.bars(title, names, [first.value(group) for group in groups], _teller(first.unit), top)


def _teller(unit: str) -> Callable[[Number], str]:
    return lambda value: told(value, unit)


def _short(key: str) -> str:
    return next(words for ending, words in SHORT.items() if key.endswith(ending))
