"""What routing needs to know, read once, inside the fulfilling transaction."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Select, and_, exists, func, null, or_, select
from sqlalchemy.exc import DBAPIError

from favorites.db import Session, clock
from favorites.dispatch.errors import HasOpenRequest
from favorites.dispatch.flags import UNREADABLE, decided, or_environment
from favorites.dispatch.locks import shared
from favorites.dispatch.routing import Facts, Preferred
from favorites.dispatch.verb import worth_another_try
from favorites.models import Consultation, CustomerFavorite, MechanicStatus, RoutingType, SessionRequest, Workshop
from favorites.models.feature_flag import PRIORITY
from favorites.models.session_request import has_lapsed, is_open
from favorites.settings import current

log = structlog.get_logger("favorites.dispatch")


class Choice(NamedTuple):
    """What the customer chose, as the consultation's metadata keeps it; the preferred id is whatever they sent."""

    preferred: str | None
    preferred_id: UUID | None
    routing_type: str
    workshop_id: UUID | None


def choice_of(session: Session, consultation: Consultation) -> Choice:
    """The choice of this consultation; a workshop that is gone is no workshop."""
    meta = consultation.meta
    workshop_id = _uuid(meta.get("workshop_id"))
    if workshop_id and session.get(Workshop, workshop_id) is None:
        workshop_id = None
    preferred = str(meta["preferred_mechanic_id"])[:64] if meta.get("preferred_mechanic_id") else None
    return Choice(preferred, _uuid(preferred), meta.get("routing_type", RoutingType.BROADCAST), workshop_id)


def refuse_a_second(session: Session, customer_id: UUID) -> None:
    """A customer has one open session request at a time. Raises `HasOpenRequest`."""
    if open_id := session.execute(open_request_of(customer_id)).scalar_one_or_none():
        raise HasOpenRequest(open_id)


def open_request_of(customer_id: UUID) -> Select[UUID]:
    """The session request that the customer waits for or works on: one row at most."""
    theirs = select(SessionRequest.id).where(SessionRequest.customer_id == customer_id, is_open)
    return theirs.correlate(None)


def facts_of(session: Session, customer_id: UUID, choice: Choice) -> Facts:
    """Read the flag and the preferred mechanic at once; the latter's status stays as read until the commit.

    Where that fails it may be the flag's fault: then the mechanic is read without it.
    """
    try:
        with session.begin_nested():
            return _read(session, customer_id, choice, decided(PRIORITY))
    except DBAPIError as error:
        if worth_another_try(error):
            raise
        log.warning(UNREADABLE, flag=PRIORITY)
    with session.begin_nested():
        return _read(session, customer_id, choice, null())


def _read(session: Session, customer_id: UUID, choice: Choice, flag: ColumnElement[Any]) -> Facts:
    known = _known_of(customer_id, choice.preferred_id) if choice.preferred_id else [null()] * 3
    is_on, status, is_favorite, recently = session.execute(select(flag, *known)).one()
    preferred = _preferred(choice, status, is_favorite=is_favorite, recently=recently)
    return Facts(or_environment(is_on), choice.routing_type, preferred, choice.workshop_id is not None)


def _known_of(customer_id: UUID, mechanic_id: UUID) -> list[ColumnElement[Any]]:
    return [
        shared(mechanic_id).scalar_subquery(),
        _is_favorite(customer_id, mechanic_id),
        was_recently_asked(customer_id, mechanic_id),
    ]


def _preferred(choice: Choice, status: str | None, *, is_favorite: bool, recently: bool) -> Preferred:
    if not choice.preferred:
        return Preferred.NONE
    if status is None:
        return Preferred.NOT_FOUND
    if status != MechanicStatus.APPROVED:
        return Preferred.NOT_APPROVED
    if not is_favorite:
        return Preferred.NOT_A_FAVORITE
    return Preferred.RECENTLY_ASKED if recently else Preferred.CAN_BE_ASKED


def _is_favorite(customer_id: UUID, mechanic_id: UUID) -> ColumnElement[bool]:
    return exists().where(CustomerFavorite.customer_id == customer_id, CustomerFavorite.mechanic_id == mechanic_id)


def was_recently_asked(customer_id: UUID, mechanic_id: UUID) -> ColumnElement[bool]:
    """Rule 17: they declined within the cool-down, or let it lapse within it for the second time in a day."""
    since = clock() - timedelta(minutes=current().priority_cooldown_minutes)
    theirs = and_(SessionRequest.customer_id == customer_id, SessionRequest.preferred_mechanic_id == mechanic_id)
    lapses = select(SessionRequest.customer_id).where(
        theirs, has_lapsed, SessionRequest.priority_expires_at > clock() - timedelta(days=1)
    )
    twice_lately = lapses.group_by(SessionRequest.customer_id).having(
        and_(func.count() >= 2, func.max(SessionRequest.priority_expires_at) > since)
    )
    return or_(exists().where(theirs, SessionRequest.declined_at > since), twice_lately.exists())


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None
