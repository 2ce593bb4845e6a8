"""The plain way, for a row on which the sweep fails: the change and its events by the database alone, no more."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, text, update

from favorites.db import Session, clock
from favorites.dispatch import money
from favorites.dispatch.offering import fallback_values
from favorites.dispatch.verb import verb
from favorites.models import FallbackReason, SessionRequest, Status
from favorites.models.money import RefundReason

TELL = "INSERT INTO request_events (session_request_id, customer_id, kind, audience, workshop_id, actor, payload) "
LAPSED = text(
    TELL
    + """VALUES
      (:id, :customer_id, 'request_broadcast', 'customer', NULL, 'system',
       jsonb_build_object('rule', 'lapse', 'reason', 'preferred_mechanic_no_response')),
      (:id, :customer_id, 'new_request', 'mechanics', NULL, NULL,
       jsonb_build_object('routing_type', 'priority_broadcast', 'fallback_reason', 'priority_timeout'))"""
)
OPENED_UP = text(
    TELL
    + """SELECT id, customer_id, kind, audience, told.workshop_id, actor, payload
      FROM session_requests r, LATERAL (VALUES
      (1, 'request_broadcast', 'customer', NULL::uuid, 'system',
       jsonb_build_object('rule', 'head_start', 'reason', 'head_start_over')),
      (2, 'new_request', 'mechanics', r.workshop_id, NULL,
       jsonb_build_object('routing_type', r.routing_type, 'fallback_reason', 'head_start_over')))
      AS told (place, kind, audience, workshop_id, actor, payload)
      WHERE id = :id ORDER BY place"""
)
EXPIRED = text(
    TELL
    + """SELECT id, customer_id, 'request_expired', audience, workshop_id, actor, payload
      FROM (SELECT 1 AS place, id, customer_id, 'customer' AS audience, NULL::uuid AS workshop_id, 'system' AS actor,
                   jsonb_build_object('rule', 'expiry') AS payload FROM session_requests
            UNION ALL SELECT 2, id, customer_id, CASE WHEN asked IS NULL THEN 'mechanics' ELSE 'workshop' END, asked,
                   NULL, '{}' FROM session_requests,
                   LATERAL (SELECT CASE routing_type WHEN 'workshop_only' THEN workshop_id END AS asked) alone) told
      WHERE id = :id ORDER BY place"""
)


@verb
def lapse(session: Session, due: Select[UUID]) -> list[UUID]:
    """Ask everyone about the one row of `due`; its id, unless somebody else holds it or was quicker."""
    rows = _change(session, due, fallback_values(FallbackReason.NO_RESPONSE))
    for row in rows:
        session.execute(LAPSED, {"id": row.id, "customer_id": row.customer_id})
    return [row.id for row in rows]


@verb
def open_up(session: Session, due: Select[UUID]) -> list[UUID]:
    """Tell everyone else of the one row of `due`, whose head start is over; its id, as `lapse`."""
    rows = _change(session, due, {"workshop_over_at": clock()})
    for row in rows:
        session.execute(OPENED_UP, {"id": row.id})
    return [row.id for row in rows]


@verb
def expire(session: Session, due: Select[UUID]) -> list[UUID]:
    """End the one row of `due` and give back what it cost, without which it stays open; its id, as `lapse`."""
    rows = _change(session, due, {"status": Status.EXPIRED.value, "closed_at": clock()})
    for row in rows:
        money.give_back(session, [row.session_id] if row.session_id else [], RefundReason.EXPIRED)
        session.execute(EXPIRED, {"id": row.id})
    return [row.id for row in rows]


def _change(session: Session, due: Select[UUID], values: dict[str, Any]) -> Any:
    found = due.cte("due")
    changed = update(SessionRequest).where(SessionRequest.id == found.c.id).values(values)
    told = (SessionRequest.id, SessionRequest.customer_id, SessionRequest.session_id)
    return session.execute(changed.returning(*told)).all()
