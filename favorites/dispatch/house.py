"""The owner's values: read with what a booking reads anyway, changed one by one, each change told with who and when.

Whoever needs one where it is decided takes it from `rules`; what a session request started with stands on its row.
"""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import ColumnElement, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from favorites.db import Session
from favorites.dispatch.actors import Actor
from favorites.dispatch.errors import NotFound
from favorites.dispatch.flags import alone
from favorites.dispatch.owner_events import tell
from favorites.dispatch.verb import verb
from favorites.models import OwnerKind, house_rules
from favorites.models.house_rules import RULES, Rule, Value
from favorites.settings import current

log = structlog.get_logger("favorites.dispatch")

Kept = Mapping[str, Value | None]  # what the owner changed, by the rule's key


class HouseRules(NamedTuple):
    """What holds now: the owner's value, or else the environment's; minutes, where nothing else is said."""

    priority_window_minutes: int
    plan_windows: Mapping[str, int]  # by the plan's code, of those whose window is its own
    urgent_window_minutes: int
    request_lifetime_minutes: int
    rescue_after_minutes: int
    workshop_head_start_minutes: int
    start_grace_minutes: int
    priority_cooldown_minutes: int
    quiet_hours: tuple[time, time] | None  # from, until; over midnight where the end is before the beginning
    time_zone: ZoneInfo

    def window(self, plan_code: str, is_urgent: bool) -> int:
        """How long a favorite alone is asked: the plan's length; when it is urgent, the shorter of that and its own."""
        length = self.plan_windows.get(plan_code, self.priority_window_minutes)
        return min(length, self.urgent_window_minutes) if is_urgent else length

    def windows(self, is_urgent: bool) -> tuple[int, int]:
        """The shortest and the longest of all plans."""
        lengths = [self.window(rule.plan, is_urgent) for rule in RULES.values() if rule.plan]
        return min(lengths), max(lengths)

    def is_quiet(self, at: datetime) -> bool:
        """Nobody is asked first at this instant."""
        if self.quiet_hours is None:
            return False
        start, end = self.quiet_hours
        now = at.astimezone(self.time_zone).time()
        return start <= now < end if start < end else now >= start or now < end


def rules(session: Session) -> HouseRules:
    """What holds now, in one statement. Never raises for the rules' sake: then the environment decides."""
    return rules_of(alone(session, kept(), house_rules.name))


def kept() -> ColumnElement[Any]:
    """The owner's row, to be read with something else; NULL: there is none."""
    row = select(func.to_jsonb(literal_column(house_rules.name), type_=JSONB)).select_from(house_rules)
    return row.scalar_subquery()


def rules_of(stored: Kept | None) -> HouseRules:
    """Of the row as it was read. A value that cannot be one counts as none, which is logged."""
    values = {rule.key: _value(rule, stored or {}) for rule in RULES.values()}
    plans = {rule.plan: values.pop(rule.key) for rule in RULES.values() if rule.plan}
    own: dict[str, Any] = {plan: minutes for plan, minutes in plans.items() if minutes is not None}
    hours, zone = values.pop("quiet_hours"), ZoneInfo(str(values.pop("time_zone")))
    minutes: dict[str, Any] = values
    return HouseRules(plan_windows=own, quiet_hours=_hours(hours), time_zone=zone, **minutes)


def stored(session: Session) -> Kept:
    """What the owner changed, for the page that shows it."""
    return alone(session, kept(), house_rules.name) or {}


def default(rule: Rule) -> Value | None:
    """What counts where the owner changed nothing; None: another rule, or nothing at all."""
    return getattr(current(), rule.setting) if rule.setting and not rule.instead else None


def _value(rule: Rule, stored: Kept) -> Value | None:
    found = stored.get(rule.key)
    try:
        return default(rule) if found is None else rule.read(str(found))
    except ValueError:
        log.warning("A value of the house is unreadable, the environment decides", rule=rule.key)
        return default(rule)


def _hours(typed: Value | None) -> tuple[time, time] | None:
    if typed is None:
        return None
    start, end = (time.fromisoformat(end) for end in str(typed).split("-"))
    return start, end


@verb
def change(session: Session, values: Kept, actor: Actor) -> list[str]:
    """Set these, None: back to the default; the keys of those that are another now, each of which is an event.

    The values are as `Rule.read` gives them; the table refuses others. Raises `NotFound` for a rule that is none.
    """
    if not values.keys() <= RULES.keys():
        raise NotFound
    before = _held(session)
    changed = {key: value for key, value in values.items() if value != before[key]}
    if changed:
        session.execute(update(house_rules).values(changed))
    for key, value in changed.items():
        tell(session, OwnerKind.SETTING_CHANGED, actor, key=key, before=before[key], after=value)
    return list(changed)


def _held(session: Session) -> Mapping[str, Any]:
    """The one row, made where it is missing; nobody else changes it until the commit."""
    session.execute(insert(house_rules).values(house=True).on_conflict_do_nothing())
    row = session.execute(select(house_rules).with_for_update(key_share=True)).mappings().one()
    return dict(row)
