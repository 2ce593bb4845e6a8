"""One verb, one function, one transaction: commits, runs again after a deadlock, and speaks after the commit."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError

from favorites import crash
from favorites.db import Session
from favorites.dispatch import errors

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger("favorites.dispatch")

TRIES = 5
RUN_AGAIN = {"40P01", "40001"}  # deadlock detected, serialization failure

# A unique index that refuses is the answer, not an error.
ANSWERS: dict[str | None, type[errors.Refusal]] = {
    "session_requests_one_active_per_mechanic": errors.HasActiveSession,
    "session_requests_one_open_per_customer": errors.HasOpenRequest,
    "payments_one_paid_per_consultation": errors.AlreadyPaid,
    "sessions_one_free_per_customer": errors.FreePlanUsed,
    "vehicles_once_per_customer": errors.VehicleKnown,
}


class Again(Exception):
    """What was read to explain a refusal says that there is none any more: the verb runs once more."""


def say(session: Session, message: str, *, is_error: bool = False, **fields: Any) -> None:
    """Keep a log line until the transaction has committed; what was rolled back was never so."""
    session.info.setdefault("said", []).append((logging.ERROR if is_error else logging.INFO, message, fields))


def verb(function: Callable[Concatenate[Session, P], R]) -> Callable[Concatenate[Session, P], R]:
    """Make `function` a verb: it commits, or rolls back and raises; after a deadlock it runs again, at most 5 times."""

    @wraps(function)
    def run(session: Session, /, *args: P.args, **kwargs: P.kwargs) -> R:
        for left in reversed(range(TRIES)):
            try:
                return _once(session, function, *args, **kwargs)
            except (DBAPIError, Again) as error:
                if not left or not worth_another_try(error):
                    raise
                time.sleep(random.uniform(0.005, 0.05))
        raise AssertionError("unreachable")

    return run


def _once(session: Session, function: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    session.info["events"], session.info["said"], session.info["verb"] = [], [], function.__name__
    try:
        result = function(session, *args, **kwargs)
        crash.here(f"{function.__name__}.before_commit")
        session.commit()
        crash.here(f"{function.__name__}.after_commit")
    except IntegrityError as error:
        session.rollback()
        raise _answer(error) from error
    except BaseException:
        session.rollback()
        raise
    for level, message, fields in session.info.pop("said"):
        with suppress(Exception):  # it is done; a log that cannot be written does not undo it
            log.log(level, message, **fields)
    return result


def _answer(error: IntegrityError) -> Exception:
    answer = ANSWERS.get(getattr(getattr(error.orig, "diag", None), "constraint_name", None))
    return answer() if answer else error


@contextmanager
def attempt(session: Session) -> Iterator[None]:
    """A part of a verb that may be refused: then nothing of it was done, said or told, and the verb goes on.

    Raises the `Refusal`, of a unique index, too.
    """
    before = {kept: list(session.info[kept]) for kept in ("said", "events")}
    try:
        with session.begin_nested():
            yield
            session.flush()
    except (errors.Refusal, IntegrityError) as error:
        session.info.update(before)
        raise (_answer(error) if isinstance(error, IntegrityError) else error) from error


def worth_another_try(error: Exception) -> bool:
    """Whether the verb runs again after it."""
    return isinstance(error, Again) or getattr(getattr(error, "orig", None), "pgcode", None) in RUN_AGAIN
