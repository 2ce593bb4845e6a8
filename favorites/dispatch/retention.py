"""Retention: the events of session requests that were closed long ago are removed, a few thousand at a time; and
sign-ins that ended a month ago, which nobody needs.

Whole stories go, never half of one: what is kept of a session request says all of it. None goes before it is a day old,
so a stream that was away for less has missed nothing (`queries.events.is_whole_after`).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, case, delete, func, select

from favorites.db import Session, clock
from favorites.dispatch.verb import verb
from favorites.models import RequestEvent, SessionRequest, SignIn

BATCH = 500  # events looked at in one transaction
SIGN_INS_KEPT = timedelta(days=30)  # after their end; the privacy page says so
BREATH = 0.02  # seconds between two: without it those who write have three times the p99, with it half as much again


class Batch(NamedTuple):
    """`last`: the newest event that was looked at; None when there is none that is old enough."""

    removed: int
    last: int | None


def remove_old_events(session: Session, days: int, go_on: Callable[[], bool] = lambda: True) -> int:
    """Remove the events of session requests closed more than `days` ago, while `go_on`; how many were removed.

    Oldest first. Those that must stay (an open session request's) are passed by: nobody keeps a place to go on from.
    """
    removed, after = 0, 0
    while go_on():
        batch = remove_batch(session, days, after)
        removed += batch.removed
        if batch.last is None:
            break
        after = batch.last
    return removed


@verb
def remove_batch(session: Session, days: int, after: int) -> Batch:
    """One batch of what comes after the event `after`. Takes no lock but on rows that nobody else writes."""
    since = clock() - timedelta(days=days)
    window = select(RequestEvent.id, RequestEvent.at).where(RequestEvent.id > after)
    seen = window.order_by(RequestEvent.id).limit(BATCH).subquery()
    looked_at = select(func.max(seen.c.id), func.min(seen.c.at) < since, func.max(seen.c.at) < since)
    last, begins_old, ends_old = session.execute(looked_at).one()
    removed = session.scalars(_removal(after, last, since)).all() if begins_old else []
    return Batch(len(removed), last if ends_old else None)


def _removal(after: int, last: int, since: ColumnElement[datetime]) -> Any:
    is_gone = SessionRequest.id.is_(None)  # with its customer: then its events are as old as they are
    closed_at = func.coalesce(SessionRequest.closed_at, case((is_gone, RequestEvent.at)))
    over = (
        select(RequestEvent.session_request_id)
        .outerjoin(SessionRequest, SessionRequest.id == RequestEvent.session_request_id)
        .where(RequestEvent.id > after, RequestEvent.id <= last, closed_at < since)
    )
    return delete(RequestEvent).where(RequestEvent.session_request_id.in_(over)).returning(RequestEvent.id)


@verb
def remove_ended_sign_ins(session: Session) -> int:
    """Remove one batch of the sign-ins that ended, or ran out, long enough ago; how many."""
    ended_at = func.coalesce(SignIn.ended_at, SignIn.expires_at)
    old = select(SignIn.id).where(ended_at < clock() - SIGN_INS_KEPT).limit(BATCH)
    return len(session.scalars(delete(SignIn).where(SignIn.id.in_(old)).returning(SignIn.id)).all())
