"""The people of the faults: rows and cookies as the product makes them, so many that no limit need be lifted."""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
import psycopg2.extras
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

from favorites.dispatch.sign_ins import hash_of

SECRET = "of no use elsewhere, of no use elsewhere"
AWAY = "57"  # SQLSTATE's class of a server that goes down
PATIENCE = 90  # seconds that the database may be away
PERSON = "INSERT INTO users (email, role, fs_uniquifier, confirmed_at) VALUES (%s, %s, %s, now()) RETURNING id"
SIGN_IN = "INSERT INTO sign_ins (user_id, key_hash, expires_at) VALUES (%s, %s, now() + interval '1 day')"
CUSTOMER = "INSERT INTO customers (user_id, first_name, last_name) VALUES (%s, %s, 'Fault') RETURNING id"
# Back for good: else who lets a second window lapse would not be asked first in the next story.
MECHANIC = """INSERT INTO mechanics (user_id, first_name, last_name, status, back_at)
              VALUES (%s, %s, 'Fault', 'approved', '9999-01-01') RETURNING id"""
CREDITS = "INSERT INTO credit_entries (customer_id, kind, credits) VALUES (%s, 'grant', 100)"
FAVORITE = "INSERT INTO customer_favorites (customer_id, mechanic_id) VALUES (%s, %s)"

psycopg2.extras.register_uuid()


class Person(NamedTuple):
    """Somebody signed in: the id of their role's row, the cookie, and the token that their forms carry."""

    id: str
    cookie: str
    token: str


class Town:
    """Makes people in the database at `url`, and asks it what it holds, through its restarts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._mine = threading.local()  # a connection a thread
        signer = Flask("faults")  # a bare application, only to sign cookies as the product does
        signer.secret_key = SECRET
        serializer = SecureCookieSessionInterface().get_signing_serializer(signer)
        assert serializer
        self._sign = serializer.dumps
        self._token = URLSafeTimedSerializer(SECRET, salt="wtf-csrf-token").dumps

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """What one statement returns; tried again while the database is away, so it must bear being run twice."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with self._connection().cursor(cursor_factory=psycopg2.extras.NamedTupleCursor) as cursor:
                    cursor.execute(statement, values or None)
                    return cursor.fetchall() if cursor.description else []
            except psycopg2.Error as error:  # a lost connection has no class of its own, and no code
                if (error.pgcode or AWAY)[:2] != AWAY or time.monotonic() > deadline:
                    raise
                self._mine.connection = None
                time.sleep(0.05)

    def one(self, statement: str, *values: Any) -> Any:
        """The one value of a statement."""
        ((value,),) = self.sql(statement, *values)
        return value

    def mechanic(self, name: str = "Marco") -> Person:
        """An approved mechanic."""
        return self._person("mechanic", MECHANIC, name)

    def customer(self, *favorites: Person, name: str = "Ana") -> Person:
        """A customer with credits and these favorites."""
        customer = self._person("customer", CUSTOMER, name)
        self.sql(CREDITS, customer.id)
        for mechanic in favorites:
            self.sql(FAVORITE, customer.id, mechanic.id)
        return customer

    def owner(self) -> Person:
        """The owner."""
        return self._person("admin", None, "Olga")

    def close(self) -> None:
        """Hangs up, in this thread."""
        if connection := getattr(self._mine, "connection", None):
            connection.close()

    def _connection(self) -> Any:
        if getattr(self._mine, "connection", None) is None:
            self._mine.connection = psycopg2.connect(self.url, application_name="faults", options="-c timezone=UTC")
            self._mine.connection.autocommit = True
        return self._mine.connection

    def _person(self, role: str, row: str | None, name: str) -> Person:
        uniquifier, key = secrets.token_hex(32), secrets.token_urlsafe(32)
        id_ = user_id = self.one(PERSON, f"{uniquifier[:16]}@fault.test", role, uniquifier)
        self.sql(SIGN_IN, user_id, hash_of(key))
        if row:
            id_ = self.one(row, user_id, name)
        signed = self._sign({"_user_id": uniquifier, "_fresh": True, "sign_in": key, "csrf_token": key})
        return Person(str(id_), f"session={signed}", str(self._token(key)))


def keep(people: list[Any], path: Path) -> None:
    """Writes lists of people where another process reads them."""
    path.write_text(json.dumps(people))


def kept(path: Path) -> Iterator[list[Person]]:
    """The lists of people that `keep` wrote."""
    for group in json.loads(path.read_text()):
        yield [Person(*person) for person in group]
