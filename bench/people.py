"""The people of the bench: rows and cookies as the product makes them.

There are as many as bookings, so every limit of the product stays as it is.
"""

import secrets
from typing import Any
from urllib.parse import urlencode

import psycopg2
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from psycopg2.extras import execute_values

from bench.browser import Browser
from favorites.dispatch.sign_ins import hash_of

PERSON = "INSERT INTO users (email, password, role, fs_uniquifier) VALUES (%s, %s, %s, %s) RETURNING id"
SIGN_IN = "INSERT INTO sign_ins (user_id, key_hash, expires_at) VALUES (%s, %s, clock_timestamp() + interval '1 day')"
CUSTOMER = "INSERT INTO customers (user_id, first_name, last_name) VALUES (%s, %s, 'Bench') RETURNING id"
MECHANIC = (
    "INSERT INTO mechanics (user_id, first_name, last_name, status) VALUES (%s, %s, 'Bench', 'approved') RETURNING id"
)
MECHANICS = """
WITH given (email, uniquifier, key_hash) AS (VALUES %s),
     people AS (INSERT INTO users (email, password, role, fs_uniquifier)
                SELECT email, 'never used', 'mechanic', uniquifier FROM given RETURNING id, email, fs_uniquifier),
     signed_in AS (INSERT INTO sign_ins (user_id, key_hash, expires_at)
                   SELECT id, key_hash, clock_timestamp() + interval '1 day'
                   FROM people JOIN given ON uniquifier = fs_uniquifier)
INSERT INTO mechanics (user_id, first_name, last_name, status)
SELECT id, split_part(email, '@', 1), 'Bench', 'approved' FROM people
"""
CREDITS = "INSERT INTO credit_entries (customer_id, kind, credits) VALUES (%s, 'grant', 100)"
CAR = {
    "phone": "+1 555 0100",
    "city": "Harbor City",
    "year": 2014,
    "make": "Volkswagen",
    "model": "Golf",
    "concern": "The engine light is on after a cold start.",
}
FAVORITE = "INSERT INTO customer_favorites (customer_id, mechanic_id) VALUES (%s, %s)"


class Town:
    """Makes people in the database at `address`, and answers questions about what its server wrote.

    `secret_key`: that server's.
    """

    def __init__(self, address: str, secret_key: str) -> None:
        self._connection = psycopg2.connect(address)
        self._connection.autocommit = True
        # A bare application, only to sign cookies as the product does.
        signer = Flask("bench")
        signer.secret_key = secret_key
        serializer = SecureCookieSessionInterface().get_signing_serializer(signer)
        assert serializer
        self._sign = serializer.dumps

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """What one statement returns."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def mechanic(self, name: str) -> tuple[str, str]:
        """An approved mechanic's id and cookie."""
        user_id, cookie = self._person(name, "mechanic")
        return str(self.rows(MECHANIC, user_id, name)[0][0]), cookie

    def mechanics(self, number: int) -> list[str]:
        """The cookies of so many approved mechanics, each signed in once."""
        keys = [(f"{secrets.token_hex(8)}@bench.test", secrets.token_hex(32), secrets.token_urlsafe(32))
                for _ in range(number)]  # fmt: skip
        rows = [(email, uniquifier, hash_of(key)) for email, uniquifier, key in keys]
        with self._connection.cursor() as cursor:
            execute_values(cursor, MECHANICS, rows, page_size=number)
        return [self._cookie(uniquifier, key) for _, uniquifier, key in keys]

    def customer(self, name: str, favorite: str | None = None) -> "Customer":
        """A customer with credits whose favorite is the mechanic of this id; without one they ask everyone."""
        user_id, cookie = self._person(name, "customer")
        [(customer_id,)] = self.rows(CUSTOMER, user_id, name)
        self.rows(CREDITS, customer_id)
        if favorite:
            self.rows(FAVORITE, customer_id, favorite)
        return Customer(name, cookie, favorite)

    def close(self) -> None:
        """Hangs up."""
        self._connection.close()

    def _person(self, name: str, role: str) -> tuple[str, str]:
        uniquifier, key = secrets.token_hex(32), secrets.token_urlsafe(32)
        [(user_id,)] = self.rows(PERSON, f"{name.lower()}@bench.test", "never used", role, uniquifier)
        self.rows(SIGN_IN, user_id, hash_of(key))
        return user_id, self._cookie(uniquifier, key)

    def _cookie(self, uniquifier: str, key: str) -> str:
        return self.cookie({"_user_id": uniquifier, "_fresh": True, "sign_in": key})

    def cookie(self, session: dict[str, Any]) -> str:
        """The Cookie header of a browser whose session holds this."""
        return f"session={self._sign(session)}"


class Customer:
    """Somebody who books their favorite again, or whoever is quickest."""

    def __init__(self, name: str, cookie: str, favorite: str | None) -> None:
        self.name, self.cookie = name, cookie
        self._choice = {"plan": "chat10", "routing_type": "broadcast"}
        if favorite:
            self._choice |= {"preferred_mechanic_id": favorite, "routing_type": "priority_broadcast"}

    def books(self, browser: Browser) -> str:
        """Intake, consultation agreement, checkout by credits, form by form; the session request's id."""
        browser.opens(f"/intake?{urlencode(self._choice)}")
        waiver = browser.sends("/api/intake/start", **self._choice, **self._intake())
        checkout = browser.sends(waiver.path, full_name=f"{self.name} Bench", consent="yes")
        return browser.sends(f"{checkout.path}/credits").path.rpartition("/")[2]

    def has_booked(self, port: int, address: str = "127.0.0.1") -> str:
        """The same in a browser of their own, closed again."""
        with Browser(port, self.cookie, address) as browser:
            return self.books(browser)

    def _intake(self) -> dict[str, object]:
        return {"name": f"{self.name} Bench", "email": f"{self.name.lower()}@bench.test", **CAR}
