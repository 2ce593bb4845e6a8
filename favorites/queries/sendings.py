"""What was given up: offers that no push service took, mails that no mail server took, rows the sweep fails on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func, select, text

from favorites.db import Session
from favorites.models import Customer, Mechanic, PushSending, PushSubscription, SessionRequest, SignIn
from favorites.models.mail import AFTER, GAVE_UP, TRIES, UNTIL, WORTH_A_MAIL
from favorites.models.push import gave_up, is_worth_a_push
from favorites.models.session_request import TRIES as SWEEPS
from favorites.models.session_request import is_open

LIMIT = 50  # of each; the page says so when there are more

# Of the last day: who lost their chance is told, too. `is_worth`: it would still be true, and in time.
MAILS = text(
    f"""
WITH worth AS (SELECT e.id AS event_id, u.id AS user_id {WORTH_A_MAIL} AND {GAVE_UP})
SELECT m.event_id, m.user_id, trim(c.first_name || ' ' || c.last_name) AS name, e.kind, e.at,
       worth.event_id IS NOT NULL AS is_worth
  FROM mails m
  JOIN request_events e ON e.id = m.event_id
  JOIN customers c ON c.user_id = m.user_id
  LEFT JOIN worth ON worth.event_id = m.event_id AND worth.user_id = m.user_id
 WHERE {GAVE_UP} AND m.next_try_at > now() - interval '1 day'
 ORDER BY e.at DESC, e.id DESC LIMIT :most
"""
)


class FailedPush(NamedTuple):
    """An offer that a mechanic's device was not told of."""

    request_id: UUID
    subscription_id: UUID
    mechanic: str
    customer: str
    endpoint: str
    ends_at: datetime

    @property
    def service(self) -> str:
        """The push service's host; the rest of the address is a secret."""
        return urlsplit(self.endpoint).netloc


@dataclass(frozen=True)
class FailedMail:
    """An event that a customer was not told of by mail; unless `is_worth` it is too late to."""

    event_id: int
    user_id: UUID
    customer: str
    kind: str
    at: datetime
    is_worth: bool


@dataclass(frozen=True)
class SetAside:
    """An open session request on which the sweep failed too often."""

    id: UUID
    customer: str
    status: str
    created_at: datetime


def failed_pushes(session: Session, idle: timedelta, most: int = LIMIT) -> Sequence[FailedPush]:
    """Those whose offer still lasts, the first to end first; a lapsed offer is nobody's to hear of any more."""
    found = (
        select(
            PushSending.session_request_id,
            PushSending.subscription_id,
            Mechanic.first_name,
            Customer.first_name,
            PushSubscription.endpoint,
            SessionRequest.priority_expires_at,
        )
        .join(SessionRequest, SessionRequest.id == PushSending.session_request_id)
        .join(Customer, Customer.id == SessionRequest.customer_id)
        .join(PushSubscription, PushSubscription.id == PushSending.subscription_id)
        .join(Mechanic, Mechanic.id == SessionRequest.preferred_mechanic_id)
        .join(SignIn, SignIn.id == PushSubscription.sign_in_id)
        .where(gave_up, is_worth_a_push(idle))
        .order_by(SessionRequest.priority_expires_at, PushSending.subscription_id)
        .limit(most)
    )
    return [FailedPush._make(row) for row in session.execute(found)]


def failed_mails(session: Session, most: int = LIMIT) -> Sequence[FailedMail]:
    """Those of the last day, the newest first."""
    limits = {"after": AFTER, "until": UNTIL, "tries": TRIES, "most": most}
    return [FailedMail(*row) for row in session.execute(MAILS, limits)]


def set_aside(session: Session) -> Sequence[SetAside]:
    """Open session requests that the sweep has set aside, the oldest first."""
    name = func.trim(Customer.first_name + " " + Customer.last_name)
    found = (
        select(SessionRequest.id, name, SessionRequest.status, SessionRequest.created_at)
        .join(Customer, Customer.id == SessionRequest.customer_id)
        .where(is_open, SessionRequest.attempts >= SWEEPS)
        .order_by(SessionRequest.created_at)
        .limit(LIMIT)
    )
    return [SetAside(*row) for row in session.execute(found)]
