"""The customer's saved cars: list, add, change, remove."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from favorites.db import db
from favorites.dispatch import vehicles
from favorites.dispatch.errors import VehicleKnown
from favorites.dispatch.vehicles import CAR
from favorites.models.vehicle import SAVED_AT_MOST
from favorites.queries import vehicles as queries
from favorites.web.answers import done, mistaken, wants_json
from favorites.web.fields import mistakes_of
from favorites.web.people import current_customer, customers_only
from favorites.web.vehicle_form import VehicleForm

bp = Blueprint("vehicles", __name__)


@bp.get("/customer/vehicles")
@customers_only
def index() -> ResponseReturnValue:
    """All of them, the latest used first."""
    saved = queries.vehicles(db.session(), current_customer().id)
    return render_template("customer/vehicles/index.html", saved=saved, most=SAVED_AT_MOST)


@bp.get("/customer/vehicles/add")
@customers_only
def new() -> ResponseReturnValue:
    """The empty form."""
    return _page({}, {}, None)


@bp.post("/customer/vehicles/add")
@customers_only
def add() -> ResponseReturnValue:
    """Keep one more; the same car twice is once. 422 with the form for what cannot be a car, 409 for too many."""
    try:
        vehicles.save_vehicle(db.session(), current_customer().id, _told().model_dump())
    except ValidationError as mistake:
        return _again(mistakes_of(mistake), None)
    flash("Saved. You can choose this car when you book.", "success")
    return done("vehicles.index")


@bp.get("/customer/vehicles/<uuid:vehicle_id>")
@customers_only
def show(vehicle_id: UUID) -> ResponseReturnValue:
    """The form with what is known; another customer's car answers like a missing one."""
    found = queries.vehicle(db.session(), current_customer().id, vehicle_id) or abort(404)
    return _page({name: getattr(found, name) for name in CAR}, {}, vehicle_id)


@bp.post("/customer/vehicles/<uuid:vehicle_id>")
@customers_only
def change(vehicle_id: UUID) -> ResponseReturnValue:
    """Write down what the car is by now; what was booked with it stays as it was told."""
    try:
        vehicles.change_vehicle(db.session(), current_customer().id, vehicle_id, _told().model_dump())
    except ValidationError as mistake:
        return _again(mistakes_of(mistake), vehicle_id)
    except VehicleKnown as mistake:
        return _again({"vin": mistake.sentence}, vehicle_id)
    flash("Changed. What you booked before stays as it was.", "success")
    return done("vehicles.index")


@bp.post("/customer/vehicles/<uuid:vehicle_id>/remove")
@customers_only
def remove(vehicle_id: UUID) -> ResponseReturnValue:
    """Keep it no longer; it may be gone already."""
    vehicles.remove_vehicle(db.session(), current_customer().id, vehicle_id)
    flash("Removed from your saved cars.", "info")
    return done("vehicles.index")


def _told() -> VehicleForm:
    return VehicleForm.model_validate({name: value for name, value in request.form.items() if name != "csrf_token"})


def _again(mistakes: dict[str, str], vehicle_id: UUID | None) -> ResponseReturnValue:
    """The form as it was sent, with what is wrong; of a car that is not theirs there is none."""
    if vehicle_id and queries.vehicle(db.session(), current_customer().id, vehicle_id) is None:
        abort(404)
    if wants_json():
        return mistaken(mistakes)
    return _page(request.form.to_dict(), mistakes, vehicle_id), 422


def _page(typed: dict[str, Any], mistakes: dict[str, str], vehicle_id: UUID | None) -> str:
    nothing = dict.fromkeys(VehicleForm.model_fields)
    return render_template(
        "customer/vehicles/form.html",
        typed=nothing | typed,
        mistakes=nothing | mistakes,
        is_wrong=bool(mistakes),
        vehicle_id=vehicle_id,
    )
