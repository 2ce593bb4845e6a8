"""The waiting page: one session request as its customer sees it, live, and what they can do about it."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import answers, booking
from favorites.dispatch.actors import Actor
from favorites.models import Kind
from favorites.models.consultation import PaidBy
from favorites.queries import events
from favorites.queries.asked import asked, because
from favorites.queries.paying import Money, payments_of
from favorites.queries.timeline import timeline
from favorites.queries.waiting import Waiting, waiting
from favorites.web.answers import done
from favorites.web.people import current_customer, customers_only
from favorites.web.steps import go_on

bp = Blueprint("requests", __name__)


@bp.get("/customer/requests/<uuid:request_id>")
@customers_only
def show(request_id: UUID) -> ResponseReturnValue:
    """The whole page; the newest event is read before the state, so that the stream misses nothing."""
    after = events.newest_id(db.session())
    return render_template("requests/show.html", after=after, **_seen(request_id))


@bp.get("/customer/requests/<uuid:request_id>/live")
@customers_only
def live(request_id: UUID) -> ResponseReturnValue:
    """The part that changes, for htmx."""
    return render_template("requests/_live.html", **_seen(request_id))


def _seen(request_id: UUID) -> dict[str, Any]:
    found, entries = own(request_id), timeline(db.session(), request_id)
    return {
        "waiting": found,
        "entries": entries,
        "asked": asked(db.session(), request_id) if found.stage in {"workshop", "broadcast"} else None,
        "payments": _payments(found),
        "because": because(found, entries),
        "extended": next((entry for entry in entries if entry.kind == Kind.REQUEST_EXTENDED), None),
    }


def _payments(found: Waiting) -> list[Money]:
    """What of it is on its way back, or back."""
    consultation = found.session_request.consultation
    if consultation is None or consultation.paid_by != PaidBy.PAYMENT:
        return []
    return [money for money in payments_of(db.session(), consultation.id) if money.goes_back]


def own(request_id: UUID) -> Waiting:
    """The customer's own session request; somebody else's answers like a missing one."""
    return waiting(db.session(), current_customer().id, request_id) or abort(404)


def _me(request_id: UUID) -> Actor:
    """The actor, once the session request is known to be theirs."""
    own(request_id)
    return Actor.customer(current_customer().id)


@bp.post("/customer/requests/<uuid:request_id>/open")
@customers_only
def open_to_everyone(request_id: UUID) -> ResponseReturnValue:
    """Ask everyone now; after the grace, everyone again."""
    answers.open_to_everyone(db.session(), request_id, _me(request_id))
    return done("requests.show", request_id=request_id)


@bp.post("/customer/requests/<uuid:request_id>/prolong")
@customers_only
def prolong(request_id: UUID) -> ResponseReturnValue:
    """Wait longer: one lifetime more, once."""
    answers.prolong(db.session(), request_id, current_customer().id)
    return done("requests.show", request_id=request_id)


@bp.post("/customer/requests/<uuid:request_id>/cancel")
@customers_only
def cancel(request_id: UUID) -> ResponseReturnValue:
    """Withdraw it; credits and payments go back."""
    answers.cancel(db.session(), request_id, _me(request_id))
    return done("requests.show", request_id=request_id)


@bp.post("/customer/requests/<uuid:request_id>/complete")
@customers_only
def complete(request_id: UUID) -> ResponseReturnValue:
    """End the consultation, once the plan's minutes have passed."""
    answers.complete(db.session(), request_id, _me(request_id))
    return done("requests.show", request_id=request_id)


@bp.post("/customer/requests/<uuid:request_id>/again")
@customers_only
def again(request_id: UUID) -> ResponseReturnValue:
    """After expiry: the same intake and agreement in a new consultation, through checkout."""
    return go_on(booking.ask_again(db.session(), request_id, current_customer().id))
