"""A time as its reader means it: whole days by their own clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, Integer, SQLColumnExpression, and_, case, cast, func

from favorites.models import SessionRequest

DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)  # clocks are changed at a quarter of an hour
MOST_DAYS = 100  # of a chart by day; longer times are shown by month


@dataclass(frozen=True)
class Span:
    """From the beginning of `first` to the end of `last`, days in `zone`."""

    first: date
    last: date
    zone: ZoneInfo

    @classmethod
    def of_days(cls, days: int, now: datetime, zone: ZoneInfo) -> Self:
        """So many days, today being the last."""
        today = now.astimezone(zone).date()
        return cls(today - timedelta(days=days - 1), today, zone)

    @property
    def unit(self) -> str:
        """By what its course is shown: day or month."""
        return "day" if (self.last - self.first).days < MOST_DAYS else "month"

    @property
    def steps(self) -> list[date]:
        """The first day of each step of its course, whether anything happened or not."""
        if self.unit == "day":
            return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]
        months = range(12 * self.first.year + self.first.month - 1, 12 * self.last.year + self.last.month)
        return [date(month // 12, month % 12 + 1, 1) for month in months]

    @property
    def holds(self) -> ColumnElement[bool]:
        """The session request was made in this time."""
        return self.has(SessionRequest.created_at)

    @property
    def made_at(self) -> ColumnElement[datetime]:
        """When it was made, by the clock of `zone`."""
        return self.clock(SessionRequest.created_at)

    def has(self, at: SQLColumnExpression[Any]) -> ColumnElement[bool]:
        """That instant is in this time."""
        begin = datetime.combine(self.first, time.min, self.zone)
        end = datetime.combine(self.last + timedelta(days=1), time.min, self.zone)
        return and_(at >= begin, at < end)

    def clock(self, at: SQLColumnExpression[Any]) -> ColumnElement[datetime]:
        """That instant by the clock of `zone`."""
        return func.timezone(self._offset(at), at)

    def _offset(self, at: SQLColumnExpression[Any]) -> ColumnElement[timedelta] | str:
        """From UTC. The name of a zone is looked up for every row, which takes longer than all else that is counted;
        so, while it is shown by day, the offset as it is between its changes."""
        if self.unit == "month":
            return self.zone.key
        begin, end = (datetime.combine(day, time.min, UTC) for day in (self.first, self.last + timedelta(days=2)))
        changes = [day for day in _each(begin - timedelta(days=1), end, DAY) if self._changes(day, DAY)]
        quarters = (quarter for day in changes for quarter in _each(day, day + DAY, QUARTER))
        exact = [quarter + QUARTER for quarter in quarters if self._changes(quarter, QUARTER)]
        earlier = [(at < change, _interval(self._offset_at(change - QUARTER))) for change in exact]
        last = _interval(self._offset_at(end))
        return case(*earlier, else_=last) if earlier else last

    def _changes(self, at: datetime, within: timedelta) -> bool:
        return self._offset_at(at) != self._offset_at(at + within)

    def _offset_at(self, at: datetime) -> timedelta:
        return at.astimezone(self.zone).utcoffset() or timedelta()

    def step(self, made_at: ColumnElement[datetime]) -> ColumnElement[date]:
        """In which step that is."""
        day = cast(made_at, Date)
        return day if self.unit == "day" else cast(func.date_trunc(self.unit, day), Date)

    def hour(self, made_at: ColumnElement[datetime]) -> ColumnElement[int]:
        """In which hour of its day that is, 0 to 23."""
        return cast(func.date_part("hour", made_at), Integer)


def _each(begin: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    return (begin + number * step for number in range((end - begin) // step))


def _interval(offset: timedelta) -> ColumnElement[timedelta]:
    """In seconds: psycopg2 would write some as a day less and some hours, and no zone is that far away."""
    return func.make_interval(0, 0, 0, 0, 0, 0, offset.total_seconds())
