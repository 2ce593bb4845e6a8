"""The intake's page: empty, with what is known already, or as it was sent, with what is wrong."""

import secrets
from typing import Any

from flask import render_template
from flask_security import current_user

from favorites.db import db
from favorites.dispatch.vehicles import CAR
from favorites.models import Customer, Vehicle
from favorites.models.vehicle import SAVED_AT_MOST
from favorites.queries import booking as queries
from favorites.queries.vehicles import vehicles
from favorites.web.choice import Choice
from favorites.web.customer import outlook_of
from favorites.web.intake_form import every_field
from favorites.web.workshop_link import current_workshop

PERSON = ("name", "email", "phone", "city")


def empty(customer: Customer, choice: Choice) -> str:
    """For a new booking; the car is the saved one that was booked with last."""
    saved = vehicles(db.session(), customer.id)
    typed = {**_known(customer, saved), **choice.carried, "plan": choice.plan, "form_key": secrets.token_urlsafe(16)}
    return _page(customer, saved, {**typed, "urgent": "1" if choice.urgent else "", "save_vehicle": True}, {})


def again(customer: Customer, typed: dict[str, Any], mistakes: dict[str, str]) -> str:
    """With all that was typed; `mistakes`: a sentence by field."""
    return _page(customer, vehicles(db.session(), customer.id), typed, mistakes)


def _known(customer: Customer, saved: list[Vehicle]) -> dict[str, Any]:
    """From the last intake, else from the account. Without a saved car that of the last intake is filled in."""
    car = {"vehicle_id": saved[0].id} if saved else {}
    if last := queries.last_intake(db.session(), customer.id):
        names = PERSON if saved else (*PERSON, *CAR, "odometer")
        return car | {name: getattr(last, name) for name in names}
    person = {"name": customer.name, "email": current_user.email, "phone": customer.phone, "city": customer.city}
    return car | person


def _page(customer: Customer, saved: list[Vehicle], typed: dict[str, Any], mistakes: dict[str, str]) -> str:
    choice = Choice.of(typed)
    return render_template(
        "intake/form.html",
        customer=customer,
        typed=every_field(typed),
        mistakes=every_field(mistakes),
        is_wrong=bool(mistakes),
        plan=queries.plan(db.session(), choice.plan) if choice.plan else None,
        choice=choice,
        saved=saved,
        may_save=len(saved) < SAVED_AT_MOST,
        outlook=outlook_of(customer, choice),
        workshop=current_workshop(),
    )
