"""What the owner may choose from: what the board is filtered by, and who could be given a session request."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, select

from favorites.db import Session
from favorites.models import Mechanic, Plan, SessionRequest, Workshop
from favorites.models.attention import is_present
from favorites.models.session_request import can_answer
from favorites.queries.owner_board import full_name
from favorites.queries.presence import is_on_a_job

Options = Sequence[tuple[str, str]]  # value and text


class Choices(NamedTuple):
    """What the board may be filtered by."""

    plans: Options
    workshops: Options
    mechanics: Options


def choices(session: Session) -> Choices:
    """All there are; mechanics with whoever may not work any more."""
    plans = select(Plan.code, Plan.name).order_by(Plan.position)
    workshops = select(Workshop.id, Workshop.name).order_by(Workshop.name)
    return Choices(_options(session, plans), _options(session, workshops), mechanics(session))


def mechanics(session: Session) -> Options:
    """All of them, whoever may not work any more, too."""
    names = select(Mechanic.id, full_name(Mechanic)).order_by(Mechanic.first_name, Mechanic.last_name, Mechanic.id)
    return _options(session, names)


def _options(session: Session, statement: Select[UUID, str] | Select[str, str]) -> Options:
    return [(str(row[0]), row[1]) for row in session.execute(statement)]


def candidates(session: Session, request_id: UUID) -> Options:
    """Who could be given it, and whether they are there; who is free and on shift stands first."""
    there = func.coalesce(is_present, False)
    statement = (
        select(Mechanic.id, full_name(Mechanic), there, is_on_a_job)
        .join(SessionRequest, SessionRequest.id == request_id)
        .where(can_answer, SessionRequest.mechanic_id.is_distinct_from(Mechanic.id))
        .order_by(is_on_a_job, there.desc(), Mechanic.first_name, Mechanic.last_name, Mechanic.id)
    )
    return [(str(row[0]), f"{row[1]} ({_state(row[2], row[3])})") for row in session.execute(statement)]


def _state(is_there: bool, is_busy: bool) -> str:
    return "on a job" if is_busy else "on shift" if is_there else "not on shift"
