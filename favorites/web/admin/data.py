"""`/admin/people/…`: what is kept of somebody, a copy of it, and its end."""

from collections.abc import Mapping
from uuid import UUID

from flask import abort, flash, request
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import privacy
from favorites.queries.own_data import unfinished
from favorites.queries.own_talks import Whose, whose
from favorites.web.admin.room import bp, owner, page
from favorites.web.answers import done
from favorites.web.download import download
from favorites.web.people import admins_only

REASONS = {"asked": "They asked for it", "unused": "The account is not used any more", "abuse": "It was made for abuse"}


@bp.get("/admin/people/<uuid:user_id>")
@admins_only
def person(user_id: UUID) -> ResponseReturnValue:
    """Who it is, and what can be done with their data."""
    return _page(user_id)


@bp.post("/admin/people/<uuid:user_id>/export")
@admins_only
def export_person(user_id: UUID) -> ResponseReturnValue:
    """A file with all of it, for the owner to hand on; that they took it is written down."""
    found = _person(user_id)
    privacy.tell_export(db.session(), user_id, owner())
    return download(found)


@bp.post("/admin/people/<uuid:user_id>/erase")
@admins_only
def erase_person(user_id: UUID) -> ResponseReturnValue:
    """Their end, with a reason."""
    _person(user_id)
    if errors := _mistakes(request.form):
        return _page(user_id, request.form, errors)
    privacy.erase_person(db.session(), user_id, owner(), request.form["reason"])
    flash("Erased: what said who they are is gone.", "success")
    return done("admin.person", user_id=user_id)


def _mistakes(typed: Mapping[str, str]) -> dict[str, str]:
    mistakes = {}
    if typed.get("reason") not in REASONS:
        mistakes["reason"] = "Choose a reason."
    if typed.get("sure") != "1":
        mistakes["sure"] = "Tick this: nothing can bring it back."
    return mistakes


def _person(user_id: UUID) -> Whose:
    return whose(db.session(), user_id) or abort(404)


def _page(
    user_id: UUID, typed: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> ResponseReturnValue:
    found = _person(user_id)
    who = found.customer or found.mechanic
    return page(
        "admin/people/person.html",
        typed,
        errors,
        person=found,
        name=who.name if who else found.user.email,
        erased_at=who.erased_at if who else None,
        unfinished_id=unfinished(db.session(), found),
        reasons=list(REASONS.items()),
    )
