"""Every figure as CSV and as JSON: the same numbers as on the page."""

import csv
import io

from flask import Response, jsonify
from flask.typing import ResponseReturnValue

from favorites.queries.analytics.flat import Line, lines
from favorites.queries.analytics.report import Report
from favorites.web.admin.analytics import mistaken_range, read_report
from favorites.web.admin.room import bp
from favorites.web.answers import mistaken
from favorites.web.people import admins_only

STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # OWASP, CSV injection


@bp.get("/admin/analytics.csv")
@admins_only
def analytics_csv() -> ResponseReturnValue:
    """A row for each figure."""
    found = read_report()
    return mistaken_range(found) if isinstance(found, dict) else _csv(found)


@bp.get("/admin/analytics.json")
@admins_only
def analytics_json() -> ResponseReturnValue:
    """The time, and an object for each figure."""
    found = read_report()
    if isinstance(found, dict):
        return mistaken(found)
    return jsonify(_time(found) | {"figures": [line._asdict() for line in lines(found)]})


def harmless(cell: object) -> object:
    """What a spreadsheet would take for a formula is text to it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(STARTS_A_FORMULA) else cell


def _time(report: Report) -> dict[str, str]:
    span = report.span
    return {"from": span.first.isoformat(), "to": span.last.isoformat(), "zone": span.zone.key}


def _csv(report: Report) -> Response:
    time = _time(report)
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow((*time, *Line._fields))
    rows.writerows([harmless(cell) for cell in (*time.values(), *line)] for line in lines(report))
    name = f"book-again-{time['from']}-to-{time['to']}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(written.getvalue(), mimetype="text/csv", headers=headers)
