"""The verbs themselves, on the tests' database, as `test_model.py` plays them beside its model."""

import secrets
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from psycopg2.errors import CheckViolation
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from favorites import db
from favorites.dispatch import answers, booking, fallback, flags, fulfillment, people, workshops
from favorites.dispatch.actors import SYSTEM, Actor
from favorites.dispatch.errors import Refusal
from favorites.models.consultation import PaidBy
from favorites.models.feature_flag import PRIORITY
from favorites.models.people import WorkshopRouting
from favorites.queries import mechanic as pages
from favorites.settings import current
from tests.cast import INTAKE
from tests.database import fast_forward, one, sql
from tests.model.rows import ROWS, seen

OK, LOST, OLGA = "ok", "lost", "olga"
CUSTOMERS, MECHANICS, CREDITS = ("ana", "ben"), ("marco", "nadia", "rita"), 1000
ANSWERS: dict[str, Callable[..., object]] = {
    "accept": answers.accept,
    "decline": answers.decline,
    "extend": answers.extend,
    "start": answers.start,
    "cancel": answers.cancel,
    "open": answers.open_to_everyone,
    "release": answers.release,
    "complete": answers.complete,
    "prolong": answers.prolong,
}
BY_ID = ("accept", "decline", "extend", "start", "prolong")
COMMITS = {"book": 3}  # intake, agreement, and the one that dies
PERSON = """WITH account AS (INSERT INTO users (email, role, fs_uniquifier) VALUES (%s, %s, %s) RETURNING id)
            INSERT INTO {}s (user_id, first_name) SELECT id, %s FROM account RETURNING id"""
WHY = "SELECT payload->>'reason' FROM request_events WHERE session_request_id = %s AND kind = 'request_broadcast'"


class Shop:
    """People by name, session requests by number."""

    def __init__(self) -> None:
        self.engine = _engine()
        event.listen(self.engine, "commit", self._commits)
        self.left = 0  # commits until it dies; 0: it lives
        self.minutes = current().priority_window_minutes
        self.harbor = one("INSERT INTO workshops (slug, name) VALUES ('harbor', 'Harbor') RETURNING id")
        self.ids = {OLGA: uuid4()} | {name: _person("customer", name) for name in CUSTOMERS}
        self.ids |= {name: _person("mechanic", name) for name in MECHANICS}
        self.names = {id_: name for name, id_ in self.ids.items()} | {None: None}
        self.wishes: list[UUID] = []
        for name in CUSTOMERS:
            grant = "INSERT INTO credit_entries (customer_id, kind, credits) VALUES (%s, 'grant', %s)"
            sql(grant, self.ids[name], CREDITS)
        sql("UPDATE mechanics SET status = 'approved'")
        sql("UPDATE mechanics SET workshop_id = %s WHERE id = %s", self.harbor, self.ids["rita"])
        sql("UPDATE feature_flags SET is_enabled = true")

    def does(self, verb: str, *values: Any) -> str:
        """What it is answered: "ok", with what it says, or the refusal's code; "lost": nobody knows."""
        try:
            with Session(self.engine) as session:
                told = self._call(session, verb, values)
        except Refusal as refusal:
            return refusal.code
        except CheckViolation:
            return "ON_THE_WAY"
        except DBAPIError:
            return LOST
        return f"{OK} {told}" if told else OK

    def dies(self, verb: str, *values: Any) -> str:
        """The same, and its connection is terminated when it commits."""
        self.left = COMMITS.get(verb, 1)
        try:
            return self.does(verb, *values)
        finally:
            self.left = 0
            self.engine.dispose()

    def _commits(self, connection: Any) -> None:
        self.left -= 1
        if self.left == 0:
            pid = connection.connection.dbapi_connection.info.backend_pid
            sql("SELECT pg_terminate_backend(%s, 5000)", pid)

    def _call(self, session: Session, verb: str, values: tuple[Any, ...]) -> str | None:
        if verb not in ANSWERS:
            told: str | None = getattr(self, f"_{verb}")(session, *values)
            return told
        number, who = values
        ANSWERS[verb](session, self.wishes[number], self.ids[who] if verb in BY_ID else self._actor(who))
        return None

    def _actor(self, who: str) -> Actor:
        kind = Actor.admin if who == OLGA else Actor.customer if who in CUSTOMERS else Actor.mechanic
        return kind(self.ids[who])

    def _book(self, session: Session, customer: str, preferred: str | None, workshop: bool) -> str | None:
        choice: dict[str, Any] = {"workshop_id": self.harbor} if workshop else {}
        if preferred:
            choice |= {"preferred_mechanic_id": str(self.ids[preferred]), "routing_type": "priority_broadcast"}
        key = secrets.token_hex(8)
        talk = booking.start_intake(session, self.ids[customer], dict(INTAKE), "chat10", form_key=key, **choice)
        booking.sign_waiver(session, talk, version="1", full_name="Ana", ip=None, user_agent="")
        self.wishes.append(fulfillment.fulfill(session, talk, PaidBy.CREDITS))
        why = sql(WHY, self.wishes[-1])
        return str(why[0][0]) if why else None

    def _sweep(self, session: Session) -> None:
        fallback.sweep(session)

    def _passes(self, _: Session, minutes: int) -> None:
        fast_forward(minutes=minutes)

    def _suspend(self, session: Session, who: str) -> None:
        people.suspend_mechanic(session, self.ids[who], Actor.admin(self.ids[OLGA]))

    def _approve(self, session: Session, who: str) -> None:
        people.approve_mechanic(session, self.ids[who], Actor.admin(self.ids[OLGA]))

    def _delete(self, _: Session, who: str) -> None:
        sql("DELETE FROM mechanics WHERE id = %s", self.ids[who])

    def _flip(self, session: Session, is_on: bool) -> None:
        flags.set_flag(session, PRIORITY, is_on, SYSTEM)

    def _change_window(self, _: Session, minutes: int) -> None:
        current().priority_window_minutes = minutes

    def _come_back(self, session: Session, who: str) -> None:
        people.come_back(session, self.ids[who])

    def _wishes_offers(self, session: Session, who: str, is_so: bool) -> None:
        people.set_offers(session, self.ids[who], is_so, None)

    def _route(self, session: Session, has_head_start: bool) -> None:
        routing = WorkshopRouting.HYBRID if has_head_start else WorkshopRouting.WORKSHOP_ONLY
        workshops.change_workshop(session, self.harbor, "Harbor", routing, Actor.admin(self.ids[OLGA]))

    def _join(self, session: Session, who: str, is_in: bool) -> None:
        olga = Actor.admin(self.ids[OLGA])
        workshops.join_workshop(session, self.ids[who], self.harbor if is_in else None, olga)

    def _likes(self, session: Session, customer: str, who: str, is_one: bool) -> None:
        verb = people.add_favorite if is_one else people.remove_favorite
        verb(session, self.ids[customer], self.ids[who])

    def board(self, who: str) -> tuple[int | None, set[int], set[int]]:
        """The job, the offers and the open requests on their board."""
        with Session(self.engine) as session:
            board = pages.board(session, self.ids[who])
            number = {id_: number for number, id_ in enumerate(self.wishes)}
            offers, open_ = [{number[card.id] for card in cards} for cards in (board.offers, board.open_requests)]
            return number[board.active.id] if board.active else None, offers, open_

    def rows(self, now: int) -> list[dict[str, Any]]:
        """Each session request as the model writes it, in the order of the bookings; its consultation follows it."""
        rows = {row.id: row for row in sql(ROWS)}
        assert set(rows) == set(self.wishes)
        return [seen(rows[id_], now, self.names) for id_ in self.wishes]

    def balances(self) -> Counter[str]:
        """Credits left, by customer."""
        rows = sql("SELECT customer_id, sum(credits)::int AS credits FROM credit_entries GROUP BY 1")
        return Counter({self.names[row.customer_id]: row.credits for row in rows})

    def close(self) -> None:
        """Back to what the other tests know."""
        current().priority_window_minutes = self.minutes
        event.remove(self.engine, "commit", self._commits)
        self.engine.dispose()


@cache
def _engine() -> Engine:
    """One for all runs: it keeps the statements that it has compiled."""
    return create_engine("postgresql+psycopg2://", creator=db.connect, pool_size=1, max_overflow=0)


def _person(role: str, name: str) -> UUID:
    id_: UUID = one(PERSON.format(role), f"{name}@demo.test", role, secrets.token_hex(32), name)
    return id_
