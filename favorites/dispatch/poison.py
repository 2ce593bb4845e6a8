"""Poison: rows on which the sweep fails. They hold up nobody, and after three tries go a plain way."""

import random
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, text, update
from sqlalchemy.exc import DBAPIError

from favorites.db import Session
from favorites.dispatch.verb import verb
from favorites.models import SessionRequest
from favorites.models.session_request import TRIES

log = structlog.get_logger("favorites.dispatch")

R = TypeVar("R")

PATIENCE = 5.0  # seconds for rows done one by one; the next poll has those who are left
BRIEFLY = text("SELECT set_config('lock_timeout', '250ms', true), set_config('statement_timeout', '2s', true)")
AWAY = {"08", "25", "53", "57", "58"}  # SQLSTATE's classes of a server that is away, full or ill: no row's fault
WAITED = {"55P03", "40P01", "40001"}  # somebody else was there: no failure, the next poll comes

# Rows that refuse even the count of their failures: known to this process only, and learned again by the next.
_uncounted: set[UUID] = set()


def is_well() -> ColumnElement[bool]:
    """The sweep has not failed too often on this row."""
    is_known = SessionRequest.attempts < TRIES
    return and_(is_known, SessionRequest.id.not_in(_uncounted)) if _uncounted else is_known


def raise_if_away(error: Exception) -> None:
    """Raises `error` when the server is to blame, and no row."""
    code = _code(error)
    if isinstance(error, DBAPIError) and (code is None or (code[:2] in AWAY and code != "57014")):
        raise error


def singly(session: Session, ids: Sequence[UUID], one: Callable[[UUID], list[R]]) -> list[R]:
    """Do `one` for each row, in a transaction of its own; what they return. A failure is counted and stops nobody."""
    done: list[R] = []
    for request_id in _for_a_while(ids):
        try:
            done += one(request_id)
        except Exception as error:
            raise_if_away(error)
            if _code(error) not in WAITED:
                _failed(session, request_id, error)
    return done


def plainly(ids: Sequence[UUID], one: Callable[[UUID], list[R]]) -> list[R]:
    """Do `one` for each row that was set aside; what still fails stays where it is, and `flask doctor` names it."""
    done: list[R] = []
    for request_id in _for_a_while(ids):
        try:
            done += one(request_id)
            _uncounted.discard(request_id)
        except Exception as error:
            raise_if_away(error)
            log.debug("It cannot be done the plain way either", session_request=request_id, error=_words(error))
    return done


def _for_a_while(ids: Sequence[UUID]) -> Iterator[UUID]:
    """In random order, so that those who take long do not keep the sweep from the others each time."""
    enough = monotonic() + PATIENCE
    for request_id in random.sample(ids, len(ids)):
        if monotonic() > enough:
            return
        yield request_id


def _failed(session: Session, request_id: UUID, error: Exception) -> None:
    try:
        attempts = _count(session, request_id)
    except Exception as refusal:
        raise_if_away(refusal)
        _uncounted.add(request_id)
        attempts = TRIES
    if attempts == TRIES:
        log.error("[Fallback] The sweep fails on it and sets it aside", session_request=request_id, error=_words(error))


@verb
def _count(session: Session, request_id: UUID) -> int | None:
    failed = update(SessionRequest).where(SessionRequest.id == request_id).values(attempts=SessionRequest.attempts + 1)
    return session.execute(failed.returning(SessionRequest.attempts)).scalar_one_or_none()


def _code(error: Exception) -> str | None:
    code: str | None = getattr(getattr(error, "orig", None), "pgcode", None)
    return code


def _words(error: Any) -> str:
    """Without the statement and its values, which may be somebody's."""
    return f"{type(error).__name__} {_code(error) or ''}".strip()
