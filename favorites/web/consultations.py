"""The page of the two: the customer and the mechanic who accepted, with the intake and how to reach each other."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from favorites.db import db
from favorites.models import MechanicStatus, Role, Status
from favorites.queries import events
from favorites.queries.customer import bookable
from favorites.queries.timeline import timeline
from favorites.queries.waiting import Waiting, consultation_of_two
from favorites.web.people import sign_in_first

bp = Blueprint("consultations", __name__)

CUSTOMER, MECHANIC, OWNER = "customer", "mechanic", "owner"


@bp.before_request
def signed_in_only() -> ResponseReturnValue | None:
    """Whose it is, is asked by each page; here only that there is somebody to ask about."""
    return None if current_user.is_authenticated else sign_in_first()


@bp.get("/consultations/<uuid:session_id>")
def show(session_id: UUID) -> ResponseReturnValue:
    """The whole page; a customer whose session request nobody has accepted waits on the other one."""
    after = events.newest_id(db.session())
    seen = _seen(session_id)
    if seen["viewer"] == CUSTOMER and seen["waiting"].session_request.mechanic_id is None:
        return redirect(url_for("requests.show", request_id=seen["waiting"].session_request.id), code=303)
    return render_template("consultations/show.html", after=after, stream=_stream(seen), **seen)


@bp.get("/consultations/<uuid:session_id>/live")
def live(session_id: UUID) -> ResponseReturnValue:
    """The part that changes, for htmx; whose job it was reads that it is so no more."""
    if _was_taken_back(session_id):
        return render_template("consultations/_gone.html")
    return render_template("consultations/_live.html", **_seen(session_id))


def _seen(session_id: UUID) -> dict[str, Any]:
    found = consultation_of_two(db.session(), session_id) or abort(404)
    viewer = _viewer(found) or abort(404)
    row = found.session_request
    reader = row.mechanic_id if viewer == MECHANIC else None
    return {
        "waiting": found,
        "viewer": viewer,
        "entries": timeline(db.session(), row.id, reader, is_for_owner=viewer == OWNER),
        "is_together": row.status in {Status.ACCEPTED, Status.COMPLETED},
        "can_be_favorite": viewer == CUSTOMER and row.status == Status.COMPLETED and _is_new_face(found),
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


def _viewer(found: Waiting) -> str | None:
    """As whom the signed-in person reads it; None: it is not theirs to know."""
    row = found.session_request
    if row.mechanic and row.mechanic.user_id == current_user.id and row.mechanic.status == MechanicStatus.APPROVED:
        return MECHANIC
    if row.customer.user_id == current_user.id:
        return CUSTOMER
    return OWNER if current_user.role == Role.ADMIN else None


def _stream(seen: dict[str, Any]) -> str | None:
    """Where this reader's news come from; the owner's page re-reads itself by the clock."""
    if seen["viewer"] == CUSTOMER:
        return url_for("live.request_events", request_id=seen["waiting"].session_request.id)
    return url_for("live.mechanic_events") if seen["viewer"] == MECHANIC else None
