"""Figures as the owner reads them, and the addresses of the session requests behind them."""

from datetime import date, time
from urllib.parse import urlencode

from babel.dates import format_date, format_skeleton
from babel.numbers import format_decimal, format_percent
from flask import url_for

from favorites.queries.analytics.measures import Group, Key, Number, Pair
from favorites.web import filters
from favorites.web.reader import reader_locale

NOTHING = "–"


def told(value: Number, unit: str) -> str:
    """80%, 3 min 20 s, 12.5 min, $9.99 or a number; a dash where there is nothing to tell."""
    if value is None:
        return NOTHING
    if unit == "share":
        return format_percent(value, format="#,##0.#%", locale=reader_locale())
    if unit == "seconds":
        return _seconds(value)
    if unit == "cents":
        return filters.money(int(value))
    number = format_decimal(value, format="#,##0.#", locale=reader_locale())
    return f"{number} min" if unit == "minutes" else number


def _seconds(seconds: float) -> str:
    """Of a delay milliseconds matter, of an answer seconds."""
    return f"{round(seconds * 1000)} ms" if 0 < seconds < 1 else filters.span(seconds)


def step_name(step: date, unit: str, *, is_short: bool = False) -> str:
    """26 Nov 2026, or Nov 26 on a chart; a month by its name."""
    if unit == "month":
        return format_skeleton("yMMM", step, locale=reader_locale())
    if is_short:
        return format_skeleton("MMMd", step, locale=reader_locale())
    return day_name(step)


def day_name(day: date) -> str:
    """26 Nov 2026, or Nov 26, 2026"""
    return format_date(day, "medium", locale=reader_locale())


def hour_name(hour: int) -> str:
    """14:00, or 2:00 PM"""
    return filters.time_of_day(time(hour))


class Behind:
    """Addresses of the lists behind the numbers of one time."""

    def __init__(self, kept: dict[str, str]) -> None:
        self._base = f"{url_for('admin.analytics_requests')}?{urlencode(kept)}"

    def __call__(self, count: str, by: str, group: Group) -> str:
        """The list that `count` of this group counts."""
        return f"{self._base}&{urlencode({'count': count} | _only(by, group.key))}"


def _only(by: str, key: Key) -> dict[str, str]:
    if isinstance(key, Pair):
        return {"customer": str(key.customer_id), "mechanic": str(key.mechanic_id)}
    return {} if key is None else {by: str(key)}
