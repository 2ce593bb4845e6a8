"""All figures of a time, by one statement over it, however many mechanics, days and pairs there are."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg2.errors import QueryCanceled
from sqlalchemy import CompoundSelect, func, select, union_all
from sqlalchemy.exc import OperationalError

from favorites.db import Session, clock
from favorites.models import Customer, Mechanic
from favorites.queries.analytics.advice import HABIT, Advice, advised, habits
from favorites.queries.analytics.facts import made
from favorites.queries.analytics.grouping import grouped
from favorites.queries.analytics.measures import Group, Key, Pair
from favorites.queries.analytics.offered import counts, spreads
from favorites.queries.analytics.pairs import pairs
from favorites.queries.analytics.span import Span

LONGEST = "4s"  # of one statement: eight people who ask for all of time must not hold every thread
MEMORY = "32MB"  # for the session requests of the time, each once
FORMER_NAME = "Former mechanic"


class TakesTooLong(Exception):
    """The time is so long that counting would keep others waiting; the session is rolled back."""


@dataclass(frozen=True)
class Report:
    """`groups` by what they are of: all, mechanic, step, hour, pair. `names` of mechanics and customers, by id."""

    span: Span
    groups: Mapping[str, Mapping[Key, Group]]
    advice: Mapping[Key, Advice]
    names: Mapping[UUID, str]

    @property
    def all(self) -> Group:
        """Of everything together."""
        return self.groups["all"].get(None, Group())

    @property
    def mechanics(self) -> list[Group]:
        """Those who were asked first, the most asked ones first."""
        asked = [group for group in self.groups["mechanic"].values() if group.count("offers")]
        return sorted(asked, key=lambda group: (-group.count("offers"), self.name(group.key)))

    @property
    def steps(self) -> list[Group]:
        """Every day or month of the time."""
        return [self.groups["step"].get(step, Group(step)) for step in self.span.steps]

    @property
    def hours(self) -> list[Group]:
        """The 24 hours of the day."""
        return [self.groups["hour"].get(hour, Group(hour)) for hour in range(24)]

    @property
    def pairs(self) -> list[Group]:
        """The pairs who met most often."""
        return sorted(self.groups["pair"].values(), key=lambda group: group.count("place"))

    def name(self, key: Key) -> str:
        """Of a mechanic, or of a pair."""
        if isinstance(key, Pair):
            return f"{self.name(key.customer_id)} × {self.name(key.mechanic_id)}"
        return self.names.get(key, FORMER_NAME) if isinstance(key, UUID) else FORMER_NAME

    def advised(self, key: Key) -> str:
        """What a shorter window would have cost and saved with this mechanic, in words."""
        return self.advice.get(key, Advice(0)).sentence(self.name(key))


def begin(session: Session) -> datetime:
    """The database's clock; until the end of the transaction a statement may take `LONGEST` and sort in memory."""
    limits = (func.set_config("statement_timeout", LONGEST, True), func.set_config("work_mem", MEMORY, True))
    now: datetime = session.execute(select(clock(), *limits)).one()[0]
    return now


@contextmanager
def in_time(session: Session) -> Iterator[None]:
    """Raises `TakesTooLong` where the database stopped a statement."""
    try:
        yield
    except OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        session.rollback()
        raise TakesTooLong from None


def report(session: Session, span: Span) -> Report:
    """The figures, within the limits that `begin` sets. Raises `TakesTooLong`."""
    with in_time(session):
        rows = session.execute(figures(span)).all()
        groups = grouped(row for row in rows if row.by != HABIT)
        advice = advised(row for row in rows if row.by == HABIT)
        return Report(span, groups, advice, _names(session, groups["mechanic"], groups["pair"]))


def figures(span: Span) -> CompoundSelect[*tuple[Any, ...]]:
    """All of it in one statement, which reads the session requests of the time once."""
    each = made(span).cte("made")
    return union_all(counts(each), spreads(each), pairs(each), habits(each))


def _names(session: Session, mechanics: Iterable[Key], pairs: Iterable[Key]) -> dict[UUID, str]:
    ids = {key for key in mechanics if isinstance(key, UUID)}
    customers = {key.customer_id for key in pairs if isinstance(key, Pair)}
    named = union_all(
        *(
            select(table.id, func.trim(func.concat_ws(" ", table.first_name, table.last_name))).where(
                table.id.in_(some)
            )
            for table, some in ((Mechanic, ids), (Customer, customers))
        )
    )
    return {id_: name for id_, name in session.execute(named)}
