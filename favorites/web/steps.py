"""From intake to the waiting page: which step a consultation is at."""

from contextlib import suppress
from uuid import UUID

from flask import abort, redirect, url_for
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch.errors import Refusal
from favorites.dispatch.fulfillment import fulfill
from favorites.models.consultation import ConsultationStatus, PaidBy
from favorites.queries.booking import Booking, booking
from favorites.web.people import current_customer


def own_booking(session_id: UUID) -> Booking:
    """The customer's own consultation; somebody else's answers like a missing one."""
    return booking(db.session(), current_customer().id, session_id) or abort(404)


def step(found: Booking) -> str:
    """The address of the page where this consultation goes on."""
    if found.request_id:
        return url_for("requests.show", request_id=found.request_id)
    if found.consultation.status == ConsultationStatus.CANCELLED:
        abort(404)
    page = "checkout.show" if found.consultation.waiver else "intake.waiver"
    return url_for(page, session_id=found.consultation.id)


def go_on(session_id: UUID) -> ResponseReturnValue:
    """303 to the next step, wherever this consultation is."""
    found = own_booking(session_id)
    if found.request_id is None and found.consultation.waiver and found.consultation.price_cents == 0:
        return after_signing(session_id, 0)
    return redirect(step(found), code=303)


def after_signing(session_id: UUID, price_cents: int) -> ResponseReturnValue:
    """303 to the checkout; where nothing is to be chosen or paid, a mechanic is asked at once.

    What refuses the free plan is told, with its way out, on the checkout page.
    """
    place = url_for("checkout.show", session_id=session_id)
    if price_cents == 0:
        with suppress(Refusal):
            request_id = fulfill(db.session(), session_id, PaidBy.FREE, current_customer().id)
            place = url_for("requests.show", request_id=request_id)
    return redirect(place, code=303)
