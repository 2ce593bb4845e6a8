"""The two ways in, HTTP and the verbs themselves: each call is answered ok, refused or unknown, and may be repeated."""

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode
from uuid import UUID

import psycopg2
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from favorites.db import LIMITS
from favorites.dispatch import answers, booking, fulfillment
from favorites.dispatch.actors import Actor
from favorites.dispatch.errors import Refusal
from favorites.models.consultation import PaidBy
from tests.cast import INTAKE
from tests.faults.town import Person

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"
PATIENCE = 90.0  # seconds until an answer must be definite
CUSTOMERS = {"cancel", "open", "prolong"}
PLAN = "chat10"


class Answer(NamedTuple):
    """What a caller knows afterwards; `unknown`: it was done, or it was not."""

    outcome: str
    code: str = ""  # of a refusal, or what went wrong
    id: str = ""  # what was made


class Door(Protocol):
    def intake(self, customer: Person, key: str, preferred: Person | None) -> Answer: ...
    def waiver(self, customer: Person, consultation_id: str) -> Answer: ...
    def pay(self, customer: Person, consultation_id: str) -> Answer: ...
    def does(self, person: Person, verb: str, request_id: str) -> Answer: ...


class Http:
    """Through a server; `port` is asked before each call. One for each thread."""

    def __init__(self, port: Callable[[], int]) -> None:
        self._port = port

    def intake(self, customer: Person, key: str, preferred: Person | None) -> Answer:
        """The intake, with the form's own key."""
        told = INTAKE | {"plan": PLAN, "form_key": key} | _choice(preferred)
        return self._post(customer, "/api/intake/start", json.dumps(told), "application/json")

    def waiver(self, customer: Person, consultation_id: str) -> Answer:
        """The signature."""
        return self.form(customer, f"/waiver/{consultation_id}", full_name="Ana Fault", consent="yes")

    def pay(self, customer: Person, consultation_id: str) -> Answer:
        """The checkout by credits."""
        return self.form(customer, f"/checkout/{consultation_id}/credits")

    def does(self, person: Person, verb: str, request_id: str) -> Answer:
        """What is pressed on the waiting page or the board."""
        return self.form(person, f"/{'customer' if verb in CUSTOMERS else 'mechanic'}/requests/{request_id}/{verb}")

    def form(self, person: Person, path: str, **fields: str) -> Answer:
        """POST a form."""
        return self._post(person, path, urlencode(fields), "application/x-www-form-urlencoded")

    def _post(self, person: Person, path: str, body: str, kind: str) -> Answer:
        headers = {"Cookie": person.cookie, "X-CSRFToken": person.token, "Content-Type": kind}
        connection = HTTPConnection("127.0.0.1", self._port(), timeout=30)
        try:
            connection.request("POST", path, body, headers | {"Accept": "application/json", "Connection": "close"})
            answer = connection.getresponse()
            return read(answer.status, answer.headers["Location"] or "", answer.read())
        except (OSError, HTTPException) as error:
            return Answer(UNKNOWN, type(error).__name__)
        finally:
            connection.close()


def read(status: int, location: str, body: bytes) -> Answer:
    """What an HTTP answer says."""
    if status >= 500:
        return Answer(UNKNOWN, str(status))
    told = json.loads(body) if body.startswith(b"{") else {}
    if status >= 400:
        return Answer(REFUSED, str(told.get("code", status)))
    return Answer(OK, id=str(told.get("session_id") or (told.get("next") or location).rpartition("/")[2]))


class Direct:
    """The verbs themselves, in this process; one for each thread."""

    def __init__(self, url: str) -> None:
        def connect() -> Any:
            return psycopg2.connect(url, options=LIMITS, application_name="book-again", connect_timeout=5)

        self.engine = create_engine(
            "postgresql+psycopg2://", creator=connect, pool_size=2, max_overflow=0, pool_pre_ping=True
        )

    def intake(self, customer: Person, key: str, preferred: Person | None) -> Answer:
        """As the intake's view does it."""
        told = {name: value for name, value in INTAKE.items()}
        return self.call(booking.start_intake, UUID(customer.id), told, PLAN, form_key=key, **_choice(preferred))

    def waiver(self, customer: Person, consultation_id: str) -> Answer:
        """As the waiver's view does it."""
        signed = {"version": "2026-11", "full_name": "Ana Fault", "ip": None, "user_agent": ""}
        return self.call(booking.sign_waiver, UUID(consultation_id), **signed)

    def pay(self, customer: Person, consultation_id: str) -> Answer:
        """As the checkout does it."""
        return self.call(fulfillment.fulfill, UUID(consultation_id), PaidBy.CREDITS)

    def does(self, person: Person, verb: str, request_id: str) -> Answer:
        """As the waiting page and the board do it."""
        who = UUID(person.id)
        actor = Actor.customer(who) if verb in CUSTOMERS else Actor.mechanic(who)
        call = {"open": answers.open_to_everyone}.get(verb) or getattr(answers, verb)
        return self.call(call, UUID(request_id), actor if verb in ("cancel", "open", "release", "complete") else who)

    def call(self, verb: Callable[..., Any], *values: Any, **named: Any) -> Answer:
        """Any verb, in a session of its own."""
        try:
            with Session(self.engine) as session:
                return Answer(OK, id=str(verb(session, *values, **named)))
        except Refusal as refusal:
            return Answer(REFUSED, refusal.code)
        except (DBAPIError, PendingRollbackError, PoolTimeout, psycopg2.OperationalError) as error:
            return Answer(UNKNOWN, type(error).__name__)


def _choice(preferred: Person | None) -> dict[str, str]:
    if preferred is None:
        return {}
    return {"preferred_mechanic_id": preferred.id, "routing_type": "priority_broadcast"}


def definite(call: Callable[[], Answer], log: Callable[[Answer], None] = lambda _: None) -> Answer:
    """Repeats a call until it is known whether it was done; unknown only after a minute and a half."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = call()
        log(answer)
        if answer.outcome != UNKNOWN or time.monotonic() > deadline:
            return answer
        time.sleep(0.05)
