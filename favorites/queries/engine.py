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
    """Whether no poll has ended within three periods, by the database's clock; so, too, when none ever has."""
    recent = func.now() - timedelta(seconds=3 * current().poll_seconds)
    return session.scalars(select(EngineBeat.id).where(EngineBeat.at > recent).limit(1)).one_or_none() is None


def has_stopped(session: Session) -> bool:
    """Whether polls were made here and are late now; an engine that has yet to start is no news to people."""
    return beat_is_late(session) and session.scalars(select(EngineBeat.id).limit(1)).one_or_none() is not None
