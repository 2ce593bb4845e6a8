"""The session requests behind a number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, func, select
from sqlalchemy.orm import aliased

from favorites.db import Session
from favorites.models import Customer, Mechanic, SessionRequest
from favorites.queries.analytics.facts import counts_as, made
from favorites.queries.analytics.measures import FORMER
from favorites.queries.analytics.pairs import OF_PAIRS, meetings
from favorites.queries.analytics.report import in_time
from favorites.queries.analytics.span import Span

PAGE = 50  # rows


@dataclass(frozen=True)
class Wanted:
    """Which of `measures.COUNTS`; where given of which mechanic (an id, or `FORMER`), customer, step and hour."""

    count: str = "offers"
    mechanic: UUID | str | None = None
    customer: UUID | None = None
    step: date | None = None
    hour: int | None = None


@dataclass(frozen=True)
class Behind:
    """A session request with its people, and what came of its window: seconds until it was won or left."""

    request: SessionRequest
    customer: str
    preferred: str | None
    mechanic: str | None
    won_after: float | None
    reason: str | None
    waited: float | None


def behind(session: Session, span: Span, wanted: Wanted, page: int = 1) -> tuple[int, Sequence[Behind]]:
    """How many there are, and those of one page, the latest first. Raises `TakesTooLong`."""
    these = _these(span, wanted)
    with in_time(session):
        count = session.scalar(select(func.count()).select_from(these)) or 0
        rows = session.execute(_rows(these).limit(PAGE).offset((page - 1) * PAGE))
        return count, [Behind(*row) for row in rows]


def _these(span: Span, wanted: Wanted) -> Subquery:
    each = made(span).cte("made")
    its = each.c
    these = [its.mechanic_id.is_(None) if wanted.mechanic == FORMER else its.mechanic_id == wanted.mechanic]
    given = {its.customer_id: wanted.customer, its.step: wanted.step, its.hour: wanted.hour}
    these = [
        *(these if wanted.mechanic else []),
        *(column == value for column, value in given.items() if value is not None),
    ]
    return select(each).where(_is_counted(each, wanted.count), *these).subquery("these")


def _is_counted(each: FromClause, count: str) -> ColumnElement[bool]:
    if count not in OF_PAIRS:
        return counts_as(each, count)
    met = meetings(each).subquery("met")
    return each.c.id.in_(select(met.c.id).where(met.c[count]))


def _rows(these: Subquery) -> Select[*tuple[Any, ...]]:
    preferred, mechanic, its = aliased(Mechanic), aliased(Mechanic), these.c
    return (
        select(SessionRequest, _name(Customer), _name(preferred), _name(mechanic), its.response, its.reason, its.waited)
        .join(these, its.id == SessionRequest.id)
        .join(Customer, Customer.id == SessionRequest.customer_id)
        .outerjoin(preferred, preferred.id == SessionRequest.preferred_mechanic_id)
        .outerjoin(mechanic, mechanic.id == SessionRequest.mechanic_id)
        .order_by(SessionRequest.created_at.desc(), SessionRequest.id)
    )


def _name(person: Any) -> ColumnElement[str]:
    # The id tells whether there is somebody: of nobody the words would be an empty name.
    return func.nullif(func.trim(func.concat_ws(" ", person.first_name, person.last_name)), "")
