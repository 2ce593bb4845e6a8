"""The consultation agreement: read, signed once, kept with time, address and browser."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import booking
from favorites.web.answers import mistaken, wants_json
from favorites.web.people import customers_only
from favorites.web.steps import go_on, own_booking, step

VERSION = "2026-11"  # of templates/intake/_agreement_2026_11.html
MOST = 100  # characters of a name
NOTHING = dict.fromkeys(("full_name", "consent"))


@customers_only
def waiver(session_id: UUID) -> ResponseReturnValue:
    """The agreement; who has signed goes on."""
    place = step(own_booking(session_id))
    if place != url_for("intake.waiver", session_id=session_id):
        return redirect(place, code=303)
    return render_template("intake/waiver.html", session_id=session_id, typed=NOTHING, mistakes=NOTHING)


@customers_only
def sign(session_id: UUID) -> ResponseReturnValue:
    """Sign it; a second signature changes nothing and goes on."""
    if own_booking(session_id).consultation.waiver is None:
        full_name = request.form.get("full_name", "").strip()
        mistakes = _mistakes(full_name, has_agreed=bool(request.form.get("consent")))
        if mistakes and wants_json():
            return mistaken(mistakes)
        if mistakes:
            return render_template(
                "intake/waiver.html", session_id=session_id, typed=NOTHING | request.form, mistakes=NOTHING | mistakes
            ), 422
        booking.sign_waiver(
            db.session(),
            session_id,
            version=VERSION,
            full_name=full_name,
            ip=request.remote_addr,
            user_agent=_browser(),
        )
    return go_on(session_id)


def _mistakes(full_name: str, has_agreed: bool) -> dict[str, str]:
    mistakes = {}
    if not (0 < len(full_name) <= MOST and full_name.isprintable()):
        mistakes["full_name"] = f"Please type your full name, up to {MOST} letters."
    if not has_agreed:
        mistakes["consent"] = "Please agree, or leave this page: nothing has been booked."
    return mistakes


def _browser() -> str:
    """What the browser calls itself, without what no text column takes."""
    return "".join(character for character in request.user_agent.string if character.isprintable())[:400]
