"""*Wait longer*: when nobody has accepted, the customer adds one lifetime, once."""

from uuid import UUID

from sqlalchemy import func, select, update

from favorites.db import Session, clock
from favorites.dispatch import errors
from favorites.dispatch.actors import Actor
from favorites.dispatch.answers.common import AFTER, tell_those_who_saw
from favorites.dispatch.events import Recorder
from favorites.dispatch.verb import Again, verb
from favorites.models import Kind, SessionRequest, Status
from favorites.models.session_request import is_pending, lifetime

CLOSED: dict[str, type[errors.Refusal]] = {
    Status.ACCEPTED: errors.AlreadyAccepted,
    Status.COMPLETED: errors.AlreadyOver,
    Status.CANCELLED: errors.AlreadyCancelled,
    Status.EXPIRED: errors.AlreadyExpired,
}


@verb
def prolong(session: Session, request_id: UUID, customer_id: UUID) -> None:
    """One lifetime more while everyone, or the workshop, is asked; once for a session request. A repeat is a success.

    As with accept, it is in time until the poll has written that it expired.
    Raises `NotFound`, `NoTimeRuns`, `AlreadyAccepted`, `AlreadyCancelled`, `AlreadyExpired` or `AlreadyOver`.
    """
    theirs = (SessionRequest.id == request_id, SessionRequest.customer_id == customer_id)
    asked = (is_pending, SessionRequest.expires_at.is_not(None), SessionRequest.prolonged_at.is_(None))
    longer = func.greatest(SessionRequest.expires_at, clock()) + lifetime()
    prolonged = update(SessionRequest).where(*theirs, *asked).values(expires_at=longer, prolonged_at=clock())
    row = session.execute(prolonged.returning(*AFTER)).one_or_none()
    if row is None:
        return _explain(session, request_id, customer_id)
    tell = Recorder(session, row, Actor.customer(customer_id), "prolong")
    tell.customer(Kind.REQUEST_PROLONGED)
    return tell_those_who_saw(tell, row, Kind.REQUEST_PROLONGED)


def _explain(session: Session, request_id: UUID, customer_id: UUID) -> None:
    columns = (SessionRequest.status, SessionRequest.prolonged_at, SessionRequest.expires_at)
    theirs = (SessionRequest.id == request_id, SessionRequest.customer_id == customer_id)
    row = session.execute(select(*columns).where(*theirs)).one_or_none()
    if row is None:
        raise errors.NotFound
    if refusal := CLOSED.get(row.status):
        raise refusal
    if row.prolonged_at:
        return
    raise Again if row.expires_at else errors.NoTimeRuns
