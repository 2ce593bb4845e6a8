"""`flask flag on|off|env|list`: a flag's row decides, or leaves it to the environment."""

import click
from sqlalchemy import select

from favorites.cli.command import command
from favorites.db import db
from favorites.dispatch.actors import SYSTEM
from favorites.dispatch.errors import NotFound
from favorites.dispatch.flags import set_flag
from favorites.models import FeatureFlag
from favorites.models.feature_flag import PRIORITY
from favorites.settings import current

key_argument = click.argument("key", default=PRIORITY)


@click.group("flag")
def group() -> None:
    """Feature flags; they work at once, without a restart."""


@group.command("on")
@key_argument
@command
def switch_on(key: str) -> None:
    """Switch a flag on."""
    _set(key, True)


@group.command("off")
@key_argument
@command
def switch_off(key: str) -> None:
    """Switch a flag off."""
    _set(key, False)


@group.command("env")
@key_argument
@command
def leave(key: str) -> None:
    """Leave a flag to its environment variable."""
    _set(key, None)


@group.command("list")
@command
def show() -> None:
    """Show every flag."""
    for flag in db.session.scalars(select(FeatureFlag).order_by(FeatureFlag.flag_key)):
        click.echo(f"{flag.flag_key}: {_words(flag.flag_key, flag.is_enabled)}")


def _set(key: str, is_enabled: bool | None) -> None:
    try:
        set_flag(db.session, key, is_enabled, SYSTEM)
    except NotFound:
        raise click.ClickException(f"There is no flag {key}; `flask flag list` shows them.") from None
    click.echo(f"{key}: {_words(key, is_enabled)}")


def _words(key: str, is_enabled: bool | None) -> str:
    if is_enabled is not None:
        return "on" if is_enabled else "off"
    return f"left to the environment, which says {'on' if getattr(current(), key.lower(), False) else 'off'}"
