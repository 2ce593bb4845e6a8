"""Whether the engine that announces lapsed windows is alive, and whether the database answers."""

from datetime import timedelta

from sqlalchemy import func, select

from favorites.db import Session
from favorites.models import EngineBeat
from favorites.settings import current


def answers(session: Session) -> bool:
    """Whether the database does."""
    return bool(session.execute(select(1)).scalar_one() == 1)


def beat_is_late(session: Session) -> bool:
    """Whether the newest beat is not of the last three periods, by the database's clock; so, too, when there is none.

    The newest by its number: after the clock was set back older ones lie in the future, and say nothing.
    """
    three = timedelta(seconds=3 * current().poll_seconds)
    is_recent = EngineBeat.at.between(func.now() - three, func.now() + three)
    return not session.scalars(select(is_recent).order_by(EngineBeat.id.desc()).limit(1)).one_or_none()


def has_stopped(session: Session) -> bool:
    """Whether polls were made here and are late now; an engine that has yet to start is no news to people."""
    return beat_is_late(session) and session.scalars(select(EngineBeat.id).limit(1)).one_or_none() is not None
