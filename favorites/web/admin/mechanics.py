"""`/admin/mechanics`: applications, who may help, and each mechanic's own page."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import abort, flash, request
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import people, workshops
from favorites.models import MechanicStatus
from favorites.queries import admin as queries
from favorites.queries import admin_mechanics
from favorites.queries.sentences import JUDGED_BECAUSE
from favorites.web.admin.forms import JUDGED_FOR, JudgeForm, judge_form, workshop_choice
from favorites.web.admin.mailing import tell_by_mail
from favorites.web.admin.room import bp, number_of_page, owner, page
from favorites.web.admin.wanted import wanted_mechanics
from favorites.web.answers import done
from favorites.web.people import admins_only

Typed = Mapping[str, str] | None


@bp.get("/admin/mechanics")
@admins_only
def mechanics() -> ResponseReturnValue:
    """Applications, and everyone who was ever judged, searched and filtered by the address."""
    session, wanted = db.session, wanted_mechanics(request.args)
    return page(
        "admin/mechanics/index.html",
        applications=admin_mechanics.applications(session),
        most=admin_mechanics.MOST,
        wanted=wanted,
        found=admin_mechanics.mechanics(session, wanted, number_of_page()),
        places=_places(),
        statuses=[(one.value, one.value.capitalize()) for one in MechanicStatus if one is not MechanicStatus.PENDING],
    )


def _places() -> list[tuple[str, str]]:
    return [(str(workshop.id), workshop.name) for workshop in queries.workshops(db.session)]


@bp.get("/admin/mechanics/<uuid:mechanic_id>")
@admins_only
def mechanic(mechanic_id: UUID) -> ResponseReturnValue:
    """One mechanic: all there is to know, and what may be done."""
    return _page(mechanic_id)


def _page(mechanic_id: UUID, typed: Typed = None, errors: Typed = None) -> ResponseReturnValue:
    known = admin_mechanics.mechanic(db.session, mechanic_id) or abort(404)
    codes = {
        verb: [(code, JUDGED_BECAUSE[code][0].upper() + JUDGED_BECAUSE[code][1:]) for code in known_codes]
        for verb, known_codes in JUDGED_FOR.items()
    }
    shown: dict[str, Any] = {"known": known, "places": _places(), "codes": codes, "reasons": JUDGED_BECAUSE}
    return page("admin/mechanics/mechanic.html", typed, errors, **shown)


@bp.post("/admin/mechanics/<uuid:mechanic_id>/<any(approve, refuse, suspend):verb>")
@admins_only
def judge(mechanic_id: UUID, verb: str) -> ResponseReturnValue:
    """Approve or restore, refuse or suspend a mechanic; they are told by mail."""
    form = judge_form(verb, request.form)
    if isinstance(form, dict):
        return _page(mechanic_id, {**request.form, "verb": verb}, form)
    if _judge(mechanic_id, verb, form):
        tell_by_mail(mechanic_id)
    return _back(mechanic_id)


def _judge(mechanic_id: UUID, verb: str, form: JudgeForm) -> bool:
    """Whether anything changed."""
    if form.reason is None:
        is_new = people.approve_mechanic(db.session, mechanic_id, owner())
        flash("Approved: the board is open to them.", "success")
        return is_new
    if verb == "suspend":
        is_new = people.suspend_mechanic(db.session, mechanic_id, owner(), form.reason, form.words)
        flash("Suspended and signed out everywhere; they can read why.", "success")
        return is_new
    people.refuse_mechanic(db.session, mechanic_id, owner(), form.reason, form.words)
    flash("The application is refused; they can read why.", "success")
    return True


@bp.post("/admin/mechanics/<uuid:mechanic_id>/workshop")
@admins_only
def join_workshop(mechanic_id: UUID) -> ResponseReturnValue:
    """Put a mechanic into a workshop, or make them independent."""
    chosen = workshop_choice(db.session, request.form)
    if isinstance(chosen, dict):
        return _page(mechanic_id, request.form, chosen)
    workshops.join_workshop(db.session, mechanic_id, chosen, owner())
    flash("The workshop is changed.", "success")
    return _back(mechanic_id)


def _back(mechanic_id: UUID) -> ResponseReturnValue:
    """To the page where the button was: a workshop's, the list, or the mechanic's own."""
    places: dict[str, tuple[str, dict[str, Any]]] = {"list": ("admin.mechanics", {})}
    endpoint, values = places.get(request.form.get("back", ""), ("admin.mechanic", {"mechanic_id": mechanic_id}))
    return done(endpoint, **values)
