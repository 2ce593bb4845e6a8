"""The consultation agreement: read, signed once, kept with time, address and browser."""

from uuid import UUID

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import booking
from favorites.dispatch.errors import NotFound
from favorites.web.answers import mistaken, wants_json
from favorites.web.people import current_customer, customers_only
from favorites.web.steps import after_signing, go_on, own_booking, step

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
    full_name = request.form.get("full_name", "").strip()
    if mistakes := _mistakes(full_name, has_agreed=bool(request.form.get("consent"))):
        return _not_yet(session_id, mistakes)
    try:
        price = booking.sign_waiver(
            db.session(),
            session_id,
            customer_id=current_customer().id,
            version=VERSION,
            full_name=full_name,
            ip=request.remote_addr,
            user_agent=_browser(),
        )
    except NotFound:
        abort(404)
    return go_on(session_id) if price is None else after_signing(session_id, price)


def _not_yet(session_id: UUID, mistakes: dict[str, str]) -> ResponseReturnValue:
    if own_booking(session_id).consultation.waiver:
        return go_on(session_id)
    if wants_json():
        return mistaken(mistakes)
    typed = NOTHING | request.form
    return render_template("intake/waiver.html", session_id=session_id, typed=typed, mistakes=NOTHING | mistakes), 422


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
