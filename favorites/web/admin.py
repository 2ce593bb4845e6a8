"""The owner's page: who may help, what is switched on, and what waits."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import current_user

from favorites.db import db
from favorites.dispatch import answers, flags, money, people
from favorites.dispatch.actors import Actor
from favorites.models.feature_flag import PRIORITY
from favorites.queries import admin as queries
from favorites.settings import current
from favorites.web.admin_forms import credits_form, workshop_choice, workshop_form
from favorites.web.answers import done, mistaken, wants_json
from favorites.web.people import admins_only

bp = Blueprint("admin", __name__)

FLAG_STATES = {"on": True, "off": False, "environment": None}


@bp.get("/admin")
@admins_only
def index() -> ResponseReturnValue:
    """All of it on one page."""
    return _page()


def _page(typed: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None) -> ResponseReturnValue:
    """The page, with what was typed and what is wrong with it; 422 when something is."""
    if errors and wants_json():
        return mistaken(errors)
    session = db.session
    page = render_template(
        "admin/index.html",
        typed=typed or {},
        errors=errors or {},
        glance=queries.glance(session),
        open_requests=queries.open_requests(session),
        applications=queries.applications(session),
        mechanics=queries.mechanics(session),
        workshops=queries.workshops(session),
        flag=queries.flag(session, PRIORITY),
        flag_key=PRIORITY,
        priority_is_on=flags.priority_is_on(session),
        settings=current(),
        limit=queries.LIMIT,
    )
    return page, 422 if errors else 200


def _actor() -> Actor:
    return Actor.admin(current_user.id)


MECHANIC_VERBS: dict[str, tuple[Callable[[UUID], Any], str]] = {
    "approve": (lambda one: people.approve_mechanic(db.session, one), "Approved: the board is open to them."),
    "refuse": (lambda one: people.refuse_mechanic(db.session, one), "The application is refused."),
    "suspend": (
        lambda one: people.suspend_mechanic(db.session, one, _actor()),
        "Suspended and signed out everywhere.",
    ),
}


@bp.post("/admin/mechanics/<uuid:mechanic_id>/<any(approve, refuse, suspend):verb>")
@admins_only
def judge(mechanic_id: UUID, verb: str) -> ResponseReturnValue:
    """Approve, refuse or suspend a mechanic."""
    act, sentence = MECHANIC_VERBS[verb]
    act(mechanic_id)
    flash(sentence, "success")
    return done("admin.index", _anchor="mechanics")


@bp.post("/admin/mechanics/<uuid:mechanic_id>/workshop")
@admins_only
def join_workshop(mechanic_id: UUID) -> ResponseReturnValue:
    """Put a mechanic into a workshop, or make them independent."""
    chosen = workshop_choice(db.session, request.form)
    if isinstance(chosen, dict):
        return _page({"mechanic_id": str(mechanic_id)}, chosen)
    people.join_workshop(db.session, mechanic_id, chosen)
    flash("The workshop is changed.", "success")
    return done("admin.index", _anchor="mechanics")


@bp.post("/admin/workshops")
@admins_only
def add_workshop() -> ResponseReturnValue:
    """Add a workshop with its link."""
    form = workshop_form(request.form)
    if isinstance(form, dict):
        return _page(request.form, form)
    if people.add_workshop(db.session, form.slug, form.name) is None:
        return _page(request.form, {"slug": "Another workshop has this link."})
    flash(f"{form.name} is added.", "success")
    return done("admin.index", _anchor="workshops")


@bp.post("/admin/flag")
@admins_only
def set_flag() -> ResponseReturnValue:
    """Switch priority for favorites on or off, or leave it to the environment; the next booking follows."""
    state = request.form.get("state", "")
    if state not in FLAG_STATES:
        return _page(request.form, {"state": "Choose on, off or the environment."})
    flags.set_flag(db.session, PRIORITY, FLAG_STATES[state])
    flash("The flag is switched; the next booking follows it.", "success")
    return done("admin.index", _anchor="flag")


@bp.post("/admin/credits")
@admins_only
def grant_credits() -> ResponseReturnValue:
    """Give a customer credits."""
    form = credits_form(db.session, request.form)
    if isinstance(form, dict):
        return _page(request.form, form)
    money.grant_credits(db.session, form.customer_id, form.credits, form.note)
    flash(f"{form.credits} credits are granted to {form.email}.", "success")
    return done("admin.index", _anchor="credits")


REQUEST_VERBS: dict[str, tuple[Callable[..., Any], str]] = {
    "open": (answers.open_to_everyone, "Everyone is asked now."),
    "cancel": (answers.cancel, "Cancelled; what was paid is given back."),
    "release": (answers.release, "Released; everyone else is asked."),
    "complete": (answers.complete, "Completed."),
}


@bp.post("/admin/requests/<uuid:request_id>/<any(open, cancel, release, complete):verb>")
@admins_only
def rescue(request_id: UUID, verb: str) -> ResponseReturnValue:
    """Move a session request on that is stuck."""
    act, sentence = REQUEST_VERBS[verb]
    act(db.session, request_id, _actor())
    flash(sentence, "success")
    return done("admin.index", _anchor="open-requests")
