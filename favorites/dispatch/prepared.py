"""Statements that are built and compiled once a process.

To build those of an accept anew each time took 2.9 of its 3.2 ms of processor time, and a process has one interpreter:
its eight threads did 257 a second where pgbench did 1,943 (measured).
"""

from functools import cached_property
from typing import Any

from sqlalchemy import BindParameter, Compiled, CursorResult, Uuid, bindparam
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.sql.elements import ClauseElement

from favorites.db import Session

# What differs from run to run; `request` and `mechanic` in `run`.
REQUEST: BindParameter[Any] = bindparam("request", type_=Uuid())
MECHANIC: BindParameter[Any] = bindparam("mechanic", type_=Uuid())


class Prepared:
    """A statement, whose plan its connections keep; its rows come as the driver has them, past the identity map."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement

    def run(self, session: Session, **given: Any) -> CursorResult[Any]:
        """Runs it with these values for its `bindparam`s."""
        compiled = self._compiled
        options = {"keeps_plan": compiled}
        return session.connection().exec_driver_sql(
            compiled.string, {**compiled.params, **given}, execution_options=options
        )

    @cached_property
    def _compiled(self) -> Compiled:
        return self._statement.compile(dialect=PGDialect_psycopg2())  # type: ignore[no-untyped-call] # it has no types
