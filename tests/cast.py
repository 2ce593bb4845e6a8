"""The people of every story. Ana books; Marco is her favorite; Nadia and Omar could help, too; Zed waits for approval;
Rita is of the workshop; Olga owns it all. Each acts over HTTP, as their browser would, and hears over a real stream."""

import secrets
from typing import Any, Self
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from favorites.dispatch.sign_ins import hash_of
from tests.database import one, sql
from tests.ears import Ear, Heard

PASSWORD = "book-again-demo"
# argon2id of PASSWORD, made once: hashing it for each person would cost more than most tests.
HASH = "$argon2id$v=19$m=65536,t=3,p=4$GN0BWSAJjTDeuIsYlPdq3w$vKqLewfQTA8gM3XoxL6Dh3HuMPCU/T3Diugl4GSetlo"

# An id that nobody has; fixed, so that every worker collects the same tests.
NOBODY = "7d3c1f0e-9a44-4a57-8f5c-2f7f1f0a6b11"

INTAKE = {
    "name": "Ana Castillo",
    "email": "ana@demo.test",
    "phone": "+1 555 0100",
    "city": "Harbor City",
    "year": 2014,
    "make": "Volkswagen",
    "model": "Golf",
    "concern": "The engine light is on after a cold start.",
}


class Person:
    """Somebody signed in, by a row of `sign_ins` and the cookie that names it."""

    role = "customer"
    board: Ear | None = None
    shown_in: FlaskClient | None = None  # the browser that pages are shown in, where it is not that of the verbs

    @classmethod
    def known(cls, app: Flask, port: int, first_name: str) -> Self:
        """Somebody of the demo, who is there already; signed in, and without an open board."""
        person = cls.__new__(cls)
        person._is_called(app, port, first_name, "")
        person.user_id, person.uniquifier = one("SELECT id, fs_uniquifier FROM users WHERE email = %s", person.email)
        if cls is not Owner:
            person.id, person.last_name = one(
                f"SELECT id, last_name FROM {cls.role}s WHERE user_id = %s", person.user_id
            )
            person.name = f"{first_name} {person.last_name}"
        person.client, person.shown_in = person.new_client(), person.new_client()
        return person

    def _is_called(self, app: Flask, port: int, first_name: str, last_name: str) -> None:
        self.app, self.port, self.first_name, self.last_name = app, port, first_name, last_name
        self.name = f"{first_name} {last_name}"
        self.email = f"{first_name.lower()}@demo.test"
        self.ears: list[Ear] = []

    def __init__(self, app: Flask, port: int, first_name: str, last_name: str) -> None:
        self._is_called(app, port, first_name, last_name)
        self.uniquifier = secrets.token_hex(32)
        self.user_id: UUID = one(
            "INSERT INTO users (email, password, role, fs_uniquifier, confirmed_at)"
            " VALUES (%s, %s, %s, %s, clock_timestamp()) RETURNING id",
            self.email,
            HASH,
            self.role,
            self.uniquifier,
        )
        self.client = self.new_client()

    def new_client(self) -> FlaskClient:
        """Another browser of this person, signed in."""
        client = self.app.test_client()
        key = secrets.token_urlsafe(32)
        sql(
            "INSERT INTO sign_ins (user_id, key_hash, expires_at)"
            " VALUES (%s, %s, clock_timestamp() + interval '1 day')",
            self.user_id,
            hash_of(key),
        )
        with client.session_transaction() as session:
            session.update({"_user_id": self.uniquifier, "_fresh": True, "sign_in": key, "csrf_token": key})
        signer = URLSafeTimedSerializer(self.app.secret_key or "", salt="wtf-csrf-token")
        client.environ_base["HTTP_X_CSRFTOKEN"] = signer.dumps(key)
        return client

    @property
    def cookie(self) -> str:
        """The Cookie header of this person's browser."""
        cookie = (self.shown_in or self.client).get_cookie("session")
        assert cookie is not None
        return f"session={cookie.value}"

    def listens(self, path: str, after: int | None = None) -> Ear:
        """Open a stream; it ends with the test."""
        ear = Ear(self.port, path, self.cookie, after)
        self.ears.append(ear)
        return ear

    def leaves(self) -> None:
        """Hang up every stream."""
        for ear in self.ears:
            ear.close()


class Customer(Person):
    role = "customer"

    def __init__(self, app: Flask, port: int, first_name: str, last_name: str) -> None:
        super().__init__(app, port, first_name, last_name)
        self.id: UUID = one(
            "INSERT INTO customers (user_id, first_name, last_name, phone, city)"
            " VALUES (%s, %s, %s, '+1 555 0100', 'Harbor City') RETURNING id",
            self.user_id,
            first_name,
            last_name,
        )
        self.is_given_credits(100)

    def is_given_credits(self, credits: int) -> None:
        sql("INSERT INTO credit_entries (customer_id, kind, credits) VALUES (%s, 'grant', %s)", self.id, credits)

    def favors(self, *mechanics: "Mechanic") -> None:
        """Mark them as favorites."""
        for mechanic in mechanics:
            sql("INSERT INTO customer_favorites (customer_id, mechanic_id) VALUES (%s, %s)", self.id, mechanic.id)

    def saves_a_car(self, year: int = 2014, make: str = "Volkswagen", model: str = "Golf", plate: str = "") -> UUID:
        """Keep a car for the next booking; its id."""
        car = {"year": year, "make": make, "model": model, "plate": plate}
        assert self.client.post("/customer/vehicles/add", data=car).status_code == 303
        return one("SELECT id FROM vehicles WHERE customer_id = %s ORDER BY created_at DESC LIMIT 1", self.id)

    def starts_intake(self, plan: str = "chat10", **fields: Any) -> UUID:
        """POST /api/intake/start as JSON; the consultation's id."""
        answer = self.client.post("/api/intake/start", json={**INTAKE, "plan": plan, "email": self.email, **fields})
        assert answer.status_code == 201, answer.text
        return UUID(answer.get_json()["session_id"])

    def signs(self, consultation_id: UUID) -> str:
        """Sign the consultation agreement; where it leads."""
        answer = self.client.post(f"/waiver/{consultation_id}", data={"full_name": self.name, "consent": "yes"})
        assert answer.status_code == 303, answer.text
        return str(answer.location)

    def pays_by_credits(self, consultation_id: UUID) -> UUID:
        """Choose credits at the checkout; the session request's id."""
        answer = self.client.post(f"/checkout/{consultation_id}/credits")
        assert answer.status_code == 303, answer.text
        return UUID(str(answer.location).rsplit("/", 1)[-1])

    def books(self, plan: str = "chat10", **fields: Any) -> UUID:
        """The whole way: intake, waiver, credits; the session request's id."""
        consultation_id = self.starts_intake(plan, **fields)
        self.signs(consultation_id)
        return self.pays_by_credits(consultation_id)

    def books_again(self, mechanic: "Mechanic", plan: str = "chat10", **fields: Any) -> UUID:
        """Book Again with *Priority Notification*; the session request's id."""
        return self.books(plan, preferred_mechanic_id=str(mechanic.id), routing_type="priority_broadcast", **fields)

    def does(self, request_id: UUID, verb: str, **form: Any) -> Any:
        """POST a verb of the waiting page, asking for JSON."""
        return self.client.post(
            f"/customer/requests/{request_id}/{verb}", data=form, headers={"Accept": "application/json"}
        )

    def listens_to(self, request_id: UUID, after: int | None = None) -> Ear:
        """Open the waiting page's stream."""
        return self.listens(f"/customer/requests/{request_id}/events", after)


class Mechanic(Person):
    role = "mechanic"

    def __init__(
        self,
        app: Flask,
        port: int,
        first_name: str,
        last_name: str,
        status: str = "approved",
        workshop_id: UUID | None = None,
    ) -> None:
        super().__init__(app, port, first_name, last_name)
        self.id: UUID = one(
            "INSERT INTO mechanics (user_id, first_name, last_name, status, workshop_id, phone)"
            " VALUES (%s, %s, %s, %s, %s, '+1 555 0200') RETURNING id",
            self.user_id,
            first_name,
            last_name,
            status,
            workshop_id,
        )
        self.board = self.listens("/mechanic/events") if status == "approved" else None
        self.quiet = lambda: None  # until all that was written has been sent; set by the fixture

    def hears(self, event: str, **data: Any) -> Heard:
        """Wait for that event on the open board."""
        assert self.board
        return self.board.until(event, **data)

    @property
    def heard_nothing(self) -> bool:
        """Nothing unread on the open board, once all that was written has been sent."""
        assert self.board
        self.quiet()
        self.board.drain()
        assert not self.board.unread, f"{self.first_name} heard {self.board.unread}"
        return True

    def does(self, request_id: UUID, verb: str, **form: Any) -> Any:
        """POST a verb of the board, asking for JSON."""
        return self.client.post(
            f"/mechanic/requests/{request_id}/{verb}", data=form, headers={"Accept": "application/json"}
        )

    def accepts(self, request_id: UUID) -> Any:
        return self.does(request_id, "accept")

    def shows(self, request_id: UUID, **headers: str) -> Any:
        """As a device of theirs does that shows an offer."""
        return self.client.post(f"/mechanic/requests/{request_id}/delivered", headers=headers)

    def declines(self, request_id: UUID, **form: Any) -> Any:
        return self.does(request_id, "decline", **form)


class Owner(Person):
    role = "admin"
