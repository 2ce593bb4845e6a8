"""How it goes on after the asking: start, complete, cancel.

Whether the consultation has started is a fact of another row; so the session request is locked first, in a statement
of its own, and the next statement sees what is true then.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, exists, func, select, update

from favorites.db import Session, clock
from favorites.dispatch import errors, money
from favorites.dispatch.actors import Actor
from favorites.dispatch.answers.common import AFTER, tell_those_who_saw
from favorites.dispatch.events import Recorder
from favorites.dispatch.locks import lock_requests
from favorites.dispatch.owner_events import Why, tell_why
from favorites.dispatch.verb import verb
from favorites.models import Consultation, Kind, Plan, SessionRequest, Status
from favorites.models.consultation import ConsultationStatus
from favorites.models.money import RefundReason
from favorites.models.owner_event import OwnerKind
from favorites.models.session_request import is_accepted, is_open

its_consultation = Consultation.id == SessionRequest.session_id
has_started: ColumnElement[bool] = exists().where(its_consultation, Consultation.status != ConsultationStatus.READY)


@verb
def start(session: Session, request_id: UUID, mechanic_id: UUID) -> None:
    """The mechanic who accepted begins; a repeat is a success. Raises `NotFound` or `AlreadyOver`."""
    lock_requests(session, SessionRequest.id == request_id)
    begun = update(Consultation).where(
        Consultation.status == ConsultationStatus.READY,
        exists().where(
            SessionRequest.id == request_id, its_consultation, is_accepted, SessionRequest.mechanic_id == mechanic_id
        ),
    )
    begun = begun.values(status=ConsultationStatus.LIVE.value, started_at=clock())
    row = _theirs(session, request_id, Actor.mechanic(mechanic_id))
    if session.execute(begun.returning(Consultation.id)).one_or_none():
        _tell_both(session, row, Actor.mechanic(mechanic_id), Kind.REQUEST_STARTED)
    elif row.status != Status.ACCEPTED:
        raise errors.AlreadyOver


@verb
def complete(session: Session, request_id: UUID, actor: Actor, why: Why | None = None) -> None:
    """The consultation is over: by its mechanic or the owner, and by the customer once the plan's minutes have passed.

    A repeat is a success. Raises `NotFound`, `NotStarted`, `TooEarly` or `AlreadyOver`.
    """
    lock_requests(session, SessionRequest.id == request_id)
    row = _theirs(session, request_id, actor)
    due = [] if actor.kind != "customer" else [_minutes_have_passed()]
    done = update(SessionRequest).where(
        SessionRequest.id == request_id, is_accepted, exists().where(its_consultation, _is_live, *due)
    )
    done = done.values(status=Status.COMPLETED.value, closed_at=clock())
    if session.execute(done.returning(SessionRequest.id)).one_or_none() is None:
        return _explain_no_complete(row)
    closed = update(Consultation).where(Consultation.id == row.session_id, _is_live)
    session.execute(closed.values(status=ConsultationStatus.COMPLETED.value, closed_at=clock()))
    _tell_both(session, row, actor, Kind.REQUEST_COMPLETED)
    return tell_why(session, OwnerKind.REQUEST_COMPLETED, actor, row.id, why)


@verb
def cancel(session: Session, request_id: UUID, actor: Actor, why: Why | None = None) -> None:
    """Withdraw it, by its customer or the owner, while pending or before the start; what it cost is given back.

    A repeat is a success. Raises `NotFound`, `AlreadyStarted`, `AlreadyExpired` or `AlreadyOver`.
    """
    lock_requests(session, SessionRequest.id == request_id)
    before = _theirs(session, request_id, actor)
    withdrawn = update(SessionRequest).where(SessionRequest.id == request_id, is_open, ~(is_accepted & has_started))
    withdrawn = withdrawn.values(status=Status.CANCELLED.value, closed_at=clock())
    row = session.execute(withdrawn.returning(*AFTER)).one_or_none()
    if row is None:
        return _explain_no_cancel(before)
    if row.session_id:
        money.give_back(session, [row.session_id], RefundReason.CANCELLED)
    tell = Recorder(session, row, actor, "cancel")
    tell.customer(Kind.REQUEST_CANCELLED)
    tell_those_who_saw(tell, row, Kind.REQUEST_CANCELLED)
    return tell_why(session, OwnerKind.REQUEST_CANCELLED, actor, row.id, why)


_is_live: ColumnElement[bool] = Consultation.status == ConsultationStatus.LIVE


def _minutes_have_passed() -> ColumnElement[bool]:
    minutes = select(Plan.minutes).where(Plan.code == Consultation.plan_code).scalar_subquery()
    return Consultation.started_at + minutes * timedelta(minutes=1) <= clock()


def _theirs(session: Session, request_id: UUID, actor: Actor) -> Row[*tuple[Any, ...]]:
    """The session request, if it is this person's to act on; someone else's answers like a missing one."""
    owner = {"customer": SessionRequest.customer_id == actor.id, "mechanic": SessionRequest.mechanic_id == actor.id}
    found = select(*AFTER, SessionRequest.status, func.coalesce(has_started, False).label("has_started"))
    found = found.where(SessionRequest.id == request_id, owner.get(actor.kind, SessionRequest.id == request_id))
    row = session.execute(found).one_or_none()
    if row is None:
        raise errors.NotFound
    return row


def _explain_no_complete(row: Row[*tuple[Any, ...]]) -> None:
    if row.status == Status.COMPLETED:
        return
    if row.status != Status.ACCEPTED:
        raise errors.AlreadyOver
    raise errors.TooEarly if row.has_started else errors.NotStarted


def _explain_no_cancel(row: Row[*tuple[Any, ...]]) -> None:
    if row.status == Status.CANCELLED:
        return
    if row.status == Status.ACCEPTED:
        raise errors.AlreadyStarted
    raise errors.AlreadyExpired if row.status == Status.EXPIRED else errors.AlreadyOver


def _tell_both(session: Session, row: Row[*tuple[Any, ...]], actor: Actor, kind: Kind) -> None:
    tell = Recorder(session, row, actor, kind.removeprefix("request_"))
    tell.customer(kind)
    if row.mechanic_id:
        tell.mechanic(kind, row.mechanic_id)
