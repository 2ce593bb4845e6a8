"""Statements whose plan a connection keeps: PostgreSQL reads and plans them once, not at every execution.

psycopg2 sends each statement as text, and has no way to have one prepared, so this does by PREPARE and EXECUTE what
other drivers do by themselves. Of a board's 7.1 ms of SQL 2.9 were the reading and planning of what had been read and
planned before (measured, decision 24).

A statement asks for it with `KEEPS`, and names what varies: a `bindparam` with a name of its own. Everything else
stands in the plan word for word, so a status in it still proves a partial index; it must be hashable, and be the same
each time, or one connection gets a plan a value. A list that varies (`IN`) is no such parameter.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Compiled, event
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext
from sqlalchemy.types import NullType, TypeEngine

from favorites.patience import Patient

KEEPS = {"keeps_plan": True}
MOST = 100  # plans of a connection; what is asked for beyond is planned anew each time
STALE = "cached plan must not change result type"

_PLACE = re.compile(r"%\((\w+)\)s")
_DIALECT = PGDialect_psycopg2()  # type: ignore[no-untyped-call] # it has no types


class Form(NamedTuple):
    """A statement in two parts: `varying` and their SQL `types`, and the names of what is the same each time."""

    text: str
    varying: list[str]
    types: list[str]
    constants: list[str]

    def prepare(self, name: str) -> str:
        """What makes the plan; the constants are still to be filled in."""
        return f"PREPARE {name}{_listed(self.types)} AS {self.text}"

    def execute(self, name: str) -> str:
        """What uses it."""
        return f"EXECUTE {name}{_listed([f'%({each})s' for each in self.varying])}"


def as_sent(cursor: Any, statement: str, parameters: Any, compiled: Compiled | None) -> str:
    """The words that run it on this connection, which has a plan of it from now on."""
    assert compiled is not None  # what the driver is given as text brings its own
    form = _form(statement, compiled)
    plans, key = cursor.connection.plans, (statement, *[parameters[name] for name in form.constants])
    known: str | None = plans.get(key)
    if known is None and len(plans) < MOST:
        name = f"kept_{len(plans)}"
        cursor.execute(form.prepare(name), parameters)
        known = plans[key] = form.execute(name)
    return known or statement


@lru_cache(4 * MOST)
def _form(statement: str, compiled: Compiled) -> Form:
    binds = compiled.binds  # type: ignore[attr-defined] # of SQL's compiler, not of every one
    names = list(dict.fromkeys(_PLACE.findall(statement)))
    varying = [name for name in names if name in binds and not binds[name].unique]
    places = {name: f"${number}" for number, name in enumerate(varying, 1)}
    text = _PLACE.sub(lambda place: places.get(place[1], place[0]), statement)
    return Form(text, varying, [_type(binds[name].type) for name in varying], [n for n in names if n not in places])


def _type(of: TypeEngine[Any]) -> str:
    return "unknown" if isinstance(of, NullType) else of.dialect_impl(_DIALECT).compile(_DIALECT)


def _listed(words: list[str]) -> str:
    return f" ({', '.join(words)})" if words else ""


@event.listens_for(Engine, "do_execute")
def _run(cursor: DBAPICursor, statement: str, parameters: Any, context: ExecutionContext) -> bool:
    """True: it was run here."""
    asked = context.execution_options.get("keeps_plan")
    if not asked or not isinstance(cursor.connection, Patient):
        return False
    compiled = context.compiled if asked is True else asked
    cursor.execute(as_sent(cursor, statement, parameters, compiled), parameters)
    return True


@event.listens_for(Engine, "handle_error")
def _forget(context: ExceptionContext) -> None:
    """A column's type has changed under a plan, by a newer release's migration: the pool connects anew."""
    if STALE in str(context.original_exception):
        context.is_disconnect = True
