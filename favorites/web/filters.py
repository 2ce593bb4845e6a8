"""What templates can do with times and money, and the few questions every page asks."""

from datetime import UTC, datetime, time
from decimal import Decimal
from functools import lru_cache
from math import ceil
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_currency
from flask import Flask

from favorites.db import db
from favorites.models.people import FORMER_CUSTOMER, FORMER_MECHANIC
from favorites.queries import engine
from favorites.web.reader import reader_lang, reader_locale, reader_zone
from favorites.web.static_files import static_url
from favorites.web.workshop_link import who_is_asked

AGES = ((86_400, "d"), (3_600, "h"), (60, "min"))  # seconds
KEPT = 4096  # times


def init_app(app: Flask) -> None:
    """Registers the filters and globals."""
    for filter_ in (
        amid,
        clock,
        clock_to_the_second,
        time_of_day,
        iso,
        day,
        with_zone,
        money,
        minsec,
        span,
        seconds_after,
        ago,
    ):
        app.add_template_filter(filter_)
    for global_ in (static_url, engine_is_late, reader_lang, who_is_asked):
        app.add_template_global(global_)


def amid(name: str) -> str:
    """A name in the middle of a sentence: of an erased person it begins with a small letter."""
    return name[0].lower() + name[1:] if name in (FORMER_CUSTOMER, FORMER_MECHANIC) else name


def clock(at: datetime) -> str:
    """10:02, or 10:02 AM"""
    return _clock(at, reader_zone(), reader_locale())


def clock_to_the_second(at: datetime) -> str:
    """10:02:04, or 10:02:04 AM"""
    return _clock(at, reader_zone(), reader_locale(), "medium")


def time_of_day(at: time) -> str:
    """22:00, or 10:00 PM: of every day, by the clock of whoever chose it"""
    return format_time(at, "short", locale=reader_locale())


def day(at: datetime) -> str:
    """22 Nov 2026, or Nov 22, 2026"""
    return _day(at, reader_zone(), reader_locale())


def with_zone(at: datetime) -> str:
    """22 Nov 2026, 10:02 CET"""
    return _with_zone(at, reader_zone(), reader_locale())


# The same times are read again and again, by every board: what they read as is kept, for each zone and locale.
@lru_cache(KEPT)
def _with_zone(at: datetime, zone: ZoneInfo, locale: str) -> str:
    return f"{_day(at, zone, locale)}, {_clock(at, zone, locale)} {at.astimezone(zone).tzname()}"


@lru_cache(KEPT)
def _clock(at: datetime, zone: ZoneInfo, locale: str, width: Literal["short", "medium"] = "short") -> str:
    return format_time(at, width, tzinfo=zone, locale=locale)


@lru_cache(KEPT)
def _day(at: datetime, zone: ZoneInfo, locale: str) -> str:
    return format_date(at.astimezone(zone), "medium", locale=locale)


@lru_cache(KEPT)
def iso(at: datetime) -> str:
    """2026-11-22T09:02:00.000Z, as browsers read it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(cents: int, currency: str = "USD") -> str:
    """$9.99, or 9,99 $: whole hundredths in, never a float."""
    return _money(cents, currency.upper(), reader_locale())


@lru_cache(KEPT)
def _money(cents: int, currency: str, locale: str) -> str:
    return format_currency(Decimal(cents).scaleb(-2), currency, locale=locale)


def minsec(seconds: float) -> str:
    """9:05"""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def span(seconds: float) -> str:
    """45 s, 3 min 20 s, 5 min"""
    minutes, left = divmod(round(seconds), 60)
    told = [f"{minutes} min"] if minutes else []
    return " ".join([*told, f"{left} s"] if left or not minutes else told)


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
