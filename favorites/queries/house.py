"""What the owner's settings page tells beside the values: who changed what, and what it means for each plan."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, String, Text, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from favorites.db import Session, clock
from favorites.models import OwnerEvent, OwnerKind, Plan, User
from favorites.models.feature_flag import PAID_PLANS, PRIORITY
from favorites.models.house_rules import RULES, Value

MOST = 20  # changes of one page of them
KINDS = [OwnerKind.FLAG_SET.value, OwnerKind.SETTING_CHANGED.value]
FLAGS = {PRIORITY: "Priority for favorites", PAID_PLANS: "Paid plans"}
FLAG = {True: "on", False: "off", None: "left to the environment"}


class Change(NamedTuple):
    """One change: of what, when, and by which account; `email` is None for one that is gone."""

    id: int
    at: datetime
    actor: str
    email: str | None
    key: str
    before: Value | None
    after: Value | None

    @property
    def who(self) -> str:
        """Whose account it was."""
        return self.email or ("the command line" if self.actor == "system" else "a former owner")

    @property
    def title(self) -> str:
        """What was changed."""
        if self.key in FLAGS:
            return FLAGS[self.key]
        return RULES[self.key].title if self.key in RULES else self.key

    @property
    def words(self) -> tuple[str, str]:
        """From what, to what."""
        return self._words(self.before), self._words(self.after)

    def _words(self, value: Value | None) -> str:
        if self.key in FLAGS:
            return FLAG[value]  # type: ignore[index] # a flag's values are true, false and null
        if value is None:
            return "the default"
        return RULES[self.key].words(value) if self.key in RULES else str(value)


def changes(session: Session, before: int | None = None) -> Sequence[Change]:
    """The last changes, the newest first, one more than a page of them; `before`: older than the one of this id."""
    older = [] if before is None else [OwnerEvent.id < before]
    newest = _changes().where(*older).order_by(OwnerEvent.id.desc()).limit(MOST + 1)
    return [Change(*row) for row in session.execute(newest)]


def last_changes(session: Session) -> dict[str, Change]:
    """The last change of each, by its key."""
    key = OwnerEvent.payload["key"].astext
    each = _changes().ext(distinct_on(key)).order_by(key, OwnerEvent.id.desc())
    return {change.key: change for change in (Change(*row) for row in session.execute(each))}


def now(session: Session) -> datetime:
    """By the database's clock."""
    return session.execute(select(clock())).scalar_one()


def plans(session: Session) -> Sequence[tuple[str, str]]:
    """Code and name of each plan that is offered."""
    offered = select(Plan.code, Plan.name).where(Plan.is_active).order_by(Plan.position)
    return [(code, name) for code, name in session.execute(offered)]


def _changes() -> Select[int, datetime, str, str, str, Value, Value]:
    payload = OwnerEvent.payload
    columns = (OwnerEvent.id, OwnerEvent.at, OwnerEvent.actor, User.email, payload["key"].astext)
    told: Select[int, datetime, str, str, str, Value, Value] = select(*columns, payload["before"], payload["after"])
    owner = func.concat("admin:", cast(User.id, Text)) == cast(OwnerEvent.actor, String)
    return told.outerjoin(User, owner).where(OwnerEvent.kind.in_(KINDS))
