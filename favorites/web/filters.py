"""What templates can do with times and money, and the few questions every page asks."""

from calendar import month_abbr
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Flask, g, has_request_context
from flask_security import current_user

from favorites.db import db
from favorites.queries import engine
from favorites.web.static_files import static_url

UTC_ZONE = ZoneInfo("UTC")
AGES = ((86_400, "d"), (3_600, "h"), (60, "min"))  # seconds
KEPT = 4096  # times


def init_app(app: Flask) -> None:
    """Registers the filters and globals."""
    for filter_ in (clock, iso, day, with_zone, money, minsec, seconds_after, ago):
        app.add_template_filter(filter_)
    for global_ in (static_url, engine_is_late):
        app.add_template_global(global_)


def reader_zone() -> ZoneInfo:
    """The time zone of who reads; UTC for whoever is not signed in. Found once a request: a board asks 1,400 times."""
    if not has_request_context():
        return UTC_ZONE
    if "reader_zone" not in g:
        g.reader_zone = _zone_of(current_user.time_zone) if current_user.is_authenticated else UTC_ZONE
    zone: ZoneInfo = g.reader_zone
    return zone


def _zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC_ZONE


def clock(at: datetime) -> str:
    """10:02"""
    return _clock(at, reader_zone())


def day(at: datetime) -> str:
    """22 Nov 2026"""
    return _day(at, reader_zone())


def with_zone(at: datetime) -> str:
    """22 Nov 2026, 10:02 CET"""
    return _with_zone(at, reader_zone())


# The same times are read again and again, by every board: what they read as is kept.
@lru_cache(KEPT)
def _with_zone(at: datetime, zone: ZoneInfo) -> str:
    return f"{_day(at, zone)}, {_clock(at, zone)} {at.astimezone(zone).tzname()}"


@lru_cache(KEPT)
def _clock(at: datetime, zone: ZoneInfo) -> str:
    there = at.astimezone(zone)
    return f"{there.hour:02}:{there.minute:02}"


@lru_cache(KEPT)
def _day(at: datetime, zone: ZoneInfo) -> str:
    there = at.astimezone(zone)
    return f"{there.day} {month_abbr[there.month]} {there.year}"


@lru_cache(KEPT)
def iso(at: datetime) -> str:
    """2026-11-22T09:02:00.000Z, as browsers read it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(cents: int, currency: str = "USD") -> str:
    """$9.99, or 9.99 EUR: whole cents in, never a float."""
    amount = f"{'-' if cents < 0 else ''}{{}}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"
    return amount.format("$") if currency.upper() == "USD" else f"{amount.format('')} {currency.upper()}"


def minsec(seconds: float) -> str:
    """9:05"""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def seconds_after(later: datetime, now: datetime) -> int:
    """Whole seconds until then, begun ones included; 0 when it is over."""
    return max(0, ceil((later - now).total_seconds()))


def ago(at: datetime) -> str:
    """3 min ago"""
    seconds = (datetime.now(UTC) - at).total_seconds()
    for length, unit in AGES:
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"


def engine_is_late() -> bool:
    """Whether notifications may be late: the poll has stopped."""
    return engine.has_stopped(db.session)
