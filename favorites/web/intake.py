"""The intake, by form or JSON, and the workshop's link that may lead to it."""

from uuid import UUID

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError
from spectree import Response

from favorites.db import db
from favorites.dispatch import booking
from favorites.dispatch.errors import HasOpenRequest, PlanNotAvailable, VehicleGone
from favorites.queries import booking as queries
from favorites.queries.customer import open_request_id, workshop_by_slug
from favorites.settings import current
from favorites.web import intake_page, waiver
from favorites.web.api import Problem, spec
from favorites.web.choice import Choice
from favorites.web.fields import mistakes_of
from favorites.web.intake_form import IntakeForm, Malformed, from_json
from favorites.web.limits import by_person, limiter
from favorites.web.people import current_customer, customers_only
from favorites.web.workshop_link import current_workshop, forget_workshop, keep_workshop

bp = Blueprint("intake", __name__)
bp.add_url_rule("/waiver/<uuid:session_id>", view_func=waiver.waiver)
bp.add_url_rule("/waiver/<uuid:session_id>", view_func=waiver.sign, methods=["POST"])

# What is refused because of what was told.
MISTAKES = (ValidationError, PlanNotAvailable, VehicleGone)
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}


class Started(BaseModel):
    session_id: UUID
    next: str


class Mistaken(BaseModel):
    error: str
    fields: dict[str, str]


class Occupied(Problem):
    code: str
    next: str


@bp.get("/intake")
@customers_only
def form() -> ResponseReturnValue:
    """The empty intake, filled with what is known; the choice made before comes by the address."""
    customer, choice = current_customer(), Choice.of(request.args)
    request_id = open_request_id(db.session(), customer.id)
    if request_id:
        return render_template("intake/open.html", request_id=request_id)
    if choice.plan is None or queries.plan(db.session(), choice.plan) is None:
        flash("Choose a plan first.", "info")
        return redirect(url_for("customer.dashboard", **choice.carried, _anchor="launcher"), code=303)
    return intake_page.empty(customer, choice)


@bp.post("/api/intake/start")
@customers_only
@limiter.limit(
    lambda: f"{current().bookings_per_hour} per hour",
    key_func=by_person,
    deduct_when=lambda answer: answer.status_code in (201, 303),
)
@spec.validate(
    json=IntakeForm,
    form=IntakeForm,
    resp=Response(
        "HTTP_303",
        HTTP_201=Started,
        HTTP_400=Problem,
        HTTP_401=Problem,
        HTTP_409=Occupied,
        HTTP_415=Problem,
        HTTP_422=Mistaken,
        HTTP_429=Problem,
    ),
    skip_validation=True,
    tags=["intake"],
)
def start() -> ResponseReturnValue:
    """Start a consultation with its intake.

    Takes JSON (201 `{"session_id", "next"}`) and the form (303 to the consultation agreement). The same `form_key` sent
    again gets the first answer. With the `vehicle_id` of a saved car nothing else is needed of it, and nothing else is
    read, but for the odometer; `save_vehicle` keeps the car that is told of instead, once.
    """
    if request.is_json:
        return _start_by_json()
    if request.mimetype not in FORMS:
        abort(415, "Please send JSON or a form.")
    return _start_by_form()


def _start_by_json() -> ResponseReturnValue:
    try:
        session_id = _start(from_json(request.get_data()))
    except Malformed:
        return jsonify(error="Please send a JSON object.", fields={}), 400
    except MISTAKES as mistake:
        return jsonify(error="Please look at the fields below.", fields=_mistakes(mistake)), 422
    except HasOpenRequest as refusal:
        place = url_for("requests.show", request_id=_open_id(refusal))
        return jsonify(error=refusal.sentence, code=refusal.code, next=place), 409
    return jsonify(session_id=str(session_id), next=url_for("intake.waiver", session_id=session_id)), 201


def _start_by_form() -> ResponseReturnValue:
    typed = request.form.to_dict()
    typed.pop("csrf_token", None)
    try:
        session_id = _start(IntakeForm.model_validate(typed))
    except MISTAKES as mistake:
        return intake_page.again(current_customer(), typed, _mistakes(mistake)), 422
    except HasOpenRequest as refusal:
        return render_template("intake/open.html", request_id=_open_id(refusal)), 409
    return redirect(url_for("intake.waiver", session_id=session_id), code=303)


def _mistakes(mistake: ValidationError | PlanNotAvailable | VehicleGone) -> dict[str, str]:
    if isinstance(mistake, ValidationError):
        return mistakes_of(mistake)
    return {"plan" if isinstance(mistake, PlanNotAvailable) else "vehicle_id": mistake.sentence}


def _open_id(refusal: HasOpenRequest) -> UUID | None:
    return refusal.request_id or open_request_id(db.session(), current_customer().id)


def _start(told: IntakeForm) -> UUID:
    """The consultation's id. Raises as `start_intake` does."""
    workshop = current_workshop()
    session_id = booking.start_intake(
        db.session(),
        current_customer().id,
        told.intake,
        told.plan,
        preferred_mechanic_id=told.preferred_mechanic_id,
        routing_type=told.routing_type,
        workshop_id=workshop.id if workshop else None,
        form_key=told.form_key,
        vehicle_id=told.vehicle_id,
        saves_vehicle=told.save_vehicle,
    )
    forget_workshop()
    return session_id


@bp.get("/w/<slug>")
def workshop(slug: str) -> ResponseReturnValue:
    """A workshop's own page; a closed one says so, with 404."""
    found = workshop_by_slug(db.session(), slug) or abort(404)
    return render_template("intake/workshop.html", workshop=found), 200 if found.is_active else 404


@bp.post("/w/<slug>")
def book_with(slug: str) -> ResponseReturnValue:
    """Book with this workshop: the next intake is for it. 404 for a closed one."""
    found = workshop_by_slug(db.session(), slug)
    if found is None or not found.is_active:
        abort(404)
    keep_workshop(found.id)
    return redirect(url_for("customer.dashboard", _anchor="launcher"), code=303)


@bp.post("/leave-workshop")
def leave_workshop() -> ResponseReturnValue:
    """Forget the workshop's link."""
    forget_workshop()
    return redirect(url_for("customer.dashboard", _anchor="launcher"), code=303)
