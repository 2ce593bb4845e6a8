"""Moves what happened to a consultation back in time, as if it had been then."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

INSTANTS = {
    "sessions": ("created_at", "started_at", "closed_at"),
    "waivers": ("signed_at",),
    "payments": (
        "created_at",
        "paid_at",
        "refunded_at",
        "url_until",
        "awaited_at",
        "ask_due_at",
        "refund_due_at",
        "disputed_at",
    ),
    "credit_entries": ("at",),
    "messages": ("at",),
    "session_requests": (
        "created_at",
        "priority_notified_at",
        "delivered_at",
        "prolonged_at",
        "extended_at",
        "accepted_at",
        "expires_at",
        "fallback_broadcast_at",
        "declined_at",
        "assigned_at",
        "reopened_at",
        "unattended_at",
        "closed_at",
        "workshop_until",
        "workshop_over_at",
    ),
}
EVENTS = """
UPDATE request_events SET at = at - :by, payload = payload || (
  SELECT coalesce(jsonb_object_agg(key, to_jsonb(value::timestamptz - :by)), '{}')
    FROM jsonb_each_text(payload) WHERE value IS NOT NULL AND (key = 'at' OR key LIKE '%\\_at'))
 WHERE session_request_id = (SELECT id FROM session_requests WHERE session_id = :id)
"""


def _statement() -> str:
    """One statement for all tables: each knows its consultation, `sessions` by its own key."""
    moved = {
        table: ", ".join(f"{column} = {column} - :by" for column in columns) for table, columns in INSTANTS.items()
    }
    parts = [
        f"moved_{table} AS (UPDATE {table} SET {values} WHERE {'id' if table == 'sessions' else 'session_id'} = :id)"
        for table, values in moved.items()
    ]
    return f"WITH {', '.join(parts)} {EVENTS}"


MOVE = text(_statement())


def move_back(session: Session, consultation_id: UUID, by: timedelta) -> None:
    """All that the consultation left behind happened `by` earlier; commits the session."""
    session.execute(MOVE, {"id": consultation_id, "by": by})
    session.commit()
