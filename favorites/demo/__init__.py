"""The demo: nine people and their past month, made by the verbs that make the present, then moved back in time."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from favorites.db import db
from favorites.demo import month, people
from favorites.demo.cast import CAST, OLGA, PASSWORD
from favorites.dispatch.actors import SYSTEM
from favorites.dispatch.flags import set_flag
from favorites.models import FeatureFlag, User
from favorites.models.feature_flag import PRIORITY

__all__ = ["CAST", "PASSWORD", "write"]


def write() -> bool:
    """Writes all of it in one transaction, or nothing when it is there already; whether it wrote."""
    with db.engine.begin() as connection, Session(connection, join_transaction_mode="create_savepoint") as session:
        # The verbs' commits release savepoints of this one transaction. Of two starts at once the second sees Olga.
        session.execute(text("SET LOCAL lock_timeout = '60s'"))
        session.execute(text("SET LOCAL statement_timeout = '60s'"))
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('demo data'))"))
        if session.scalar(select(User.id).where(User.email == OLGA.email)):
            return False
        decided = session.scalar(select(FeatureFlag.is_enabled).where(FeatureFlag.flag_key == PRIORITY))
        set_flag(session, PRIORITY, True, SYSTEM)
        with _quietly():
            month.play(session, people.add(session))
        if decided is not None:
            set_flag(session, PRIORITY, decided, SYSTEM)  # the owner's own choice stands
    return True


@contextmanager
def _quietly() -> Iterator[None]:
    log = logging.getLogger("favorites.dispatch")
    before = log.level
    log.setLevel(logging.WARNING)  # a month's offers and broadcasts are no news
    try:
        yield
    finally:
        log.setLevel(before)
