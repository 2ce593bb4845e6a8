"""The intake, by form or JSON, and the workshop's link that may lead to it."""

import secrets
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from pydantic import BaseModel, ValidationError
from spectree import Response

from favorites.db import db
from favorites.dispatch import booking
from favorites.dispatch.errors import HasOpenRequest, PlanNotAvailable
from favorites.models import Customer
from favorites.queries import booking as queries
from favorites.queries.customer import open_request_id, workshop_by_slug
from favorites.settings import current
from favorites.web import waiver
from favorites.web.api import Problem, spec
from favorites.web.choice import Choice
from favorites.web.customer import outlook_of
from favorites.web.intake_form import IntakeForm, Malformed, every_field, from_json, mistakes_of
from favorites.web.limits import by_person, limiter
from favorites.web.people import current_customer, customers_only
from favorites.web.workshop_link import current_workshop, forget_workshop, keep_workshop

bp = Blueprint("intake", __name__)
bp.add_url_rule("/waiver/<uuid:session_id>", view_func=waiver.waiver)
bp.add_url_rule("/waiver/<uuid:session_id>", view_func=waiver.sign, methods=["POST"])

# What is refused because of what was told.
MISTAKES = (ValidationError, PlanNotAvailable)
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
PREFILLED = ("name", "email", "phone", "city", "vin", "year", "make", "model", "odometer", "plate")


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
    typed = {**_known(customer), **choice.carried, "plan": choice.plan, "form_key": secrets.token_urlsafe(16)}
    return _page(customer, {**typed, "urgent": choice.urgent}, {})


def _known(customer: Customer) -> dict[str, Any]:
    """From the last intake, else from the account."""
    last = queries.last_intake(db.session(), customer.id)
    if last:
        return {key: getattr(last, key) for key in PREFILLED}
    return {"name": customer.name, "email": current_user.email, "phone": customer.phone, "city": customer.city}


def _page(customer: Customer, typed: dict[str, Any], mistakes: dict[str, str]) -> str:
    choice = Choice.of(typed)
    return render_template(
        "intake/form.html",
        customer=customer,
        typed=every_field(typed),
        mistakes=every_field(mistakes),
        is_wrong=bool(mistakes),
        plan=queries.plan(db.session(), choice.plan) if choice.plan else None,
        choice=choice,
        outlook=outlook_of(customer, choice),
        workshop=current_workshop(),
    )


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
    again gets the first answer.
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
        return _page(current_customer(), typed, _mistakes(mistake)), 422
    except HasOpenRequest as refusal:
        return render_template("intake/open.html", request_id=_open_id(refusal)), 409
    return redirect(url_for("intake.waiver", session_id=session_id), code=303)


def _mistakes(mistake: ValidationError | PlanNotAvailable) -> dict[str, str]:
    return {"plan": mistake.sentence} if isinstance(mistake, PlanNotAvailable) else mistakes_of(mistake)


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
    )
    forget_workshop()
    return session_id


@bp.get("/w/<slug>")
def workshop(slug: str) -> ResponseReturnValue:
    """An active workshop's own page; anything else answers like a missing one."""
    return render_template("intake/workshop.html", workshop=workshop_by_slug(db.session(), slug) or abort(404))


@bp.post("/w/<slug>")
def book_with(slug: str) -> ResponseReturnValue:
    """Book with this workshop: the next intake is for it."""
    keep_workshop((workshop_by_slug(db.session(), slug) or abort(404)).id)
    return redirect(url_for("customer.dashboard", _anchor="launcher"), code=303)


@bp.post("/leave-workshop")
def leave_workshop() -> ResponseReturnValue:
    """Forget the workshop's link."""
    forget_workshop()
    return redirect(url_for("customer.dashboard", _anchor="launcher"), code=303)
