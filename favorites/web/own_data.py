"""Everybody's own data: a copy of them, and their end."""

from flask import Blueprint, abort, current_app, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import current_user, logout_user, verify_password

from favorites.db import db
from favorites.dispatch.actors import Actor
from favorites.dispatch.errors import Refusal
from favorites.dispatch.privacy import erase_person
from favorites.queries.customer import credits_left
from favorites.queries.own_data import unfinished
from favorites.queries.own_talks import Whose, whose
from favorites.web.answers import done, mistaken, wants_json
from favorites.web.download import download
from favorites.web.limits import by_person, failed_sign_ins, limiter
from favorites.web.people import signed_in_only

bp = Blueprint("own_data", __name__, url_prefix="/account")
bp.before_request(signed_in_only)

WRONG = "This is not your password."


@bp.get("/data")
def show() -> ResponseReturnValue:
    """What one can do with one's data."""
    return _page()


@bp.post("/data")
@limiter.limit("10/hour", key_func=by_person)
def export() -> ResponseReturnValue:
    """A file with all of it."""
    return download(_person())


@bp.post("/erase")
@limiter.limit(failed_sign_ins, key_func=by_person)
def erase() -> ResponseReturnValue:
    """The end of the account, for whoever knows its password."""
    person = _person()
    if not _is_password(request.form.get("password", "")):
        return mistaken({"password": WRONG}) if wants_json() else (_page({"password": WRONG}), 422)
    try:
        erase_person(db.session(), person.user.id, _actor(person))
    except Refusal as refusal:
        if wants_json():
            raise
        return _page(problem=refusal), refusal.status
    logout_user()
    flash("Your account is erased. Goodbye, and thank you.", "success")
    return done("accounts.home")


def _person() -> Whose:
    return whose(db.session(), current_user.id) or abort(404)


def _is_password(typed: str) -> bool:
    normal = current_app.extensions["security"].password_util.normalize(typed)
    return bool(normal and current_user.password and verify_password(normal, current_user.password))


def _actor(person: Whose) -> Actor:
    if person.customer:
        return Actor.customer(person.customer.id)
    return Actor.mechanic(person.mechanic.id) if person.mechanic else Actor.admin(person.user.id)


def _page(mistakes: dict[str, str] | None = None, problem: Refusal | None = None) -> str:
    person = _person()
    return render_template(
        "own_data/show.html",
        person=person,
        unfinished_id=unfinished(db.session(), person),
        credits_left=credits_left(db.session(), person.customer.id) if person.customer else 0,
        mistakes=mistakes or {},
        problem=problem,
    )
