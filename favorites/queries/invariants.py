"""What must hold, whatever happened: one query an invariant, each naming the rows that break it.

The numbers are those of the reliability list (V1 …). `flask doctor` asks all of them, `/readyz` the cheap ones, the
tests after every test. Session requests written by hand (no consultation) have no events, so they are asked less.
"""

from typing import NamedTuple

from sqlalchemy import text

from favorites.db import Session
from favorites.models.session_request import TRIES
from favorites.settings import current


class Invariant(NamedTuple):
    """`sql` selects the rows that break it, as (what). `is_cheap`: it reads open rows only, never the history.

    `goes_by_the_clock`: it compares instants that were stored, and so tells, too, where the database's clock was set
    back between them: a history that contradicts itself (docs/decisions/0004).
    """

    name: str
    sentence: str
    sql: str
    is_cheap: bool = False
    goes_by_the_clock: bool = False


class Finding(NamedTuple):
    """An invariant that does not hold, and what breaks it."""

    invariant: Invariant
    rows: list[str]


LATE = "make_interval(secs => 2 * :poll_seconds)"
# Rule 10: when a pending session request ends, its window's end first.
DEADLINE = """coalesce(CASE WHEN workshop_over_at IS NULL THEN workshop_until END, expires_at,
              CASE WHEN priority_notified_at IS NOT NULL AND fallback_broadcast_at IS NULL
              THEN priority_expires_at ELSE coalesce(fallback_broadcast_at, created_at)
                + make_interval(mins => coalesce(request_lifetime_minutes, :lifetime)) END)"""
# What is told without a change of state.
NO_STEPS = "'request_delivered', 'request_extended', 'request_prolonged', 'request_unattended', 'message_sent'"
# The first event of each transition carries who did it; deletion by SQL writes its own.
STEPS = f"""SELECT session_request_id, id, kind, payload,
                  lag(kind) OVER (PARTITION BY session_request_id ORDER BY id) AS before
           FROM request_events WHERE actor IS NOT NULL AND kind NOT IN ({NO_STEPS})
             AND session_request_id IN (SELECT id FROM session_requests)"""
LAST = "SELECT DISTINCT ON (session_request_id) * FROM (" + STEPS + ") steps ORDER BY session_request_id, id DESC"
# What retention has removed it has removed in the order of time: before the oldest end that still has its events.
# `EVENT_RETENTION_DAYS` is asked, too, for when no ended one has any.
KEPT = """(r.closed_at IS NULL OR r.closed_at >= coalesce(
             (SELECT min(closed_at) FROM session_requests
               WHERE id IN (SELECT session_request_id FROM request_events)), '-infinity')
           AND (:retention_days = 0 OR r.closed_at >= clock_timestamp() - make_interval(days => :retention_days)))"""
ASKED = "('request_offered', 'request_broadcast', 'request_declined', 'request_withdrawn')"

INVARIANTS = (
    Invariant(
        "V1 nobody is stuck",
        "A pending session request is past its end and nobody has done anything about it.",
        f"SELECT id FROM session_requests WHERE status = 'pending' AND {DEADLINE} < clock_timestamp() - {LATE}",
        is_cheap=True,
    ),
    Invariant(
        "V1 nothing is set aside",
        "The sweep failed on an open session request too often; everyone was asked the plain way, or it still waits.",
        f"SELECT id FROM session_requests WHERE attempts >= {TRIES} AND status IN ('pending', 'accepted')",
    ),
    Invariant(
        "V8 one accepted mechanic",
        "An acceptance is missing its mechanic or its time, or a mechanic or customer has two.",
        """SELECT id FROM session_requests WHERE status = 'accepted' AND (mechanic_id IS NULL OR accepted_at IS NULL)
           UNION ALL SELECT min(id::text)::uuid FROM session_requests WHERE status = 'accepted'
                     GROUP BY mechanic_id HAVING count(*) > 1
           UNION ALL SELECT min(id::text)::uuid FROM session_requests WHERE status IN ('pending', 'accepted')
                     GROUP BY customer_id HAVING count(*) > 1""",
        is_cheap=True,
    ),
    Invariant(
        "V9 nobody else answers inside a window",
        "It was accepted before its window's end by another mechanic than the preferred one, whom no owner gave it to.",
        """SELECT id FROM session_requests
           WHERE accepted_at < priority_expires_at AND mechanic_id <> preferred_mechanic_id
             AND assigned_at IS DISTINCT FROM accepted_at
             AND (fallback_broadcast_at IS NULL OR fallback_broadcast_at > accepted_at)""",
        goes_by_the_clock=True,
    ),
    Invariant(
        "V11 one fallback",
        "A window was left more than once, or its fallback and its events differ.",
        f"""SELECT r.id FROM session_requests r LEFT JOIN (
              SELECT session_request_id AS id, count(*) AS times FROM ({STEPS}) steps
              WHERE payload->>'rule' IN ('fallback', 'lapse', 'decline') GROUP BY 1) exits ON exits.id = r.id
            WHERE coalesce(times, 0) > 1 OR (r.session_id IS NOT NULL AND r.priority_notified_at IS NOT NULL AND {KEPT}
              AND coalesce(times, 0) <> (coalesce(fallback_reason, 'released') <> 'released')::int)""",
    ),
    Invariant(
        "V11 no fallback after an end",
        "Everyone was asked after it had been accepted, cancelled or expired.",
        """SELECT id FROM session_requests WHERE fallback_broadcast_at > closed_at
           OR (status = 'accepted' AND fallback_broadcast_at > accepted_at)""",
        goes_by_the_clock=True,
    ),
    Invariant(
        "V12 legal transitions",
        "An event follows one that it cannot follow.",
        f"""SELECT session_request_id FROM ({STEPS}) steps WHERE NOT CASE kind
              WHEN 'request_offered' THEN before IS NULL
              WHEN 'request_broadcast' THEN coalesce(before, 'request_offered') IN {ASKED}
              WHEN 'request_declined' THEN before = 'request_offered'
              WHEN 'request_accepted' THEN coalesce(before, 'request_broadcast') IN {ASKED}
              WHEN 'request_withdrawn' THEN before = 'request_accepted'
              WHEN 'request_started' THEN before = 'request_accepted'
              WHEN 'request_completed' THEN before = 'request_started'
              WHEN 'request_cancelled' THEN
                before = 'request_accepted' OR coalesce(before, 'request_broadcast') IN {ASKED}
              WHEN 'request_expired' THEN coalesce(before, 'request_broadcast') IN {ASKED}
              ELSE false END""",
    ),
    Invariant(
        "V14 every state has its event, every event its state",
        "The last event tells of another state than the row's.",
        f"""SELECT r.id FROM session_requests r LEFT JOIN ({LAST}) last ON last.session_request_id = r.id
            WHERE r.session_id IS NOT NULL AND {KEPT} AND r.status IS DISTINCT FROM CASE
              WHEN kind = 'request_accepted' OR kind = 'request_started' THEN 'accepted'
              WHEN kind IN {ASKED} THEN 'pending' ELSE replace(kind, 'request_', '') END""",
    ),
    Invariant(
        "V14 every window has its offer",
        "A window was opened without telling the preferred mechanic, or the other way round.",
        f"""SELECT r.id FROM session_requests r
           WHERE r.session_id IS NOT NULL AND {KEPT} AND (priority_notified_at IS NOT NULL) <> EXISTS (
             SELECT FROM request_events e WHERE e.session_request_id = r.id AND e.kind = 'priority_session_request')""",
    ),
    Invariant(
        "V15 ids in commit order",
        "An event of a session request is older than one with a smaller id.",
        """SELECT session_request_id FROM (
             SELECT session_request_id, at, lag(at) OVER (PARTITION BY session_request_id ORDER BY id) AS before
             FROM request_events WHERE session_request_id IN (SELECT id FROM session_requests)) e
           WHERE at < before""",
        goes_by_the_clock=True,
    ),
    Invariant(
        "V13 a workshop has no window",
        "A session request through a workshop was offered to a favorite.",
        "SELECT id FROM session_requests WHERE workshop_id IS NOT NULL AND priority_notified_at IS NOT NULL",
    ),
    Invariant(
        "V13 a head start is announced over once",
        "Everyone was told more than once that a workshop's head start is over, or before it was.",
        """SELECT session_request_id FROM request_events e JOIN session_requests r ON r.id = e.session_request_id
           WHERE e.kind = 'new_request' AND e.audience = 'mechanics' AND payload->>'fallback_reason' = 'head_start_over'
           GROUP BY session_request_id HAVING count(*) > 1 OR bool_or(workshop_over_at IS NULL)""",
    ),
    Invariant(
        "Credits balance",
        "A customer has spent more credits than there were.",
        "SELECT customer_id FROM credit_entries GROUP BY customer_id HAVING sum(credits) < 0",
    ),
    Invariant(
        "What was paid by credits was spent once",
        "A consultation paid by credits has no entry in the ledger, or the other way round.",
        """SELECT s.id FROM sessions s WHERE (coalesce(paid_by, '') = 'credits') <> EXISTS (
             SELECT FROM credit_entries c WHERE c.session_id = s.id AND c.kind = 'spend')""",
    ),
    Invariant(
        "What was cancelled or expired is given back, and nothing else",
        "Credits or a payment were kept for nothing, or given back for a consultation that took place.",
        """SELECT s.id FROM sessions s
           LEFT JOIN credit_entries c ON c.session_id = s.id AND c.kind = 'refund'
           WHERE CASE WHEN c.id IS NULL THEN s.status = 'cancelled' AND s.paid_by = 'credits'
                      WHEN s.paid_by IS DISTINCT FROM 'credits' THEN true
                      ELSE s.status <> 'cancelled' AND NOT EXISTS (SELECT FROM owner_events e
                        WHERE e.kind = 'credits_refunded' AND e.payload->>'entry_id' = c.id::text) END
           UNION ALL SELECT s.id FROM sessions s JOIN payments p ON p.session_id = s.id
           WHERE CASE WHEN s.status = 'cancelled' THEN p.status = 'paid' AND p.disputed_at IS NULL
             ELSE p.status IN ('refunding', 'refunded') AND coalesce(refund_reason, '') IN ('', 'cancelled', 'expired')
             END""",
    ),
    Invariant(
        "What is paid asks for a mechanic, or goes back",
        "Money was taken, and there is no session request for it.",
        """SELECT s.id FROM sessions s JOIN payments p ON p.session_id = s.id
           WHERE p.status = 'paid' AND (s.paid_by IS DISTINCT FROM 'payment'
             OR NOT EXISTS (SELECT FROM session_requests r WHERE r.session_id = s.id))""",
    ),
    Invariant(
        "What asks for a mechanic was paid",
        "A session request was made for a payment that there is none of, or that was owed back from the start.",
        """SELECT s.id FROM sessions s WHERE s.paid_by = 'payment' AND NOT EXISTS (
             SELECT FROM payments p WHERE p.session_id = s.id AND p.paid_at IS NOT NULL
               AND coalesce(refund_reason, 'owner') IN ('cancelled', 'expired', 'owner', 'by_provider'))""",
    ),
    Invariant(
        "A consultation follows its session request",
        "The session request is in another state than its consultation.",
        """SELECT r.id FROM session_requests r JOIN sessions s ON s.id = r.session_id
           WHERE NOT CASE r.status WHEN 'pending' THEN s.status = 'ready'
                                   WHEN 'accepted' THEN s.status IN ('ready', 'live')
                                   WHEN 'completed' THEN s.status = 'completed'
                                   ELSE s.status = 'cancelled' END""",
    ),
)


def broken(session: Session, *, cheap: bool = False, most: int = 20) -> list[Finding]:
    """The invariants that do not hold, each with at most `most` rows; `cheap`: only those that read open rows alone."""
    asked = [invariant for invariant in INVARIANTS if invariant.is_cheap or not cheap]
    found = [Finding(invariant, _rows(session, invariant, most)) for invariant in asked]
    session.rollback()
    return [finding for finding in found if finding.rows]


def _rows(session: Session, invariant: Invariant, most: int) -> list[str]:
    settings = current()
    names = {
        "poll_seconds": settings.poll_seconds,
        "lifetime": settings.request_lifetime_minutes,
        "retention_days": settings.event_retention_days,
    }
    used = {name: value for name, value in names.items() if f":{name}" in invariant.sql}
    found = session.execute(text(f"SELECT * FROM ({invariant.sql}) broken LIMIT {most}"), used)
    return [str(row[0]) for row in found]
