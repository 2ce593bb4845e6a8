"""What the owner may change while it runs: each rule once, for the table, the verb, the page and the terminal."""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import available_timezones

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, Table, Text, text

from favorites.db import Base
from favorites.settings import Settings

Value = int | str

HOURS = r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d"  # 22:00-06:00; from 22:00 on, until 06:00


def in_minutes(number: int) -> str:
    """A length in words."""
    return "1 minute" if number == 1 else f"{number:,} minutes"


class Unit(StrEnum):
    MINUTES = "minutes"
    HOURS = "hours"  # of a day
    ZONE = "zone"


class Rule(NamedTuple):
    """`setting`: of the environment, whose range it has and whose value counts where the owner changed nothing.

    `instead`: the rule whose value counts then; `plan`: the plan that it is for.
    """

    key: str
    title: str
    sentence: str
    setting: str | None
    unit: Unit = Unit.MINUTES
    instead: str | None = None
    plan: str | None = None

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the most, of minutes; as the environment's setting has them."""
        limits = Settings.model_fields[self.setting or ""].metadata
        least, most = (next(getattr(one, side) for one in limits if hasattr(one, side)) for side in ("ge", "le"))
        return least, most

    @property
    def range(self) -> str:
        """What may be chosen, in words."""
        if self.unit is Unit.MINUTES:
            return "{} to {:,} minutes".format(*self.bounds)
        return "a time of day for each end" if self.unit is Unit.HOURS else "the name of a time zone"

    def read(self, typed: str) -> Value:
        """The value that was typed. Raises `ValueError` with the sentence to show."""
        return READ[self.unit](self, typed.strip())

    def words(self, value: Value | None) -> str:
        """A value as it is read; None: what counts where there is none."""
        if value is None:
            return "as for every plan" if self.instead else "none"
        return in_minutes(int(value)) if self.unit is Unit.MINUTES else str(value).replace("-", " to ")


WINDOW = "priority_window_minutes"


def _window_of(plan: str, name: str) -> Rule:
    sentence = f"The same for {name}; nothing here: as for every plan."
    return Rule(f"{plan}_window_minutes", f"Time to answer first, {name}", sentence, WINDOW, instead=WINDOW, plan=plan)


RULES = {
    rule.key: rule
    for rule in (
        Rule(WINDOW, "Time to answer first", "How long a favorite alone is asked before everyone is.", WINDOW),
        _window_of("free", "Free Session"),
        _window_of("chat10", "Quick Chat"),
        _window_of("video15", "Standard Video"),
        _window_of("diagnostic", "Full Diagnostic"),
        Rule(
            "urgent_window_minutes",
            "Time to answer first, urgent",
            "The most that a favorite alone is asked about an urgent one: the shorter of this and the plan’s counts.",
            "urgent_window_minutes",
        ),
        Rule(
            "request_lifetime_minutes",
            "Time for everyone",
            "How long everyone is asked before a session request that nobody took expires.",
            "request_lifetime_minutes",
        ),
        Rule(
            "rescue_after_minutes",
            "Alarm",
            "How long everyone is asked before you are alarmed that nobody took it.",
            "rescue_after_minutes",
        ),
        Rule(
            "workshop_head_start_minutes",
            "Head start of a workshop",
            "How long a hybrid workshop’s own mechanics alone are asked before everyone is.",
            "workshop_head_start_minutes",
        ),
        Rule(
            "start_grace_minutes",
            "Time to start",
            "How long after the acceptance the customer may ask everyone again, while it has not started.",
            "start_grace_minutes",
        ),
        Rule(
            "priority_cooldown_minutes",
            "Rest after a no",
            "How long a favorite who declined, or twice did not answer, is not asked first again by that customer.",
            "priority_cooldown_minutes",
        ),
        Rule(
            "quiet_hours",
            "Quiet hours",
            "Between these times nobody is asked first, so no phone is rung: everyone is asked at once on open boards.",
            None,
            Unit.HOURS,
        ),
        Rule(
            "time_zone",
            "Time zone of the house",
            "By the clock of which place the quiet hours go, such as Europe/Berlin.",
            "time_zone",
            Unit.ZONE,
        ),
    )
}


def _minutes(rule: Rule, typed: str) -> int:
    least, most = rule.bounds
    if not re.fullmatch(r"[0-9]{1,9}", typed, re.ASCII) or not least <= int(typed) <= most:
        raise ValueError(f"Please give a whole number from {least} to {most:,}.")
    return int(typed)


def _hours(_rule: Rule, typed: str) -> str:
    start, _, end = typed.partition("-")
    if not re.fullmatch(HOURS, typed, re.ASCII):
        raise ValueError("Please give a time for both ends, such as 22:00-06:00, or nothing.")
    if start == end:
        raise ValueError("They begin and end at the same time. To ask nobody first, switch priority off.")
    return typed


def _zone(_rule: Rule, typed: str) -> str:
    if typed not in available_timezones():
        raise ValueError("There is no time zone of this name. Please write it like Europe/Berlin.")
    return typed


READ: dict[Unit, Callable[[Rule, str], Value]] = {Unit.MINUTES: _minutes, Unit.HOURS: _hours, Unit.ZONE: _zone}


def _column(rule: Rule) -> Column[Value]:
    return Column(rule.key, Integer if rule.unit is Unit.MINUTES else Text, comment=rule.sentence)


def _makes_sense(rule: Rule) -> CheckConstraint:
    """No list of zones can stand in a table: whoever reads one that is none takes the environment's."""
    checks = {
        Unit.HOURS: f"{rule.key} ~ '^{HOURS}$' AND split_part({rule.key}, '-', 1) <> split_part({rule.key}, '-', 2)",
        Unit.ZONE: f"{rule.key} <> ''",
    }
    check = checks.get(rule.unit) or f"{rule.key} BETWEEN {rule.bounds[0]} AND {rule.bounds[1]}"
    return CheckConstraint(check, name=f"{rule.key}_makes_sense")


# One row, so that whoever changes something holds all of it: what it was before is what it was.
house_rules = Table(
    "house_rules",
    Base.metadata,
    Column("house", Boolean, primary_key=True, server_default=text("true"), comment="There is one"),
    *(_column(rule) for rule in RULES.values()),
    CheckConstraint("house", name="is_one"),
    *(_makes_sense(rule) for rule in RULES.values()),
    comment="What the owner changed while it runs; NULL: nothing, the environment decides",
)
