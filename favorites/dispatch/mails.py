"""Who is told by mail, and that nobody is told twice: a mail is claimed by its row before it is sent.

Open pages hear by their stream. Whether one was open is a fact of the database: the processes that hold streams write
`customers.page_seen_at` every 10 seconds, so that a little after the event one look at the row is enough.
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text, update

from favorites.db import Session, clock
from favorites.dispatch.verb import verb
from favorites.models import Customer, Mail
from favorites.models.mail import AFTER, LEASE, TRIES, UNTIL, WORTH_A_MAIL

CLAIM = text(
    f"""
WITH told AS (
  SELECT e.id AS event_id, u.id AS user_id, e.at {WORTH_A_MAIL}
     AND (m.event_id IS NULL OR (m.sent_at IS NULL AND m.tries < :tries AND m.next_try_at <= now()))
   ORDER BY e.at LIMIT 1),
alarm AS (
  SELECT e.id AS event_id, u.id AS user_id, e.at
    FROM request_events e
    JOIN session_requests r ON r.id = e.session_request_id
    JOIN users u ON u.role = 'admin'
    LEFT JOIN mails m ON m.event_id = e.id AND m.user_id = u.id
   WHERE e.kind = 'request_unattended' AND r.status = 'pending'
     AND e.at > now() - make_interval(secs => :until) AND e.at <= now() - make_interval(secs => :after)
     AND u.active AND u.confirmed_at IS NOT NULL
     AND (m.event_id IS NULL OR (m.sent_at IS NULL AND m.tries < :tries AND m.next_try_at <= now()))
   ORDER BY e.at LIMIT 1),
due AS (SELECT * FROM told UNION ALL SELECT * FROM alarm ORDER BY at LIMIT 1)
INSERT INTO mails (event_id, user_id, next_try_at)
SELECT event_id, user_id, clock_timestamp() + make_interval(secs => :lease) FROM due
ON CONFLICT (event_id, user_id) DO UPDATE
  SET tries = mails.tries + 1, next_try_at = clock_timestamp() + make_interval(secs => :lease * power(2, mails.tries))
  WHERE mails.sent_at IS NULL AND mails.tries < :tries AND mails.next_try_at <= clock_timestamp()
RETURNING event_id, user_id, tries
"""
)


class Claim(NamedTuple):
    """A mail that is ours to send, for the `tries`-th time."""

    event_id: int
    user_id: UUID
    tries: int

    @property
    def is_last(self) -> bool:
        """Whether nobody tries again."""
        return self.tries >= TRIES


@verb
def claim_mail(session: Session) -> Claim | None:
    """The oldest mail that is due, ours for `LEASE` seconds; None: nothing is due, or another process was quicker."""
    limits = {"after": AFTER, "until": UNTIL, "lease": LEASE, "tries": TRIES}
    row = session.execute(CLAIM, limits).one_or_none()
    return Claim(*row) if row else None


@verb
def mail_is_sent(session: Session, claim: Claim) -> None:
    """The mail server has taken it."""
    sent = update(Mail).where(Mail.event_id == claim.event_id, Mail.user_id == claim.user_id)
    session.execute(sent.values(sent_at=clock()))


@verb
def choose_mail(session: Session, user_id: UUID, *, is_wanted: bool) -> bool:
    """Whether this customer is written to from now on; False when there is no such customer."""
    chosen = update(Customer).where(Customer.user_id == user_id).values(wants_mail=is_wanted)
    return session.execute(chosen.returning(Customer.id)).one_or_none() is not None
