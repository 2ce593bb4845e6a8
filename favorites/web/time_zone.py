"""Times are shown in the reader's zone: the browser tells it at every sign-in."""

from functools import cache
from zoneinfo import available_timezones

from flask import Flask, request
from flask_login import user_logged_in  # type: ignore[import-untyped] # ships no types

from favorites.db import db
from favorites.dispatch import accounts
from favorites.models import User


def init_app(app: Flask) -> None:
    """Whoever was entered by somebody else, or has moved, reads their own clock from then on."""
    user_logged_in.connect(_keep, app)


def known(name: str | None) -> str | None:
    """`name`, when there is such a zone."""
    return name if name in _zones() else None


def _keep(_app: Flask, user: User) -> None:
    zone = known(request.form.get("time_zone"))
    if zone and zone != user.time_zone:
        accounts.keep_time_zone(db.session, user, zone)


@cache
def _zones() -> set[str]:
    return available_timezones()
