"""A connection keeps the plan of a statement that asks for it, and only of the very same."""

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from sqlalchemy import Integer, bindparam, column, create_engine, func, select, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from favorites import db, plans
from favorites.dispatch import fallback
from favorites.models import Plan
from favorites.plans import KEEPS
from tests.database import sql

KEPT = "SELECT statement FROM pg_prepared_statements"


@pytest.fixture
def session() -> Iterator[Session]:
    """On a pool of one connection, as the product makes them."""
    engine = create_engine("postgresql+psycopg2://", creator=db.connect, pool_size=1, max_overflow=0)
    with Session(engine) as session:
        yield session
    engine.dispose()


def kept(session: Session) -> list[str]:
    return [statement for (statement,) in session.execute(text(KEPT)).all()]


def how_many(session: Session, code: str, minutes: int) -> int:
    """Plans of that code, a constant of the statement, which are at least so long, a parameter."""
    long = Plan.minutes >= bindparam("minutes", type_=Integer)
    statement = select(func.count()).select_from(Plan).where(Plan.code == code, long)
    return session.execute(statement.execution_options(**KEEPS), {"minutes": minutes}).scalar_one()


def test_what_varies_is_a_parameter_of_one_plan(session: Session) -> None:
    assert [how_many(session, "chat10", minutes) for minutes in (1, 10_000, 1)] == [1, 0, 1]
    [plan] = kept(session)
    assert "plans.minutes >= $1" in plan
    assert "plans.code = 'chat10'" in plan  # word for word, so that it proves a partial index


def test_another_constant_is_another_plan(session: Session) -> None:
    assert [how_many(session, code, 1) for code in ("chat10", "none such", "chat10")] == [1, 0, 1]
    assert len(kept(session)) == 2


def test_a_plan_outlives_the_transaction_that_made_it(session: Session) -> None:
    how_many(session, "chat10", 1)
    session.rollback()
    assert how_many(session, "chat10", 1) == 1
    assert len(kept(session)) == 1


def test_a_connection_keeps_so_many_and_no_more(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MOST", 2)
    assert [how_many(session, code, 1) for code in ("a", "b", "chat10", "chat10")] == [0, 0, 1, 1]
    assert len(kept(session)) == 2


def test_a_statement_that_does_not_ask_is_not_kept(session: Session) -> None:
    session.execute(select(Plan.code)).all()
    assert kept(session) == []


@pytest.mark.usefixtures("app")
def test_the_poll_s_statements_are_the_same_each_time(session: Session) -> None:
    fallback.sweep(session)
    once = kept(session)
    fallback.sweep(session)
    assert once
    assert kept(session) == once


@pytest.fixture
def numbers() -> Iterator[Any]:
    sql("CREATE TABLE numbers (n integer); INSERT INTO numbers VALUES (7)")
    yield select(column("n")).select_from(table("numbers")).execution_options(**KEEPS)
    sql("DROP TABLE numbers")


def test_a_column_whose_type_has_changed_costs_one_answer(session: Session, numbers: Any) -> None:
    """A newer release's migration, while this one serves."""
    assert session.execute(numbers).scalar_one() == 7
    session.rollback()
    sql("ALTER TABLE numbers ALTER n TYPE text")
    with pytest.raises(DBAPIError, match=plans.STALE) as refusal:
        session.execute(numbers)
    assert refusal.value.connection_invalidated
    session.rollback()
    assert session.execute(numbers).scalar_one() == "7"
    session.rollback()  # its lock would keep the table


def test_a_connection_that_is_not_ours_is_asked_as_ever() -> None:
    engine = create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(db.url()), pool_size=1)
    with Session(engine) as session:
        assert how_many(session, "chat10", 1) == 1
        assert kept(session) == []
    engine.dispose()
