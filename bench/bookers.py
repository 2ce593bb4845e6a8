"""Customers who book whole, without the pages between: the POSTs of intake, consultation agreement and checkout."""

import multiprocessing
import secrets
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from itsdangerous import URLSafeTimedSerializer

from bench.browser import FORM
from bench.people import CAR, Town
from favorites.dispatch.sign_ins import hash_of

MADE = """
WITH given AS (SELECT * FROM unnest(%s, %s, %s, %s::uuid[]) AS given (email, uniquifier, key_hash, favorite)),
     people AS (INSERT INTO users (email, password, role, fs_uniquifier, confirmed_at)
                SELECT email, 'never used', 'customer', uniquifier, now() FROM given
                RETURNING id, email, fs_uniquifier),
     signed_in AS (INSERT INTO sign_ins (user_id, key_hash, expires_at)
                   SELECT id, key_hash, clock_timestamp() + interval '1 day'
                   FROM people JOIN given ON uniquifier = fs_uniquifier),
     booking AS (INSERT INTO customers (user_id, first_name, last_name)
                 SELECT id, split_part(email, '@', 1), 'Bench' FROM people RETURNING id, user_id),
     paid AS (INSERT INTO credit_entries (customer_id, kind, credits) SELECT id, 'grant', 100 FROM booking)
INSERT INTO customer_favorites (customer_id, mechanic_id)
SELECT booking.id, favorite FROM booking JOIN people ON people.id = user_id JOIN given ON uniquifier = fs_uniquifier
"""
# A mechanic has one priority offer at a time: who are many at once have a favorite each.
FAVORITES = """
WITH people AS (INSERT INTO users (email, role, fs_uniquifier)
                SELECT email, 'mechanic', email FROM unnest(%s) AS email RETURNING id)
INSERT INTO mechanics (user_id, first_name, status) SELECT id, 'Marco', 'approved' FROM people RETURNING id::text
"""
INTAKE = {"name": "Ana Bench", "email": "ana@bench.test", **CAR}


class Booker(NamedTuple):
    """A customer with a cookie, the token of their forms and a favorite."""

    cookie: str
    token: str
    favorite: str


class Booked(NamedTuple):
    """What became of one booking: the session request, and milliseconds by POST (`free` has no checkout)."""

    request_id: str
    took: dict[str, float]


class Share(NamedTuple):
    """What one client did: CPU and wall in seconds."""

    booked: list[Booked]
    cpu: float
    wall: float


def bookers(town: Town, instance: Path, number: int, favorite: str = "") -> list[Booker]:
    """So many customers with a confirmed address and 100 credits; each signed in.

    Their favorite is this mechanic, who must answer one before the next one books, or one of their own.
    """
    tokens = URLSafeTimedSerializer((instance / "secret_key").read_text(), salt="wtf-csrf-token")
    made = [(f"c{secrets.token_hex(8)}@bench.test", secrets.token_hex(32), secrets.token_urlsafe(32))
            for _ in range(number)]  # fmt: skip
    emails, uniquifiers, keys = (list(column) for column in zip(*made, strict=True))
    theirs = [favorite] * number if favorite else [id_ for (id_,) in town.rows(FAVORITES, [f"m{to}" for to in emails])]
    town.rows(MADE, emails, uniquifiers, [hash_of(key) for key in keys], theirs)
    town.rows("ANALYZE")  # as autovacuum would within a minute
    return [
        Booker(town.cookie({"_user_id": uniquifier, "_fresh": True, "sign_in": key, "csrf_token": key}),
               str(tokens.dumps(key)), favorite)
        for uniquifier, key, favorite in zip(uniquifiers, keys, theirs, strict=True)
    ]  # fmt: skip


def books(connection: HTTPConnection, one: Booker, plan: str) -> Booked:
    """One whole booking, POST by POST; RuntimeError when something else than the next step is answered."""
    choice = {"plan": plan, "preferred_mechanic_id": one.favorite, "routing_type": "priority_broadcast"}
    took: dict[str, float] = {}

    def posts(step: str, path: str, **fields: object) -> str:
        began = time.perf_counter()
        headers = {"Cookie": one.cookie, "Content-Type": FORM, "Accept": "text/html"}
        connection.request("POST", path, urlencode({"csrf_token": one.token} | fields), headers)
        answer = connection.getresponse()
        said = answer.read()
        took[step] = 1000 * (time.perf_counter() - began)
        if answer.status != 303:
            raise RuntimeError(f"POST {path} was answered {answer.status}: {said[:300]!r}")
        return answer.headers["Location"]

    waiver = posts("intake", "/api/intake/start", **choice, **INTAKE, form_key=secrets.token_hex(8))
    place = posts("waiver", waiver, full_name="Ana Bench", consent="yes")
    if plan != "free":
        place = posts("checkout", f"{place}/credits")
    return Booked(place.rpartition("/")[2], took)


def _client(port: int, some: Sequence[Booker], plan: str) -> Share:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    began, cpu = time.perf_counter(), time.process_time()
    done = [books(connection, one, plan) for one in some]
    connection.close()
    return Share(done, time.process_time() - cpu, time.perf_counter() - began)


def at_once(port: int, everybody: Sequence[Booker], plan: str, clients: int) -> list[Share]:
    """They book through so many clients, each a process of its own that sends one request after the other."""
    with ProcessPoolExecutor(clients, multiprocessing.get_context("fork")) as pool:
        taken: Iterable[Any] = [pool.submit(_client, port, everybody[n::clients], plan) for n in range(clients)]
        return [one.result() for one in taken]
