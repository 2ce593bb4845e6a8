"""Who takes priority offers now: one definition, for the routing, the customer's dialog and the mechanic's pages.

Being offline or off shift is no reason not to be asked.
"""

from sqlalchemy import ColumnElement, Select, Time, and_, case, cast, exists, func, or_, select

from favorites.db import clock
from favorites.models.people import Mechanic, User
from favorites.models.session_request import AMechanic, SessionRequest, has_lapsed, is_preferred, window_is_open

UNANSWERED = 2  # offers in a row after which a mechanic is away

# The preferred mechanic accepted it, be it late, whatever came after that.
was_accepted: ColumnElement[bool] = or_(
    func.coalesce(SessionRequest.mechanic_id == SessionRequest.preferred_mechanic_id, False),
    func.coalesce(SessionRequest.preferred_mechanic_id == func.any(SessionRequest.released_from), False),
)
was_answered: ColumnElement[bool] = or_(SessionRequest.declined_at.is_not(None), was_accepted)

_now = cast(func.timezone(User.time_zone, clock()), Time)
_since, _until = _now >= Mechanic.quiet_from, _now < Mechanic.quiet_until
_in_quiet_hours = case(
    (Mechanic.quiet_from.is_(None), False),
    (Mechanic.quiet_from < Mechanic.quiet_until, and_(_since, _until)),
    else_=or_(_since, _until),
)


def takes_offers(mechanic_id: AMechanic) -> ColumnElement[bool]:
    """They may be offered a session request now: they wish it, are not quiet or away, and have no other open offer."""
    hindered = or_(is_quiet(mechanic_id), is_away(mechanic_id), has_open_offer(mechanic_id))
    return and_(exists().where(Mechanic.id == mechanic_id, Mechanic.takes_favorites), ~hindered)


def is_quiet(mechanic_id: AMechanic) -> ColumnElement[bool]:
    """It is their quiet hours, by their own clock."""
    return exists().where(Mechanic.id == mechanic_id, User.id == Mechanic.user_id, _in_quiet_hours)


def is_away(mechanic_id: AMechanic) -> ColumnElement[bool]:
    """Since they were last back, their last two offers lapsed, and they did not even accept them later."""
    last = _ended(mechanic_id).limit(UNANSWERED).subquery()
    all_lapsed = and_(func.count() == UNANSWERED, ~func.bool_or(last.c.was_answered))
    return func.coalesce(select(all_lapsed).select_from(last).scalar_subquery(), False)


def has_open_offer(mechanic_id: AMechanic) -> ColumnElement[bool]:
    """Somebody waits for their answer."""
    return exists().where(is_preferred(mechanic_id), window_is_open)


def _ended(mechanic_id: AMechanic) -> Select[bool]:
    """Their offers that ended by their answer or a lapse, the latest first; what a customer ended says nothing."""
    since = func.coalesce(Mechanic.back_at, "-infinity")
    return (
        select(was_answered.label("was_answered"))
        .join(Mechanic, Mechanic.id == SessionRequest.preferred_mechanic_id)
        .where(is_preferred(mechanic_id), SessionRequest.priority_notified_at > since)
        .where(or_(was_answered, has_lapsed))
        .order_by(SessionRequest.priority_notified_at.desc())
    )
