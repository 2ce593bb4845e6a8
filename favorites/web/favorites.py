"""Favorites and the mechanics to choose them from, and the dialog that books one again."""

from uuid import UUID

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import people
from favorites.dispatch.errors import NotFound
from favorites.queries import customer as queries
from favorites.queries.presence import PresenceState
from favorites.web.answers import done, is_part
from favorites.web.choice import printable, priority_for
from favorites.web.outlook import outlook
from favorites.web.people import current_customer, customers_only
from favorites.web.workshop_link import current_workshop

bp = Blueprint("favorites", __name__)


@bp.get("/customer/favorites")
@customers_only
def index() -> ResponseReturnValue:
    """All favorites; `q` searches by name, `available=1` leaves those who are there and free."""
    name, available_only = printable(request.args.get("q")) or "", request.args.get("available") == "1"
    found = queries.favorites(db.session(), current_customer().id, name)
    if available_only:
        found = [favorite for favorite in found if favorite.presence.state == PresenceState.AVAILABLE]
    return render_template("favorites/index.html", favorites=found, name=name, available_only=available_only)


@bp.get("/mechanics")
@customers_only
def mechanics() -> ResponseReturnValue:
    """The approved mechanics; `q` searches by name."""
    name = printable(request.args.get("q")) or ""
    return render_template(
        "favorites/mechanics.html", found=queries.mechanics(db.session(), current_customer().id, name), name=name
    )


@bp.get("/customer/favorites/<uuid:mechanic_id>/book")
@customers_only
def book(mechanic_id: UUID) -> ResponseReturnValue:
    """Whether the mechanic is there, and the three ways on: the dialog for htmx, a page for everybody else."""
    customer_id = current_customer().id
    found = queries.bookable(db.session(), customer_id, mechanic_id)
    kind = "dialog" if is_part() else "book"
    prospect = outlook(customer_id, found, current_workshop())
    open_id = queries.open_request_id(db.session(), customer_id)
    return render_template(
        f"favorites/{kind}.html",
        found=found,
        outlook=prospect,
        priority=priority_for(mechanic_id),
        open_request_id=open_id,
    )


@bp.post("/customer/favorites/<uuid:mechanic_id>")
@customers_only
def add(mechanic_id: UUID) -> ResponseReturnValue:
    """Mark a mechanic; marking twice is marking once. Who may not be known answers like a missing one."""
    if queries.bookable(db.session(), current_customer().id, mechanic_id) is None:
        raise NotFound
    people.add_favorite(db.session(), current_customer().id, mechanic_id)
    flash("Added to your favorites. Book them again whenever you like.", "success")
    return done("favorites.index")


@bp.post("/customer/favorites/<uuid:mechanic_id>/remove")
@customers_only
def remove(mechanic_id: UUID) -> ResponseReturnValue:
    """Take the mark away; it may be gone already."""
    people.remove_favorite(db.session(), current_customer().id, mechanic_id)
    flash("Removed from your favorites.", "info")
    return done("favorites.index")
