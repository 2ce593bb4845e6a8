"""Looking at a session request and its events as they are stored."""

from typing import Any
from uuid import UUID

from tests.database import one, sql


def row(request_id: UUID) -> Any:
    return one("SELECT * FROM session_requests WHERE id = %s", request_id)


def status(request_id: UUID) -> str:
    return str(one("SELECT status FROM session_requests WHERE id = %s", request_id))


def events(request_id: UUID) -> list[tuple[str, str]]:
    """(kind, audience) of each of its events, in order."""
    stored = sql("SELECT kind, audience FROM request_events WHERE session_request_id = %s ORDER BY id", request_id)
    return [(event.kind, event.audience) for event in stored]


def first_reason(request_id: UUID) -> str | None:
    """The reason its first event carries."""
    return one(
        "SELECT payload->>'reason' FROM request_events WHERE session_request_id = %s ORDER BY id LIMIT 1", request_id
    )


def count(request_id: UUID, kind: str, audience: str) -> int:
    return events(request_id).count((kind, audience))
