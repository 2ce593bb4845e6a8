"""`/admin/analytics/requests`: the session requests behind a number."""

from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import urlencode
from uuid import UUID

from flask import abort, request
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.models import FallbackReason
from favorites.queries.analytics import behind as queries
from favorites.queries.analytics.behind import Wanted
from favorites.queries.analytics.measures import COUNTS, FORMER
from favorites.queries.analytics.report import TakesTooLong
from favorites.web.admin.analytics import TOO_LONG, mistaken_range, read_span
from favorites.web.admin.figures import day_name, hour_name, step_name
from favorites.web.admin.room import bp, page
from favorites.web.admin.spans import kept
from favorites.web.people import admins_only

REASONS = {
    FallbackReason.NO_RESPONSE: "No answer, everyone was asked",
    FallbackReason.DECLINED: "Declined",
    FallbackReason.CUSTOMER_OPENED: "The customer asked everyone",
    FallbackReason.UNAVAILABLE: "Became unavailable",
    FallbackReason.RELEASED: "Given back",
}


@bp.get("/admin/analytics/requests")
@admins_only
def analytics_requests() -> ResponseReturnValue:
    """One page of them, the latest first."""
    span = read_span()
    if isinstance(span, dict):
        return mistaken_range(span)
    wanted, number = _wanted(request.args), _page_number()
    try:
        count, rows = queries.behind(db.session, span, wanted, number)
    except TakesTooLong:
        return mistaken_range({"from": TOO_LONG})
    pages = max(1, -(-count // queries.PAGE))
    if number > pages:
        abort(404)
    return page(
        "admin/analytics/requests.html",
        span=span,
        kept=kept(request.args, span),
        what=COUNTS[wanted.count],
        only=_only(wanted, span.unit, rows),
        count=count,
        rows=rows,
        reasons=REASONS,
        day_name=day_name,
        turns={turn: _turned(to) for turn, to in (("earlier", number + 1), ("later", number - 1)) if 0 < to <= pages},
    )


def _wanted(typed: Mapping[str, str]) -> Wanted:
    """What a link of the page asked for; 404 for anything else."""
    count, mechanic = typed.get("count", "offers"), typed.get("mechanic")
    if count not in COUNTS:
        abort(404)
    try:
        return Wanted(
            count,
            UUID(mechanic) if mechanic and mechanic != FORMER else mechanic,
            UUID(typed["customer"]) if "customer" in typed else None,
            date.fromisoformat(typed["step"]) if "step" in typed else None,
            _hour(typed["hour"]) if "hour" in typed else None,
        )
    except ValueError:
        abort(404)


def _hour(typed: str) -> int:
    if typed.isascii() and typed.isdecimal() and len(typed) <= 2 and int(typed) < 24:
        return int(typed)
    raise ValueError(typed)


def _page_number() -> int:
    typed = request.args.get("page", "1")
    return int(typed) if typed.isascii() and typed.isdecimal() and 0 < len(typed) < 7 and int(typed) else abort(404)


def _turned(number: int) -> str:
    return f"{request.path}?{urlencode(request.args.to_dict() | {'page': number})}"


def _only(wanted: Wanted, unit: str, rows: Sequence[queries.Behind]) -> list[str]:
    """What the list is narrowed to, in words."""
    first = rows[0] if rows else None
    return [
        *([first.preferred or "Former mechanic"] if wanted.mechanic and first else []),
        *([first.customer] if wanted.customer and first else []),
        *([step_name(wanted.step, unit)] if wanted.step else []),
        *([f"asked from {hour_name(wanted.hour)}"] if wanted.hour is not None else []),
    ]
