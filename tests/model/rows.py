"""A session request as it is stored, in the words of the model."""

from datetime import datetime
from typing import Any
from uuid import UUID

# That the owner was told is no transition, and goes by who is on shift, of which the model knows nothing.
ROWS = """SELECT r.*, s.status AS talk, s.started_at, clock_timestamp() AS at,
            (SELECT array_agg(kind ORDER BY id) FROM request_events e
             WHERE e.session_request_id = r.id AND actor IS NOT NULL AND kind <> 'request_unattended') AS told
          FROM session_requests r JOIN sessions s ON s.id = r.session_id"""


def seen(row: Any, now: int, names: dict[UUID | None, str | None]) -> dict[str, Any]:
    """A row of `ROWS` as the model writes it, in whole minutes; its consultation must be in the state that follows."""

    def minute(at: datetime | None) -> int | None:
        return None if at is None else now - round((row.at - at).total_seconds() / 60)

    begun = "live" if row.started_at else "ready"
    assert row.talk == {"pending": "ready", "accepted": begun, "completed": "completed"}.get(row.status, "cancelled")
    return {
        "customer": names[row.customer_id],
        "made": minute(row.created_at),
        "window": row.priority_window_minutes,
        "workshop": row.workshop_id is not None,
        "routing": row.routing_type,
        "preferred": names[row.preferred_mechanic_id],
        "notified": minute(row.priority_notified_at),
        "expires": minute(row.expires_at),
        "status": row.status,
        "mechanic": names[row.mechanic_id],
        "accepted": minute(row.accepted_at),
        "started": minute(row.started_at),
        "closed": minute(row.closed_at),
        "reason": row.fallback_reason,
        "left": minute(row.fallback_broadcast_at),
        "declined": minute(row.declined_at),
        "prolonged": minute(row.prolonged_at),
        "extended": minute(row.extended_at),
        "until": minute(row.workshop_until),
        "over": minute(row.workshop_over_at),
        "taken_from": [names[id_] for id_ in row.released_from],
        "told": row.told,
    }
