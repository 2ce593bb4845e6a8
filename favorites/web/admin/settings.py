"""`/admin/settings`: what the owner may change while it runs."""

from collections.abc import Mapping
from typing import NamedTuple

from flask import flash, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from favorites.db import db
from favorites.dispatch import flags, house
from favorites.models.feature_flag import PAID_PLANS, PRIORITY
from favorites.models.house_rules import RULES, Rule, Unit, Value, in_minutes
from favorites.queries import admin as queries
from favorites.queries import house as house_queries
from favorites.web.admin.forms import Mistakes
from favorites.web.admin.room import bp, owner, page
from favorites.web.answers import done
from favorites.web.people import admins_only

FLAG_STATES = {"on": True, "off": False, "environment": None}
# What each is called, what on and off mean, and what becomes of what is under way.
SWITCHES = {
    PRIORITY: (
        "On: a favorite who is booked again is asked first",
        "Off: everyone is asked at once",
        "The next booking follows it at once; windows that are open stay as they are.",
    ),
    PAID_PLANS: (
        "On: a plan can be paid for online",
        "Off: no payment can be started; credits and the free plan go on",
        "The next payment follows it at once; what was started can still be paid, confirmed and given back.",
    ),
}
BACK = "back"  # the keys that go back to their default


class Switch(NamedTuple):
    """A flag as the page shows it: what its states mean, in words, and what is so now. `state`: of `FLAG_STATES`."""

    key: str
    title: str
    words: dict[str, str]
    after: str
    state: str
    is_on: bool


class Shown(NamedTuple):
    """One setting as the page shows it: `value` in its field, and what counts without the owner, in words."""

    rule: Rule
    value: str
    is_changed: bool
    default: str


@bp.get("/admin/settings")
@admins_only
def settings() -> ResponseReturnValue:
    """The flag, the rules of the house, and who changed what."""
    return _page()


@bp.get("/admin/settings/changes")
@admins_only
def setting_changes() -> ResponseReturnValue:
    """All changes, a page of them at a time; `before`: older than that one."""
    before = request.args.get("before", type=int)
    found = house_queries.changes(db.session, before if before is None else min(max(before, 0), 2**63 - 1))
    return page("admin/settings/changes.html", changes=found, most=house_queries.MOST)


def _page(typed: MultiDict[str, str] | None = None, errors: Mapping[str, str] | None = None) -> ResponseReturnValue:
    stored = house.stored(db.session)
    rules, decided = house.rules_of(stored), queries.flags(db.session)
    return page(
        "admin/settings/index.html",
        typed,
        errors,
        switches=[_switch(key, decided.get(key)) for key in SWITCHES],
        priority_is_on=flags.or_environment(PRIORITY, decided.get(PRIORITY)),
        shown=[_shown(rule, stored) for rule in RULES.values()],
        back=typed.getlist(BACK) if typed else [],
        last=house_queries.last_changes(db.session),
        windows=_windows(rules),
        rules=rules,
        now=house_queries.now(db.session),
        changes=house_queries.changes(db.session),
    )


def _switch(key: str, decided: bool | None) -> Switch:
    on, off, after = SWITCHES[key]
    there = "on" if flags.or_environment(key, None) else "off"
    words = {"on": on, "off": off, "environment": f"The environment decides ({key} is {there} there)"}
    state = next(name for name, value in FLAG_STATES.items() if value is decided)
    return Switch(key, house_queries.FLAGS[key], words, after, state, flags.or_environment(key, decided))


def _shown(rule: Rule, stored: house.Kept) -> Shown:
    value, default = stored.get(rule.key), house.default(rule)
    in_field = default if value is None else value
    return Shown(rule, "" if in_field is None else str(in_field), value is not None, rule.words(default))


def _windows(rules: house.HouseRules) -> list[tuple[str, str, str]]:
    """What a booking comes to with each plan: its name, and for how long a favorite is asked first; when urgent."""
    plans = house_queries.plans(db.session)
    return [(name, in_minutes(rules.window(code, False)), in_minutes(rules.window(code, True))) for code, name in plans]


@bp.post("/admin/settings")
@admins_only
def save_settings() -> ResponseReturnValue:
    """Set what was changed on the page; what was not touched stays, whoever else has changed it meanwhile."""
    values, mistakes = _read(request.form)
    if mistakes:
        return _page(request.form, mistakes)
    changed = house.change(db.session, values, owner())
    said = "Saved; the next booking follows it. What is open stays as it is." if changed else "Nothing was changed."
    flash(said, "success" if changed else "info")
    return done("admin.settings")


def _read(form: MultiDict[str, str]) -> tuple[dict[str, Value | None], Mistakes]:
    """The values that were touched, None: back to the default; and the sentences at the fields that are wrong."""
    values: dict[str, Value | None] = {key: None for key in form.getlist(BACK) if key in RULES}
    mistakes: Mistakes = {}
    for key in [key for key in RULES if key not in values]:
        typed = _typed(RULES[key], form)
        if typed is None or typed == form.get(f"was-{key}"):
            continue
        try:
            values[key] = RULES[key].read(typed) if typed else None
        except ValueError as mistake:
            mistakes[key] = str(mistake)
    return values, mistakes


def _typed(rule: Rule, form: Mapping[str, str]) -> str | None:
    """None: there is no such field in what was sent."""
    if rule.unit is not Unit.HOURS:
        return form[rule.key].strip() if rule.key in form else None
    ends = [form.get(f"{rule.key}-{end}") for end in ("from", "until")]
    return None if ends == [None, None] else "-".join((end or "").strip() for end in ends).removeprefix("-")


@bp.post("/admin/flag")
@admins_only
def set_flag() -> ResponseReturnValue:
    """Switch a flag on or off, or leave it to the environment; the next booking or payment follows."""
    key, state = request.form.get("key", PRIORITY), request.form.get("state", "")
    if state not in FLAG_STATES:
        return _page(request.form, {f"state-{key}": "Choose on, off or the environment."})
    flags.set_flag(db.session, key, FLAG_STATES[state], owner())
    flash("The flag is switched; the next booking follows it.", "success")
    return done("admin.settings")
