"""The time that figures are of, as the address has it."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from favorites.queries.analytics.span import Span
from favorites.web.admin.forms import Mistakes

DAYS = (7, 30, 90)
USUAL = 30
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
NO_DAY = "Give a day as 2026-11-26, from 2000 to 2099."


def span_of(typed: Mapping[str, str], now: datetime, zone: ZoneInfo) -> Span | Mistakes:
    """`days=30`, or `from` and `to` as days, both included; without `to`: until today."""
    if not (typed.get("from") or typed.get("to")):
        return _last_days(typed.get("days", str(USUAL)), now, zone)
    first = _day(typed.get("from", ""))
    last = _day(typed["to"]) if typed.get("to") else now.astimezone(zone).date()
    mistakes = {name: NO_DAY for name, given in (("from", first), ("to", last)) if given is None}
    if mistakes or first is None or last is None:
        return mistakes
    return Span(first, last, zone) if first <= last else {"to": "The last day is before the first."}


def kept(typed: Mapping[str, str], span: Span) -> dict[str, str]:
    """What a link says so that the time stays: the last days move on with the clock, two days do not."""
    if typed.get("from") or typed.get("to"):
        return {"from": span.first.isoformat(), "to": span.last.isoformat()}
    return {"days": typed.get("days", str(USUAL))}


def _last_days(typed: str, now: datetime, zone: ZoneInfo) -> Span | Mistakes:
    known = {str(days): days for days in DAYS}
    if typed not in known:
        return {"from": "Choose the last 7, 30 or 90 days, or give the first and the last day here."}
    return Span.of_days(known[typed], now, zone)


def _day(typed: str) -> date | None:
    try:
        given = date.fromisoformat(typed.strip())
    except ValueError:
        return None
    return given if EARLIEST <= given <= LATEST else None
