"""What routing needs to know, read once, inside the fulfilling transaction."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from favorites.db import Session, clock
from favorites.dispatch.errors import HasOpenRequest
from favorites.dispatch.flags import priority_is_on
from favorites.dispatch.locks import share_mechanic
from favorites.dispatch.routing import Facts, Preferred
from favorites.models import Consultation, CustomerFavorite, MechanicStatus, RoutingType, SessionRequest, Workshop
from favorites.models.session_request import has_lapsed, is_open
from favorites.settings import current


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
    other = select(SessionRequest.id).where(SessionRequest.customer_id == customer_id, is_open)
    if open_id := session.execute(other).scalar_one_or_none():
        raise HasOpenRequest(open_id)


def facts_of(session: Session, customer_id: UUID, choice: Choice) -> Facts:
    """Read the flag and the preferred mechanic; the latter stays as read until the commit."""
    flag_is_on = priority_is_on(session)
    return Facts(
        flag_is_on, choice.routing_type, _preferred(session, customer_id, choice), choice.workshop_id is not None
    )


def _preferred(session: Session, customer_id: UUID, choice: Choice) -> Preferred:
    if not choice.preferred:
        return Preferred.NONE
    status = share_mechanic(session, choice.preferred_id) if choice.preferred_id else None
    if choice.preferred_id is None or status is None:
        return Preferred.NOT_FOUND
    if status != MechanicStatus.APPROVED:
        return Preferred.NOT_APPROVED
    asked = select(_is_favorite(customer_id, choice.preferred_id), was_recently_asked(customer_id, choice.preferred_id))
    is_favorite, recently = session.execute(asked).one()
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
