"""`/admin/workshops`: businesses whose own mechanics are asked through their link."""

from collections.abc import Mapping
from uuid import UUID

from flask import abort, flash, request
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import house
from favorites.dispatch import workshops as verbs
from favorites.models.people import WorkshopRouting
from favorites.queries import admin_workshops
from favorites.queries.sentences import who_is_asked
from favorites.web.admin.forms import routing_choice, workshop_form, workshop_member
from favorites.web.admin.room import bp, owner, page
from favorites.web.answers import done
from favorites.web.people import admins_only

Typed = Mapping[str, str] | None


@bp.get("/admin/workshops")
@admins_only
def workshops() -> ResponseReturnValue:
    """All workshops."""
    return _list()


def _list(typed: Typed = None, errors: Typed = None) -> ResponseReturnValue:
    shops = admin_workshops.shops(db.session)
    return page("admin/workshops/index.html", typed, errors, shops=shops, routings=_routings())


def _routings() -> list[tuple[str, str]]:
    """What a workshop may be asked like, with the words for it."""
    minutes = house.rules(db.session).workshop_head_start_minutes
    words = {WorkshopRouting.WORKSHOP_ONLY: who_is_asked(None), WorkshopRouting.HYBRID: who_is_asked(minutes)}
    return [(routing.value, text[0].upper() + text[1:]) for routing, text in words.items()]


@bp.post("/admin/workshops")
@admins_only
def add_workshop() -> ResponseReturnValue:
    """Add a workshop with its link."""
    form = workshop_form(request.form)
    if isinstance(form, dict):
        return _list(request.form, form)
    if verbs.add_workshop(db.session, form.slug, form.name, owner(), form.routing) is None:
        return _list(request.form, {"slug": "Another workshop has this link."})
    flash(f"{form.name} is added.", "success")
    return done("admin.workshops")


@bp.get("/admin/workshops/<uuid:workshop_id>")
@admins_only
def workshop(workshop_id: UUID) -> ResponseReturnValue:
    """One workshop: its link, whom it asks, its mechanics."""
    return _page(workshop_id)


def _page(workshop_id: UUID, typed: Typed = None, errors: Typed = None) -> ResponseReturnValue:
    known = admin_workshops.shop(db.session, workshop_id) or abort(404)
    return page("admin/workshops/workshop.html", typed, errors, known=known, routings=_routings())


@bp.post("/admin/workshops/<uuid:workshop_id>/change")
@admins_only
def change_workshop(workshop_id: UUID) -> ResponseReturnValue:
    """Its name, and whom it asks from the next booking on."""
    form = routing_choice(request.form)
    if isinstance(form, dict):
        return _page(workshop_id, request.form, form)
    verbs.change_workshop(db.session, workshop_id, *form, owner())
    flash("Saved; the next booking follows it.", "success")
    return done("admin.workshop", workshop_id=workshop_id)


@bp.post("/admin/workshops/<uuid:workshop_id>/<any(close, reopen):verb>")
@admins_only
def open_or_close(workshop_id: UUID, verb: str) -> ResponseReturnValue:
    """Close a workshop, or open it again."""
    if verb == "close":
        verbs.close_workshop(db.session, workshop_id, owner())
        flash("Closed: who waited for it alone is asked of everyone.", "success")
    else:
        verbs.reopen_workshop(db.session, workshop_id, owner())
        flash("Open again: its link takes bookings.", "success")
    return done("admin.workshop", workshop_id=workshop_id)


@bp.post("/admin/workshops/<uuid:workshop_id>/<any(join, leave):verb>")
@admins_only
def change_mechanics(workshop_id: UUID, verb: str) -> ResponseReturnValue:
    """Add a mechanic by their address, or let one go."""
    mechanic_id = workshop_member(db.session, request.form)
    if isinstance(mechanic_id, dict):
        return _page(workshop_id, request.form, mechanic_id)
    if verb == "join":
        verbs.join_workshop(db.session, mechanic_id, workshop_id, owner())
        flash("One of its mechanics now.", "success")
    else:
        verbs.leave_workshop(db.session, mechanic_id, workshop_id, owner())
        flash("Independent now.", "success")
    return done("admin.workshop", workshop_id=workshop_id)
