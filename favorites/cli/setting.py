"""`flask setting list|set|reset`: what the owner may change while it runs, from the terminal."""

import click

from favorites.cli.command import command
from favorites.db import db
from favorites.dispatch import house
from favorites.dispatch.actors import SYSTEM
from favorites.models.house_rules import RULES, Rule, Value

key_argument = click.argument("key")


@click.group("setting")
def group() -> None:
    """Settings that work at once, without a restart; what is open keeps what it began with."""


@group.command("list")
@command
def show() -> None:
    """Show every setting: what counts now, the default and what may be chosen."""
    stored = house.stored(db.session)
    for rule in RULES.values():
        value, default = stored.get(rule.key), rule.words(house.default(rule))
        now = "the default" if value is None else rule.words(value)
        click.echo(f"{rule.key.upper()}: {now} (default: {default}; {rule.range}). {rule.sentence}")


@group.command("set")
@key_argument
@click.argument("value")
@command
def set_value(key: str, value: str) -> None:
    """Set one: minutes, hours like 22:00-06:00, or a time zone like Europe/Berlin."""
    rule = _rule(key)
    try:
        read = rule.read(value)
    except ValueError as mistake:
        raise click.ClickException(f"{rule.key.upper()}: {mistake}") from None
    _change(rule, read)


@group.command("reset")
@key_argument
@command
def reset(key: str) -> None:
    """Back to the default."""
    _change(_rule(key), None)


def _rule(key: str) -> Rule:
    if rule := RULES.get(key.lower()):
        return rule
    raise click.ClickException(f"There is no setting {key}; `flask setting list` shows them.")


def _change(rule: Rule, value: Value | None) -> None:
    changed = house.change(db.session, {rule.key: value}, SYSTEM)
    now = rule.words(house.default(rule) if value is None else value)
    how = ", the default" if value is None else ""
    click.echo(f"{rule.key.upper()}: {now}{how}{'' if changed else ', as before'}")
