"""Reading pages as people do, without a browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.cast import Customer, Mechanic, Person
from tests.database import one, sql

DIALOG = {"HX-Request": "true"}


def page(who: Person, path: str, headers: dict[str, str] | None = None) -> str:
    """What they read there, without the blanks between tags and text."""
    answer = who.client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return re.sub(r"(?<=>) | (?=<)", "", " ".join(answer.text.split()))


def dialog(who: Person, mechanic: Mechanic) -> str:
    return page(who, f"/customer/favorites/{mechanic.id}/book", DIALOG)


def choosing(mechanic: Mechanic) -> str:
    return f"preferred_mechanic_id={mechanic.id}&routing_type=priority_broadcast"


def is_there(mechanic: Mechanic) -> None:
    sql("UPDATE mechanics SET shift_started_at = now(), board_seen_at = clock_timestamp() WHERE id = %s", mechanic.id)


def does_a_job(customer: Customer, mechanic: Mechanic, plan: str = "chat10") -> str:
    """From booking to completion; the consultation's address."""
    request_id = customer.books(plan)
    for answer in ("accept", "start", "complete"):
        assert mechanic.does(request_id, answer).status_code == 200
    return f"/consultations/{one('SELECT session_id FROM session_requests WHERE id = %s', request_id)}"


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements of this block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def kept() -> dict[str, Any]:
    meta: dict[str, Any] = one("SELECT metadata FROM sessions")
    return meta


def chosen(mechanic: Mechanic) -> dict[str, str]:
    return {"preferred_mechanic_id": str(mechanic.id), "routing_type": "priority_broadcast"}
