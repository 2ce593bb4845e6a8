"""The rights matrix: reads tests/rights.toml, builds each state of a session request, and plays a cell of it."""

import io
import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.routing import Rule

from tests.cast import INTAKE, PASSWORD, Customer, Mechanic, Owner, Person
from tests.database import fast_forward, one, sql
from tests.pushing import NOWHERE, subscription

FILE = Path(__file__).with_name("rights.toml")
PAGE, PROGRAM = "page", "program"  # who asks: a browser for a page, a program for JSON
ACCEPT = {PAGE: "text/html", PROGRAM: "application/json"}
COLUMNS = ("–", "C", "C'", "M", "M'", "Mw", "Ms", "A")
IDS = ("request_id", "session_id", "mechanic_id", "customer_id", "vehicle_id", "workshop_id")  # what a route may name
STREAMS = {"live.mechanic_events", "live.request_events", "live.admin_events"}

Cell = tuple[int, int]  # the status of the page, and of JSON


class Route(NamedTuple):
    """A method of an endpoint, with the one word that a route may choose: `POST admin.judge suspend`."""

    method: str
    endpoint: str
    verb: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in self if part)


class Row(NamedTuple):
    """What a route answers: in each state, a cell for each column; and where the ids it names are nobody's."""

    states: dict[str, dict[str, Cell]]
    missing: dict[str, Cell]

    def cell(self, state: str, column: str) -> Cell:
        return self.states.get(state, self.states["every"])[column]


@cache
def matrix() -> dict[str, Row]:
    """The rows of the file by the names of their routes."""
    told = tomllib.loads(FILE.read_text())
    words = {word: (pair[0], pair[1]) for word, pair in told.pop("words").items()}
    shared, rows = told.pop("like"), {}
    for name, row in told.items():
        cells = {
            state: _cells(cells, words)
            for state, cells in (shared[row.pop("like")] | row if "like" in row else row).items()
        }
        rows[name] = Row(cells, cells.pop("missing", {}))
    return rows


def _cells(cells: list[int | str], words: dict[str, Cell]) -> dict[str, Cell]:
    assert len(cells) == len(COLUMNS), cells
    return {
        column: words[cell] if isinstance(cell, str) else (cell, cell)
        for column, cell in zip(COLUMNS, cells, strict=True)
    }


@cache
def routes(app: Flask) -> dict[Route, Rule]:
    """Every (endpoint, method) of the application, an address' `any(...)` word by word."""
    found = {}
    for rule in app.url_map.iter_rules():
        verbs = re.search(r"<any\(([^)]*)\):verb>", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for verb in verbs[1].split(", ") if verbs else [""]:
                found[Route(method, rule.endpoint, verb)] = rule
    return found


@dataclass
class Town:
    """Everybody, and what Ana has asked for."""

    app: Flask
    ana: Customer
    ben: Customer
    marco: Mechanic
    nadia: Mechanic
    rita: Mechanic
    zed: Mechanic
    sam: Mechanic
    olga: Owner
    sweep: Callable[[], object]
    ids: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def people(self) -> dict[str, tuple[str, Person | None]]:
        """Column and person by name; suspended and pending share a column."""
        named = {"C": self.ana, "C'": self.ben, "M": self.marco, "M'": self.nadia, "Mw": self.rita, "A": self.olga}
        people = {person.first_name: (column, person) for column, person in named.items()}
        return {"nobody": ("–", None), **people, "Zed": ("Ms", self.zed), "Sam": ("Ms", self.sam)}

    def has(self, request_id: UUID) -> None:
        """What the routes name from now on."""
        consultation = one("SELECT session_id FROM session_requests WHERE id = %s", request_id)
        self.ids |= {"request_id": str(request_id), "session_id": str(consultation)}


def has_a_draft(town: Town) -> None:
    """No session request yet: the intake is told and the agreement signed."""
    consultation = town.ana.starts_intake()
    town.ana.signs(consultation)
    town.ids["session_id"] = str(consultation)


def asks_marco(town: Town) -> None:
    town.has(town.ana.books_again(town.marco))


def overdue(town: Town) -> None:
    """The window has ended, and no sweep has said so."""
    asks_marco(town)
    fast_forward(minutes=11)


def broadcast(town: Town) -> None:
    overdue(town)
    town.sweep()


def workshop(town: Town) -> None:
    assert town.ana.client.post("/w/harbor-garage").status_code == 303
    town.has(town.ana.books())


def accepted(town: Town) -> None:
    """By Marco, from the broadcast: the others know that it was there."""
    broadcast(town)
    _marco(town, "accept")


def accepted_first(town: Town) -> None:
    """By Marco, inside the window: the others never heard of it."""
    asks_marco(town)
    _marco(town, "accept")


def started(town: Town) -> None:
    accepted(town)
    _marco(town, "start")


def completed(town: Town) -> None:
    started(town)
    _marco(town, "complete")


def cancelled(town: Town) -> None:
    """Inside the window."""
    asks_marco(town)
    assert town.ana.does(UUID(town.ids["request_id"]), "cancel").status_code == 200


def expired(town: Town) -> None:
    broadcast(town)
    fast_forward(minutes=16)
    town.sweep()


def _marco(town: Town, verb: str) -> None:
    assert town.marco.does(UUID(town.ids["request_id"]), verb).status_code == 200
    if verb == "accept":
        answer = town.ana.client.post(f"/consultations/{town.ids['session_id']}/photos", data=a_photo())
        assert answer.status_code == 303
        town.ids["photo_id"] = str(one("SELECT message_id FROM photos"))


def a_photo() -> dict[str, Any]:
    """A form with one."""
    file = io.BytesIO()
    Image.new("RGB", (4, 3)).save(file, "PNG")
    file.seek(0)
    return {"photo": (file, "photo.png")}


STATES: dict[str, Callable[[Town], None]] = {
    "none": has_a_draft,
    "priority": asks_marco,
    "overdue": overdue,
    "broadcast": broadcast,
    "workshop": workshop,
    "accepted": accepted,
    "accepted_first": accepted_first,
    "started": started,
    "completed": completed,
    "cancelled": cancelled,
    "expired": expired,
}


class Answer(NamedTuple):
    """What came back, without what differs from call to call."""

    status: int
    kind: str
    location: str
    allow: str
    body: str


TOKEN = re.compile(r"[\w-]{16,}\.[\w-]{6}\.[\w-]{20,}")


@dataclass
class Player:
    """Plays cells: each call in a browser of its own that knows the person's cookie and keeps nothing."""

    town: Town
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cookies = {name: person.cookie for name, (_, person) in self.town.people().items() if person}
        self.browser: FlaskClient = self.town.app.test_client(use_cookies=False)
        self.tokens = _tokens(self.town)

    def call(
        self, name: str, route: Route, rule: Rule, asks: str, ids: dict[str, str] | None = None, method: str = ""
    ) -> Answer:
        """One call, by the person of that name (or nobody), with these ids instead of the state's."""
        headers = {"Accept": ACCEPT[asks]}
        if cookie := self.cookies.get(name):
            headers["Cookie"] = cookie
        path, filled = self.path(route, rule, ids or {})
        body = self._body(route, asks) if route.method == "POST" and not method else {}
        answer = self.browser.open(path, method=method or route.method, headers=headers, buffered=False, **body)
        is_stream = route.endpoint in STREAMS and answer.status_code == 200
        text = "" if is_stream else answer.get_data().decode(errors="replace")  # a photo is none
        answer.close()
        location, allow = answer.headers.get("Location", ""), answer.headers.get("Allow", "")
        return Answer(answer.status_code, answer.mimetype, *(_plain(said, filled) for said in (location, allow, text)))

    def path(self, route: Route, rule: Rule, ids: dict[str, str]) -> tuple[str, list[str]]:
        """The address, and the values in it."""
        if route.endpoint == "admin.judge" or route.endpoint == "admin.join_workshop":
            known = self.town.ids | {
                "mechanic_id": str((self.town.marco if route.verb == "suspend" else self.town.zed).id)
            }
        else:
            known = self.town.ids
        known = known | self.tokens.get(route.endpoint, {}) | {"verb": route.verb} | ids
        _, path = rule.build({name: known[name] for name in rule.arguments}, append_unknown=False)  # type: ignore[misc]
        return path + QUERIES.get(route.endpoint, ""), [known[name] for name in rule.arguments if name in IDS]

    def _body(self, route: Route, asks: str) -> dict[str, Any]:
        body = BODIES.get(route.endpoint, lambda town: {})(self.town)
        return {"json" if route.endpoint == "intake.start" and asks == PROGRAM else "data": body}


def _plain(text: str, values: list[str]) -> str:
    for value in values:
        text = text.replace(value, "<id>")
    return TOKEN.sub("<token>", text)


def _tokens(town: Town) -> dict[str, dict[str, str]]:
    """The signed words that some routes take, as our own mails and pages would name them."""
    from flask_security.confirmable import generate_confirmation_token
    from flask_security.recoverable import generate_reset_password_token

    from favorites.db import db
    from favorites.mail_words import word_for
    from favorites.models import User
    from favorites.settings import current
    from favorites.web.demo_payment import _signer

    with town.app.test_request_context():
        user = db.session.get(User, town.ana.user_id)
        bill = {"reference": "x", "cents": 1000, "currency": "USD", "return_url": "/back"}
        payment = {"token": str(_signer("bill").dumps(bill))}
        mails = {"word": word_for(current(), town.ana.user_id)}
        return {
            **dict.fromkeys(("mail.ask", "mail.unsubscribe", "mail.subscribe"), mails),
            "security.confirm_email": {"token": str(generate_confirmation_token(user))},
            "security.reset_password": {"token": str(generate_reset_password_token(user))},
            "checkout.demo_payment.show": payment,
            "checkout.demo_payment.answer": payment,
        }


QUERIES = {"intake.form": "?plan=chat10"}
NEW = "purple monkey lamp"
CAR = {"year": "2011", "make": "Ford", "model": "Transit", "plate": "HRB 7"}
BODIES: dict[str, Callable[[Town], dict[str, Any]]] = {
    "accounts.sign_up": lambda _: {"first_name": "Dora", "email": "dora@demo.test", "password": NEW},
    "accounts.apply": lambda _: {
        "first_name": "Dora",
        "email": "dora@demo.test",
        "password": NEW,
        "phone": "+1 555 0300",
        "city": "Harbor City",
    },
    "admin.add_workshop": lambda _: {"slug": "hill-garage", "name": "Hill Garage"},
    "admin.grant_credits": lambda town: {"email": town.ana.email, "credits": "5", "note": "sorry"},
    "admin.save_settings": lambda _: {"priority_window_minutes": "8", "was-priority_window_minutes": "10"},
    "admin.judge": lambda _: {"reason": "other", "words": "Sorry"},
    "admin.change_workshop": lambda _: {"name": "Harbor Garage", "routing": "hybrid"},
    "admin.change_mechanics": lambda town: {"email": town.nadia.email},
    "admin.change_credits": lambda _: {"credits": "5", "note": "", "correction": "-5", "why": "A slip"},
    "admin.set_flag": lambda _: {"state": "off"},
    "admin.join_workshop": lambda _: {"workshop_id": ""},
    "admin.erase_person": lambda _: {"reason": "asked", "sure": "1"},
    "own_data.erase": lambda _: {"password": PASSWORD},
    "admin.rescue": lambda town: {"reason": "other", "note": "", "mechanic_id": str(town.marco.id)},
    "checkout.demo_payment.answer": lambda _: {"answer": "pay"},
    "intake.start": lambda _: INTAKE | {"plan": "chat10"},
    "intake.sign": lambda _: {"full_name": "Ana Castillo", "consent": "yes"},
    "vehicles.add": lambda _: CAR,
    "vehicles.change": lambda _: CAR,
    "push.subscribe": lambda _: subscription(f"http://{NOWHERE}/one"),
    "talk.say": lambda _: {"body": "Hello"},
    "talk.show": lambda _: a_photo(),
    "talk.read": lambda _: {"number": "1"},
    "talk.summary": lambda _: {"summary": "A loose hose"},
    "security.login": lambda town: {"email": town.ana.email, "password": PASSWORD},
    "security.forgot_password": lambda town: {"email": town.ana.email},
    "security.send_confirmation": lambda town: {"email": town.ana.email},
    "security.reset_password": lambda _: {"password": NEW},
    "security.change_password": lambda _: {"password": PASSWORD, "new_password": NEW},
    "security.verify": lambda _: {"password": PASSWORD},
}


@cache
def _columns() -> dict[str, str]:
    """The columns that can be written, of every table, the referred to first."""
    listed = sql(
        """SELECT c.relname AS name, string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) AS columns
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'
              AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' GROUP BY c.relname ORDER BY c.relname"""
    )
    return {table.name: table.columns for table in listed}


@contextmanager
def kept() -> Iterator[Callable[[], None]]:
    """Keeps all tables as they are now; the function puts them back, same ids and all, past every trigger."""
    tables = _columns()
    sql(";".join(f"CREATE TEMP TABLE kept_{name} AS TABLE {name}" for name in tables))
    back = "".join(
        f"DELETE FROM {name}; INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM kept_{name};"
        for name, columns in tables.items()
    )
    try:
        yield lambda: sql(f"BEGIN; SET LOCAL session_replication_role = replica; {back} COMMIT") and None
    finally:
        sql(";".join(f"DROP TABLE kept_{name}" for name in tables))


# When a sign-in was last used is noted once a minute; which boards are open, and how many, notes the feed, not the
# reader.
UNCOUNTED, OF_THE_FEED = "'{seen_at,board_seen_at}'", {"engine_processes"}


def checksum() -> dict[str, str]:
    """A checksum of every table."""
    each = " UNION ALL ".join(
        f"SELECT '{name}' AS name, (SELECT md5(coalesce(string_agg(told, '' ORDER BY told), '')) FROM"
        f" (SELECT (to_jsonb(t) - {UNCOUNTED}::text[])::text AS told FROM {name} t) AS t) AS sum"
        for name in _columns().keys() - OF_THE_FEED
    )
    return {table.name: table.sum for table in sql(each)}
