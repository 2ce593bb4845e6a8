"""The cast's rows: accounts with the demo's password, past the password rules, and who they are."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from flask_security import hash_password
from sqlalchemy import select
from sqlalchemy.orm import Session

from favorites.db import clock
from favorites.demo.cast import CAST, HARBOR_GARAGE, PASSWORD, Person
from favorites.demo.words import SAVED_CARS
from favorites.models import Customer, CustomerFavorite, Mechanic, Role, User, Vehicle, Workshop

JOINED = timedelta(days=40)  # before the month that is played
CITY = "Harbor City"
ABOUT = {
    "Marco": "Engines and gearboxes, twenty years of them. Ask me about noises.",
    "Nadia": "Electrics, batteries, hybrids. I read wiring diagrams for fun.",
    "Omar": "Vans and everything that earns its living. Brakes are my thing.",
    "Rita": "Harbor Garage's own. Anything that floats or nearly does.",
    "Zed": "Just finished my training and eager to start.",
}


class Cast(NamedTuple):
    """The ids of the rows, by first name."""

    users: dict[str, UUID]
    customers: dict[str, UUID]
    mechanics: dict[str, UUID]
    harbor_garage: UUID


def add(session: Session) -> Cast:
    """Writes the people, the workshop and the favorites; commits the session."""
    joined = session.execute(select(clock())).scalar_one() - JOINED
    garage = Workshop(slug=HARBOR_GARAGE[0], name=HARBOR_GARAGE[1], created_at=joined)
    users = _users(joined)
    session.add_all([garage, *users.values()])
    session.flush()
    customers = {p.first_name: _customer(p, users, joined) for p in CAST if p.role is Role.CUSTOMER}
    mechanics = {p.first_name: _mechanic(p, users, garage, joined) for p in CAST if p.role is Role.MECHANIC}
    session.add_all([*customers.values(), *mechanics.values()])
    session.flush()
    session.add_all(
        CustomerFavorite(customer_id=customers[p.first_name].id, mechanic_id=mechanics[name].id, created_at=joined)
        for p in CAST
        for name in p.favorites
    )
    session.add_all(
        Vehicle(customer_id=customers[name].id, used_at=joined - timedelta(days=number), created_at=joined, **car)
        for number, (name, car) in enumerate(SAVED_CARS)
    )
    cast = Cast(_ids(users), _ids(customers), _ids(mechanics), garage.id)
    session.commit()
    return cast


def _ids(rows: Mapping[str, User | Customer | Mechanic]) -> dict[str, UUID]:
    return {name: row.id for name, row in rows.items()}


def _users(joined: datetime) -> dict[str, User]:
    password = hash_password(PASSWORD)  # once: it is slow on purpose
    return {
        p.first_name: User(
            email=p.email,
            password=password,
            role=p.role.value,
            fs_uniquifier=uuid4().hex,
            confirmed_at=joined,
            created_at=joined,
        )
        for p in CAST
    }


def _customer(person: Person, users: dict[str, User], joined: datetime) -> Customer:
    return Customer(
        user_id=users[person.first_name].id,
        first_name=person.first_name,
        last_name=person.last_name,
        phone=_phone(person),
        city=CITY,
        created_at=joined,
    )


def _mechanic(person: Person, users: dict[str, User], garage: Workshop, joined: datetime) -> Mechanic:
    return Mechanic(
        user_id=users[person.first_name].id,
        first_name=person.first_name,
        last_name=person.last_name,
        status=person.status.value,
        workshop_id=garage.id if person.is_of_harbor_garage else None,
        phone=_phone(person),
        city=CITY,
        about=ABOUT[person.first_name],
        created_at=joined,
    )


def _phone(person: Person) -> str:
    return f"+1 555 01{CAST.index(person):02}"
