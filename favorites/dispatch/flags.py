"""Feature flags: the row decides, at once; missing, undecided or unreadable leaves it to the environment."""

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from favorites.db import Session, clock
from favorites.dispatch.errors import NotFound
from favorites.dispatch.verb import verb
from favorites.models import FeatureFlag
from favorites.models.feature_flag import PRIORITY
from favorites.settings import current

log = structlog.get_logger("favorites.dispatch")

UNREADABLE = "Feature flag unreadable, the environment decides"


def priority_is_on(session: Session) -> bool:
    """Whether a favorite who is booked again is asked first, for the next booking. Never raises for the flag's sake."""
    try:
        with session.begin_nested():
            return or_environment(session.execute(select(decided(PRIORITY))).scalar_one())
    except DBAPIError:
        log.warning(UNREADABLE, flag=PRIORITY)
        return or_environment(None)


def decided(key: str) -> ColumnElement[bool | None]:
    """What the flag's row says, to be read with something else; NULL: nothing."""
    return select(FeatureFlag.is_enabled).where(FeatureFlag.flag_key == key).scalar_subquery()


def or_environment(decided: bool | None) -> bool:
    """The row's word, or else the environment's."""
    return current().enable_favorites_priority if decided is None else decided


@verb
def set_flag(session: Session, key: str, is_enabled: bool | None) -> None:
    """Switch a flag on or off, or leave it to the environment (None); a row that is missing is made again.

    Raises `NotFound` for an unknown key.
    """
    if key != PRIORITY:
        raise NotFound
    values = {"is_enabled": is_enabled, "updated_at": clock()}
    switched = insert(FeatureFlag).values(flag_key=key, **values)
    session.execute(switched.on_conflict_do_update(index_elements=["flag_key"], set_=values))
