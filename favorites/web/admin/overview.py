"""`/admin`: what needs the owner now; and the alarm that every page of the room shows."""

from flask import render_template
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.queries.alarms import alarms
from favorites.web.admin.room import bp, page
from favorites.web.people import admins_only


@bp.get("/admin")
@admins_only
def index() -> ResponseReturnValue:
    """What needs the owner now, and how many there are of what."""
    return page("admin/index.html")


@bp.get("/admin/alarms")
@admins_only
def alarm() -> ResponseReturnValue:
    """The alarm alone, for htmx; it is read again when something happens, on whichever page."""
    return render_template("admin/_alarm.html", alarms=alarms(db.session))
