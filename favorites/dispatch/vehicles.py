"""The cars a customer keeps. What was booked with one keeps its own copy, whatever happens here."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, cast, delete, func, literal, literal_column, select, update
from sqlalchemy.dialects.postgresql import Insert, insert

from favorites.db import Session, clock
from favorites.dispatch.errors import NotFound, TooManyVehicles
from favorites.dispatch.locks import lock_customer
from favorites.dispatch.verb import verb
from favorites.models import Vehicle
from favorites.models.vehicle import IDENTITY, SAVED_AT_MOST

CAR = ("vin", "year", "make", "model", "plate")  # what is told of a car, here and in an intake


@verb
def save_vehicle(session: Session, customer_id: UUID, car: dict[str, Any]) -> UUID:
    """Keep a car for the next booking; its id, the same for one that is kept already.

    `car` has the keys of `CAR`. Raises `NotFound` or `TooManyVehicles`.
    """
    lock_customer(session, customer_id)
    vehicle_id = session.execute(saving(customer_id, told_of(car)).returning(Vehicle.id)).scalar_one_or_none()
    if vehicle_id is None:
        raise TooManyVehicles
    return vehicle_id


def is_known(car: Mapping[str, Any]) -> bool:
    """Whether a mechanic knows which car it is: by the VIN, or by year, make and model."""
    return bool(car["vin"] or (car["year"] and car["make"] and car["model"]))


def told_of(car: Mapping[str, Any]) -> Select[Any]:
    """One row, with the columns of `CAR`."""
    columns = {name: Vehicle.__table__.c[name].type for name in CAR}
    return select(*(cast(literal(car[name], type_), type_).label(name) for name, type_ in columns.items()))


def saving(customer_id: UUID, car: Select[Any]) -> Insert:
    """The statement that keeps the car of `car`, whose columns are those of `CAR`: no row when there are too many.

    To a car that is kept already it adds what was not known of it. May stand in another statement; there it takes no
    lock, and of two at once each may be the last one.
    """
    told = select(*car.subquery().c, literal_column(IDENTITY, Text).label("identity")).subquery()
    others = select(func.count()).where(Vehicle.customer_id == customer_id, Vehicle.identity != told.c.identity)
    columns = select(literal(customer_id), *(told.c[name] for name in CAR))
    new = insert(Vehicle).from_select(["customer_id", *CAR], columns.where(others.scalar_subquery() < SAVED_AT_MOST))
    texts = {name: func.coalesce(func.nullif(new.excluded[name], ""), Vehicle.__table__.c[name]) for name in CAR[2:]}
    newer = {**texts, "year": func.coalesce(new.excluded.year, Vehicle.year), "used_at": clock()}
    return new.on_conflict_do_update(index_elements=["customer_id", "identity"], set_=newer)


@verb
def change_vehicle(session: Session, customer_id: UUID, vehicle_id: UUID, car: dict[str, Any]) -> None:
    """Write down what the car is by now. Raises `NotFound`, or `VehicleKnown` when another one is that car."""
    changed = update(Vehicle).where(*theirs(customer_id, vehicle_id)).values(**car).returning(Vehicle.id)
    if session.execute(changed).scalar_one_or_none() is None:
        raise NotFound


@verb
def remove_vehicle(session: Session, customer_id: UUID, vehicle_id: UUID) -> None:
    """Keep the car no longer; it may be gone already."""
    session.execute(delete(Vehicle).where(*theirs(customer_id, vehicle_id)))


def theirs(customer_id: UUID, vehicle_id: UUID) -> list[ColumnElement[bool]]:
    """That car, if it is this customer's."""
    return [Vehicle.id == vehicle_id, Vehicle.customer_id == customer_id]
