"""Counts and times of offers: in all, by mechanic, by step and by hour.

Rows are first counted by what they are, a few thousand kinds at most; then each figure sums the kinds that it means,
so that no figure looks at every row.
"""

from typing import Any

from sqlalchemy import FromClause, Select, func, select

from favorites.queries.analytics.facts import COUNTED, counts_as
from favorites.queries.analytics.grouping import EACH, by_each, told

SPREADS = ("response", "delay", "delivery")
TIMED = {"response": "won", "delay": "offers", "delivery": "delivered", "waited": "fell_back"}  # and what each is of
SHARES = {"median": 0.5, "p95": 0.95}


def counts(made: FromClause) -> Select[*tuple[Any, ...]]:
    """How many of what, and the means and sums of times, in seconds; `waited` in minutes."""
    by, sets = by_each(made, EACH, made.c.counts)
    sums = [func.sum(made.c[name]).label(name) for name in TIMED]
    keys = [made.c[name] for name in ("mechanic_id", "step", "hour", "counts")]
    kinds = select(by, *keys, func.count().label("n"), *sums).group_by(sets).subquery("kinds")
    its = kinds.c
    numbers = {name: func.coalesce(func.sum(its.n).filter(counts_as(kinds, name)), 0) for name in COUNTED}
    means = {f"{name}_mean": func.sum(its[name]) / func.nullif(numbers[of], 0) for name, of in TIMED.items()}
    waited = {"waited": func.coalesce(func.sum(its.waited) / 60, 0)}
    return told(its.by, kinds, numbers | means | waited).group_by(its.by, its.mechanic_id, its.step, its.hour)


def spreads(made: FromClause) -> Select[*tuple[Any, ...]]:
    """Medians and 95th percentiles, in seconds."""
    by, sets = by_each(made, EACH)
    numbers = {
        f"{name}_{word}": func.percentile_cont(share).within_group(made.c[name])
        for name in SPREADS
        for word, share in SHARES.items()
    }
    return told(by, made, numbers, without=("customer_id",)).where(counts_as(made, "offers")).group_by(sets)
