"""What a mechanic decides about being asked first, and what came of it."""

from datetime import time
from uuid import UUID

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import answers, people
from favorites.queries import days as day_queries
from favorites.queries import mechanic as queries
from favorites.web.answers import done, mistaken, wants_json
from favorites.web.mechanic import often_enough
from favorites.web.people import current_mechanic, mechanics_only
from favorites.web.reader import reader_zone

bp = Blueprint("first_offers", __name__)

HOURS = ("quiet_from", "quiet_until")


@bp.post("/mechanic/requests/<uuid:request_id>/extend")
@mechanics_only
@often_enough
def extend(request_id: UUID) -> ResponseReturnValue:
    """Five minutes more to answer an offer, once."""
    answers.extend(db.session, request_id, current_mechanic().id)
    return done("mechanic.dashboard")


@bp.post("/mechanic/back")
@mechanics_only
def come_back() -> ResponseReturnValue:
    """They are there again, after two offers without an answer."""
    people.come_back(db.session, current_mechanic().id)
    return done("mechanic.dashboard")


@bp.get("/mechanic/days")
@mechanics_only
def days() -> ResponseReturnValue:
    """What they missed today, and their own figures."""
    mechanic_id = current_mechanic().id
    missed = day_queries.missed_today(db.session, mechanic_id, reader_zone().key)
    return render_template("mechanic/days.html", missed=missed, figures=day_queries.figures(db.session, mechanic_id))


@bp.get("/mechanic/settings")
@mechanics_only
def show() -> ResponseReturnValue:
    """Consent, quiet hours, keys, and how many customers favor them."""
    mechanic = current_mechanic()
    hours = {name: at.strftime("%H:%M") if (at := getattr(mechanic, name)) else "" for name in HOURS}
    return _page({**hours, "takes_favorites": mechanic.takes_favorites}, {})


@bp.post("/mechanic/settings")
@mechanics_only
def save() -> ResponseReturnValue:
    """Keep what was chosen; hours without a beginning, an end or a length come back with a sentence."""
    given = {name: request.form.get(name, "").strip() for name in HOURS}
    takes = request.form.get("takes_favorites") == "1"
    quiet, mistakes = _quiet_hours(given)
    if mistakes:
        return mistaken(mistakes) if wants_json() else (_page({**given, "takes_favorites": takes}, mistakes), 422)
    people.set_offers(db.session, current_mechanic().id, takes, quiet)
    flash("Saved. What you were already asked stays as it is.", "success")
    return done("first_offers.show")


def _page(values: dict[str, object], mistakes: dict[str, str]) -> str:
    admirers = queries.admirers(db.session, current_mechanic().id)
    return render_template("mechanic/settings.html", values=values, mistakes=mistakes, admirers=len(admirers))


def _quiet_hours(given: dict[str, str]) -> tuple[tuple[time, time] | None, dict[str, str]]:
    """From and until, None for no quiet hours; and the mistakes, by field."""
    if not any(given.values()):
        return None, {}
    hours = {name: _time(typed) for name, typed in given.items()}
    mistakes = {name: "Write a time here, too, or leave both empty." for name, at in hours.items() if at is None}
    start, end = hours["quiet_from"], hours["quiet_until"]
    if start is None or end is None:
        return None, mistakes
    same = {"quiet_until": "This is when they begin. To be asked never, untick the box above."} if start == end else {}
    return (start, end), same


def _time(typed: str) -> time | None:
    try:
        return time.fromisoformat(typed).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        return None
