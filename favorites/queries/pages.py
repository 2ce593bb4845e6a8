"""Lists too long for one page: so many rows of it, and whether there are more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Row, Select, SQLColumnExpression, func, or_

from favorites.db import Session
from favorites.models import SessionRequest

T = TypeVar("T")

SIZE = 50  # rows of one page
LAST = 10_000  # the highest page that may be asked for


class Line(NamedTuple):
    """A session request on somebody's page: what it is called there, and what is told of it."""

    request: SessionRequest
    name: str
    told: str


@dataclass(frozen=True)
class Part(Generic[T]):
    """One page of a list, counted from 1."""

    rows: Sequence[T]
    number: int
    has_more: bool


def part(session: Session, found: Select[*tuple[Any, ...]], number: int) -> Part[Row[*tuple[Any, ...]]]:
    """That page of what `found` selects, in its order."""
    rows = session.execute(found.offset((number - 1) * SIZE).limit(SIZE + 1)).all()
    return Part(rows[:SIZE], number, len(rows) > SIZE)


def is_called(
    text: str, first: SQLColumnExpression[str], last: SQLColumnExpression[str], email: SQLColumnExpression[str]
) -> ColumnElement[bool]:
    """Whose name or address has this text in it, in whatever case."""
    name = func.concat_ws(" ", first, last)
    return or_(name.icontains(text, autoescape=True), email.icontains(text, autoescape=True))
