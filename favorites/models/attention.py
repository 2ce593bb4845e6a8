"""What needs the owner: nobody takes it, nobody is there, or money does not go back; by the clock, announced or not."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Interval, and_, case, exists, func, or_, select

from favorites.db import clock
from favorites.models.house_rules import house_rules
from favorites.models.money import AT_THE_BANK, Payment
from favorites.models.people import Mechanic
from favorites.models.session_request import (
    SessionRequest,
    can_answer,
    everyone_was_asked,
    is_pending,
    workshop_is_not_alone,
)
from favorites.settings import current

FRESH = timedelta(seconds=30)  # processes write board_seen_at every 10 s, so a reload is no absence

is_present: ColumnElement[bool] = and_(Mechanic.shift_started_at.is_not(None), Mechanic.board_seen_at > clock() - FRESH)
_after_a_head_start = func.coalesce(SessionRequest.workshop_over_at, SessionRequest.workshop_until)
# Since when everyone, or its workshop, is asked; inside a window the moment from which on they will be.
asked_since: ColumnElement[datetime] = func.greatest(
    func.coalesce(
        SessionRequest.fallback_broadcast_at,
        SessionRequest.priority_expires_at,
        case((workshop_is_not_alone, _after_a_head_start)),
        SessionRequest.created_at,
    ),
    SessionRequest.reopened_at,
)
# Nobody who could take it is on shift.
has_nobody: ColumnElement[bool] = and_(is_pending, ~exists().where(can_answer, is_present).correlate(SessionRequest))
# A refund that the provider does not confirm, after a few tries; that it waits for the customer's bank is none.
MANY_TRIES = 3
refund_is_failing: ColumnElement[bool] = and_(
    Payment.refund_due_at.is_not(None),
    Payment.refund_problem != AT_THE_BANK,
    Payment.refund_tries >= MANY_TRIES,
)


def rescue_at() -> ColumnElement[datetime]:
    """When it has been asked for so long that the owner is to know: by the rule as it is now."""
    owners = select(house_rules.c.rescue_after_minutes).scalar_subquery()
    minutes = func.coalesce(owners, current().rescue_after_minutes)
    return asked_since + func.make_interval(0, 0, 0, 0, 0, minutes, type_=Interval())


def needs_rescue() -> ColumnElement[bool]:
    """Everyone, or its workshop, has been asked for so long, and nobody took it."""
    return and_(is_pending, everyone_was_asked, rescue_at() <= clock())


def is_unattended() -> ColumnElement[bool]:
    """What the owner is alarmed about."""
    return or_(needs_rescue(), has_nobody)
