"""Rows of grouping sets: of what each is, and how they become groups."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Integer,
    Row,
    Select,
    Uuid,
    case,
    cast,
    func,
    null,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from favorites.queries.analytics.measures import FORMER, Group, Key, Number, Pair

KEYS: dict[str, TypeEngine[Any]] = {"customer_id": Uuid(), "mechanic_id": Uuid(), "step": Date(), "hour": Integer()}
EACH = {"mechanic": ("mechanic_id",), "step": ("step",), "hour": ("hour",)}
EACH_AND_PAIRS = {"pair": ("customer_id", "mechanic_id"), **EACH}  # of a pair's row the mechanic is a part: pairs first


def by_each(
    of: FromClause, each: Mapping[str, tuple[str, ...]], *beside: ColumnElement[Any]
) -> tuple[ColumnElement[str], ColumnElement[Any]]:
    """The column that says what a row is of, and the sets: all, and each of `each`; each one by `beside`, too."""
    is_of = case(*((func.grouping(of.c[keys[0]]) == 0, by) for by, keys in each.items()), else_="all")
    sets = (tuple_(*(of.c[key] for key in keys), *beside) for keys in ((), *each.values()))
    return is_of.label("by"), func.grouping_sets(*sets)


def told(
    by: ColumnElement[str], of: FromClause, numbers: Mapping[str, ColumnElement[Any]], *, without: Iterable[str] = ()
) -> Select[*tuple[Any, ...]]:
    """Rows as every part of the statement has them: of what, its keys as far as `of` has them, its numbers."""
    keys = (
        of.c[key] if key in of.c and key not in without else cast(null(), type_).label(key)
        for key, type_ in KEYS.items()
    )
    named = (part for name, number in numbers.items() for part in (name, number))
    return select(by, *keys, func.jsonb_build_object(*named, type_=JSONB).label("numbers"))


def grouped(rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[str, dict[Key, Group]]:
    """By what they are of, then by whom or when; what two parts tell of the same is put together."""
    numbers: dict[str, dict[Key, dict[str, Number]]] = {by: {} for by in ("all", *EACH_AND_PAIRS)}
    for row in rows:
        numbers[row.by].setdefault(_key(row), {}).update(row.numbers)
    return {by: {key: Group(key, its) for key, its in found.items()} for by, found in numbers.items()}


def _key(row: Row[*tuple[Any, ...]]) -> Key:
    keys: dict[str, Key] = {
        "all": None,
        "pair": Pair(row.customer_id, row.mechanic_id),
        "mechanic": row.mechanic_id or FORMER,
        "step": row.step,
        "hour": row.hour,
    }
    return keys[row.by]
