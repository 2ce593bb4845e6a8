"""The page of the two: the customer and the mechanic who accepted, with the intake and all that comes of it."""

import secrets
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from favorites.db import db
from favorites.models import Status
from favorites.queries import events
from favorites.queries.customer import bookable
from favorites.queries.receipt import receipt as receipt_of
from favorites.queries.talk import talk
from favorites.queries.timeline import timeline
from favorites.queries.waiting import Waiting, consultation_of_two
from favorites.web.people import signed_in_only
from favorites.web.two import CUSTOMER, MECHANIC, OWNER, Seat, seat

bp = Blueprint("consultations", __name__)
bp.before_request(signed_in_only)


@bp.get("/consultations/<uuid:session_id>")
def show(session_id: UUID) -> ResponseReturnValue:
    """The whole page; a customer whose session request nobody has accepted waits on the other one."""
    after = events.newest_id(db.session())
    found = seat(session_id)
    if found.viewer == CUSTOMER and not found.is_together and found.waiting.session_request.mechanic_id is None:
        return redirect(url_for("requests.show", request_id=found.waiting.session_request.id), code=303)
    return render_template("consultations/show.html", after=after, stream=_stream(found), **_seen(session_id, found))


@bp.get("/consultations/<uuid:session_id>/live")
def live(session_id: UUID) -> ResponseReturnValue:
    """The part that changes, for htmx; whose job it was reads that it is so no more."""
    if _was_taken_back(session_id):
        return render_template("consultations/_gone.html")
    return render_template("consultations/_live.html", **_seen(session_id, seat(session_id)))


@bp.get("/consultations/<uuid:session_id>/receipt")
def receipt(session_id: UUID) -> ResponseReturnValue:
    """What it cost and how it was paid, to print: for who paid, and for the owner; to the mechanic it is nothing."""
    if seat(session_id).viewer == MECHANIC:
        abort(404)
    found = receipt_of(db.session(), session_id) or abort(404)
    return render_template("consultations/receipt.html", receipt=found)


def _seen(session_id: UUID, found: Seat) -> dict[str, Any]:
    row, viewer = found.waiting.session_request, found.viewer
    reader = row.mechanic_id if viewer == MECHANIC else None
    before = request.args.get("before", type=int)
    return {
        "waiting": found.waiting,
        "viewer": viewer,
        "entries": timeline(db.session(), row.id, reader, is_for_owner=viewer == OWNER),
        "is_together": found.is_together,
        "talk": talk(db.session(), session_id, found.reader, before) if found.is_together else None,
        "form_key": secrets.token_urlsafe(16),
        "meeting_url": found.meeting_url,
        "can_be_favorite": viewer == CUSTOMER and row.status == Status.COMPLETED and _is_new_face(found.waiting),
    }


def _is_new_face(found: Waiting) -> bool:
    row = found.session_request
    mechanic = bookable(db.session(), row.customer_id, row.mechanic_id) if row.mechanic_id else None
    return mechanic is not None and not mechanic.is_favorite


def _was_taken_back(session_id: UUID) -> bool:
    found, mechanic = consultation_of_two(db.session(), session_id), current_user.mechanic
    if found is None or mechanic is None:
        return False
    row = found.session_request
    return mechanic.id in row.released_from and mechanic.id != row.mechanic_id


def _stream(found: Seat) -> str | None:
    """Where this reader's news come from; the owner's page re-reads itself by the clock."""
    if found.viewer == CUSTOMER:
        return url_for("live.request_events", request_id=found.waiting.session_request.id)
    return url_for("live.mechanic_events") if found.viewer == MECHANIC else None
