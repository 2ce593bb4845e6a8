"""Feature flags: the row decides, at once; missing, undecided or unreadable leaves it to the environment."""

from typing import Any

import structlog
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from favorites.db import Session, clock
from favorites.dispatch.actors import Actor
from favorites.dispatch.errors import NotFound
from favorites.dispatch.owner_events import tell
from favorites.dispatch.verb import verb
from favorites.models import FeatureFlag, OwnerKind
from favorites.models.feature_flag import KEYS, PAID_PLANS, PRIORITY
from favorites.settings import current

log = structlog.get_logger("favorites.dispatch")


def priority_is_on(session: Session) -> bool:
    """Whether a favorite who is booked again is asked first, for the next booking. Never raises for the flag's sake."""
    return or_environment(PRIORITY, alone(session, decided(PRIORITY), PRIORITY))


def paid_plans_are_on(session: Session) -> bool:
    """Whether a payment can be started; what was started goes on. Never raises for the flag's sake."""
    return or_environment(PAID_PLANS, alone(session, decided(PAID_PLANS), PAID_PLANS))


def alone(session: Session, column: ColumnElement[Any], name: str) -> Any:
    """What the owner decided there; None, and a line in the log, where it cannot be read."""
    try:
        with session.begin_nested():
            return session.execute(select(column)).scalar_one()
    except DBAPIError:
        log.warning("What the owner decided is unreadable, the environment decides", what=name)
        return None


def decided(key: str) -> ColumnElement[bool | None]:
    """What the flag's row says, to be read with something else; NULL: nothing."""
    return select(FeatureFlag.is_enabled).where(FeatureFlag.flag_key == key).scalar_subquery()


def or_environment(key: str, decided: bool | None) -> bool:
    """The row's word, or else the environment's."""
    return bool(getattr(current(), key.lower())) if decided is None else decided


@verb
def set_flag(session: Session, key: str, is_enabled: bool | None, actor: Actor) -> None:
    """Switch a flag on or off, or leave it to the environment (None); a row that is missing is made again.

    A change is an event, a repeat is none. Raises `NotFound` for an unknown key.
    """
    if key not in KEYS:
        raise NotFound
    session.execute(insert(FeatureFlag).values(flag_key=key).on_conflict_do_nothing())
    its = FeatureFlag.flag_key == key
    before = session.execute(select(FeatureFlag.is_enabled).where(its).with_for_update(key_share=True)).scalar_one()
    if before is not is_enabled:
        session.execute(update(FeatureFlag).where(its).values(is_enabled=is_enabled, updated_at=clock()))
        tell(session, OwnerKind.FLAG_SET, actor, key=key, before=before, after=is_enabled)
