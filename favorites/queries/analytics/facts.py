"""What is counted, each thing once: numbers and the lists behind them go by the same condition.

All are about decided session requests: an open window can still become anything, so it counts nowhere.
"""

from datetime import datetime
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    SQLColumnExpression,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from favorites.models import FallbackReason, Kind, RequestEvent, SessionRequest, Status
from favorites.models.session_request import had_window, has_lapsed, window_is_open
from favorites.queries.analytics.span import Span

Condition = ColumnElement[bool]
Columns = ReadOnlyColumnCollection[str, Any]
COUNTED = (
    *("offers", "won", "withdrawn", "fell_back"),
    *("no_response", "declined", "customer_opened", "unavailable", "released"),
    *("delivered", "asked", "expired", "asked_first", "expired_first", "asked_at_once", "expired_at_once", "held"),
)
BITS = {name: 1 << place for place, name in enumerate(COUNTED)}  # all that a row counts as, in one number

# An acceptance that was taken back is in the events alone.
_taken_before_release = (
    select(func.min(RequestEvent.at))
    .where(
        RequestEvent.session_request_id == SessionRequest.id,
        RequestEvent.kind == Kind.REQUEST_ACCEPTED,
        RequestEvent.actor == literal("mechanic:") + cast(SessionRequest.preferred_mechanic_id, String),
    )
    .scalar_subquery()
)
# Inside a window nobody else accepts: where both are deleted it was the one who was asked first.
_is_theirs = or_(
    SessionRequest.mechanic_id == SessionRequest.preferred_mechanic_id,
    and_(
        SessionRequest.mechanic_id.is_(None),
        SessionRequest.preferred_mechanic_id.is_(None),
        SessionRequest.fallback_broadcast_at.is_(None),
    ),
)
_taken_at: ColumnElement[datetime] = case(
    (SessionRequest.fallback_reason == FallbackReason.RELEASED, _taken_before_release),
    (and_(_is_theirs, SessionRequest.assigned_at.is_(None)), SessionRequest.accepted_at),
)
# Accepted first, by an answer of theirs before the window's end, whatever came of it later.
was_won: Condition = _taken_at <= SessionRequest.priority_expires_at
# A lapse counts by the clock, whether it was announced or not.
_reason: ColumnElement[str] = func.coalesce(
    SessionRequest.fallback_reason, case((has_lapsed, FallbackReason.NO_RESPONSE.value))
)
_window_left_at = func.least(SessionRequest.fallback_broadcast_at, SessionRequest.priority_expires_at)


def made(span: Span) -> Select[*tuple[Any, ...]]:
    """A row for each session request that was made in this time, with what is counted by.

    `counts`: see `counts_as`. `reason`: why its window was left; NULL without an offer, too.
    Seconds are NULL where there is nothing to time.
    """
    is_offer = and_(had_window, ~window_is_open)
    told = select(
        SessionRequest.id,
        SessionRequest.session_id,
        SessionRequest.customer_id,
        SessionRequest.created_at,
        SessionRequest.priority_window_minutes.label("window"),
        SessionRequest.preferred_mechanic_id.label("mechanic_id"),
        (SessionRequest.mechanic_id == SessionRequest.preferred_mechanic_id).label("is_theirs"),
        SessionRequest.status,
        span.made_at.label("made_at"),
        had_window.label("had_window"),
        is_offer.label("is_offer"),
        SessionRequest.accepted_at.is_(None).label("is_unanswered"),
        SessionRequest.assigned_at.is_not(None).label("is_assigned"),
        case((is_offer, _reason)).label("reason"),
        SessionRequest.priority_notified_at,
        was_won.label("was_won"),
        _taken_at.label("taken_at"),
        _window_left_at.label("left_at"),
        _seconds(SessionRequest.priority_notified_at, SessionRequest.created_at).label("delay"),
        _seconds(SessionRequest.delivered_at, SessionRequest.priority_notified_at).label("delivery"),
    )
    each = told.where(span.holds).subquery("each").c
    is_won = and_(each.is_offer, each.was_won)
    return select(
        *(each.id, each.session_id, each.customer_id, each.mechanic_id, each.created_at, each.window, each.reason),
        *(span.step(each.made_at).label("step"), span.hour(each.made_at).label("hour")),
        _counts_as(each, is_won).label("counts"),
        case((is_won, _seconds(each.taken_at, each.priority_notified_at))).label("response"),
        case((each.reason.is_not(None), _seconds(each.left_at, each.priority_notified_at))).label("waited"),
        case((each.is_offer, each.delay)).label("delay"),
        case((each.is_offer, each.delivery)).label("delivery"),
    )


def _seconds(later: SQLColumnExpression[Any], earlier: SQLColumnExpression[Any]) -> ColumnElement[Any]:
    return func.date_part("epoch", later - earlier)  # `extract` counts in decimals, which takes longer


def _counts_as(its: Columns, is_won: Condition) -> ColumnElement[int]:
    """All bits of a session request."""
    is_over, has_expired = its.status != Status.PENDING, its.status == Status.EXPIRED
    of_offers = {
        "offers": true(),
        "won": is_won,
        "withdrawn": and_(
            its.reason.is_(None),
            or_(its.is_assigned, and_(its.status == Status.CANCELLED, its.is_unanswered)),
        ),
        "fell_back": its.reason.is_not(None),
        "no_response": its.reason == FallbackReason.NO_RESPONSE,
        "declined": its.reason == FallbackReason.DECLINED,
        "customer_opened": its.reason == FallbackReason.CUSTOMER_OPENED,
        "unavailable": its.reason == FallbackReason.UNAVAILABLE,
        "released": its.reason == FallbackReason.RELEASED,
        "delivered": its.delivery.is_not(None),
        "held": and_(its.status == Status.COMPLETED, its.is_theirs),
    }
    of_all = {
        "asked": is_over,
        "expired": has_expired,
        "asked_first": and_(is_over, its.had_window),
        "expired_first": and_(has_expired, its.had_window),
        "asked_at_once": and_(is_over, ~its.had_window),
        "expired_at_once": and_(has_expired, ~its.had_window),
    }
    return case((its.is_offer, _bits(of_offers)), else_=0) + _bits(of_all)


def _bits(counts: dict[str, Condition]) -> ColumnElement[int]:
    return reduce(add, (case((is_it, BITS[name]), else_=0) for name, is_it in counts.items()))


def counts_as(of: FromClause, name: str) -> Condition:
    """The row counts as this."""
    return of.c.counts.op("&")(BITS[name]) == BITS[name]  # "<> 0" the planner takes for all of them
