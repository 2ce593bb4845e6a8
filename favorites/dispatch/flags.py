"""Feature flags: the row decides, at once; missing, undecided or unreadable leaves it to the environment."""

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from favorites.db import Session, clock
from favorites.dispatch.errors import NotFound
from favorites.dispatch.verb import verb
from favorites.models import FeatureFlag
from favorites.models.feature_flag import PRIORITY
from favorites.settings import current

log = structlog.get_logger("favorites.dispatch")


def priority_is_on(session: Session) -> bool:
    """Whether a favorite who is booked again is asked first, for the next booking. Never raises for the flag's sake."""
    try:
        with session.begin_nested():
            decided = session.execute(
                select(FeatureFlag.is_enabled).where(FeatureFlag.flag_key == PRIORITY)
            ).scalar_one_or_none()
    except DBAPIError:
        log.warning("Feature flag unreadable, the environment decides", flag=PRIORITY)
        decided = None
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
