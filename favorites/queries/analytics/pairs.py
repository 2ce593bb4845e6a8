"""What a customer and their favorite mechanic did together: consultations, repeats, money and credits."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, exists, func, select
from sqlalchemy.orm import aliased

from favorites.models import Consultation, CreditEntry, Payment
from favorites.models.consultation import PaidBy
from favorites.models.money import AFTERWARDS, EntryKind
from favorites.queries.analytics.facts import counts_as
from favorites.queries.analytics.grouping import EACH_AND_PAIRS, KEYS, by_each, told

PAIRS = 100  # of the pairs, who met most often
EARNED = ("money", "credits")
OF_PAIRS = ("pairs", "repeats", "paid", "by_credits")


def meetings(made: FromClause) -> Select[*tuple[Any, ...]]:
    """A row for each consultation that a favorite held: of whom, when, its money, and what it counts as.

    What was given back afterwards is no money of theirs.
    """
    its = made.c
    number = func.row_number().over(partition_by=(its.customer_id, its.mechanic_id), order_by=(its.created_at, its.id))
    # Each is looked for where it can be, and nowhere else.
    online, by_credits = (
        case((Consultation.paid_by == way, its.session_id)) for way in (PaidBy.PAYMENT, PaidBy.CREDITS)
    )
    given_back = exists().where(Payment.session_id == online, Payment.refund_reason.in_(AFTERWARDS))
    returned = aliased(CreditEntry)
    is_returned = exists().where(returned.session_id == by_credits, returned.kind == EntryKind.REFUND)
    spent = and_(CreditEntry.session_id == by_credits, CreditEntry.kind == EntryKind.SPEND, ~is_returned)
    is_paid, is_by_credits = and_(online.is_not(None), ~given_back), CreditEntry.id.is_not(None)
    return (
        select(
            *(its.id, its.customer_id, its.mechanic_id, its.step, its.hour),
            (number == 1).label("pairs"),
            (number > 1).label("repeats"),
            is_paid.label("paid"),
            is_by_credits.label("by_credits"),
            case((is_paid, Consultation.price_cents), else_=0).label("money"),
            func.coalesce(-CreditEntry.credits, 0).label("credits"),
        )
        .outerjoin(Consultation, Consultation.id == its.session_id)
        .outerjoin(CreditEntry, spent)
        .where(counts_as(made, "held"))
    )


def pairs(made: FromClause) -> Select[*tuple[Any, ...]]:
    """In all, by mechanic, by step, by hour, and the pairs who met most often; `place` 1 is the best."""
    met = meetings(made).subquery("met")
    by, sets = by_each(met, EACH_AND_PAIRS)
    keys = [met.c[name] for name in KEYS]
    counts: list[ColumnElement[Any]] = [func.count().filter(met.c[name]).label(name) for name in OF_PAIRS]
    earned = [func.coalesce(func.sum(met.c[name]), 0).label(name) for name in EARNED]
    groups = select(by, *keys, func.count().label("held"), *counts, *earned).group_by(sets).subquery("groups")
    its = groups.c
    best_first = (its.held.desc(), its.money.desc(), its.credits.desc(), its.customer_id, its.mechanic_id)
    place = func.row_number().over(partition_by=its.by, order_by=best_first).label("place")
    placed = select(*its, place).subquery("placed")
    numbers = {name: placed.c[name] for name in ("held", *OF_PAIRS, *EARNED, "place")}
    return told(placed.c.by, placed, numbers).where((placed.c.by != "pair") | (placed.c.place <= PAIRS))
