"""What could not be sent is sent again when the owner says so, if it is still worth it; each with the owner's event."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text, tuple_, update

from favorites.db import Session, clock
from favorites.dispatch.actors import Actor
from favorites.dispatch.owner_events import tell
from favorites.dispatch.push import Key
from favorites.dispatch.verb import verb
from favorites.models import Mechanic, OwnerKind, PushSending, PushSubscription, SessionRequest, SignIn
from favorites.models.mail import AFTER, GAVE_UP, TRIES, UNTIL, WORTH_A_MAIL
from favorites.models.push import gave_up, is_worth_a_push


class MailKey(NamedTuple):
    """Of what, to whom."""

    event_id: int
    user_id: UUID


EVERY_MAIL = {"event_id": None, "user_id": None}
# As if it had been tried once: there are as many tries left as after the first. An address may name any number.
MAILS = text(
    f"""
UPDATE mails SET tries = 1, next_try_at = clock_timestamp()
  FROM (SELECT e.id AS event_id, u.id AS user_id, r.id AS request_id {WORTH_A_MAIL} AND {GAVE_UP}) due
 WHERE mails.event_id = due.event_id AND mails.user_id = due.user_id AND mails.sent_at IS NULL AND mails.tries >= :tries
   AND (CAST(:user_id AS uuid) IS NULL OR (mails.event_id = CAST(:event_id AS numeric) AND mails.user_id = :user_id))
RETURNING due.request_id
"""
)
_key = tuple_(PushSending.session_request_id, PushSending.subscription_id)


@verb
def retry_mails(session: Session, actor: Actor, only: MailKey | None = None) -> int:
    """Send the mails that were given up, all or `only` that one, while they are worth it; how many."""
    limits = {"after": AFTER, "until": UNTIL, "tries": TRIES}
    retried = session.scalars(MAILS, {**limits, **(only._asdict() if only else EVERY_MAIL)}).all()
    return _told(session, actor, "mail", retried)


@verb
def retry_pushes(session: Session, actor: Actor, idle: timedelta, only: Key | None = None) -> int:
    """Send the offers that were given up, all or `only` that one, while they last; how many. `idle`: as sign-ins."""
    worth = (
        select(PushSending.session_request_id, PushSending.subscription_id)
        .join(SessionRequest, SessionRequest.id == PushSending.session_request_id)
        .join(PushSubscription, PushSubscription.id == PushSending.subscription_id)
        .join(Mechanic, Mechanic.id == SessionRequest.preferred_mechanic_id)
        .join(SignIn, SignIn.id == PushSubscription.sign_in_id)
        .where(gave_up, is_worth_a_push(idle), *([_key == only] if only else []))
    )
    again = update(PushSending).where(gave_up, _key.in_(worth)).values(tries=0, due_at=clock())
    retried = again.returning(PushSending.session_request_id).execution_options(synchronize_session=False)
    return _told(session, actor, "push", session.scalars(retried).all())


def _told(session: Session, actor: Actor, what: str, request_ids: Sequence[UUID]) -> int:
    for request_id in request_ids:
        tell(session, OwnerKind.SENDING_RETRIED, actor, request_id, what=what)
    return len(request_ids)
