"""What a mechanic's board shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Boolean, Text, and_, bindparam, case, exists, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from favorites.db import Session, clock
from favorites.models import Customer, CustomerFavorite, Mechanic, Plan, SessionRequest
from favorites.models.fairness import is_away, is_quiet
from favorites.models.session_request import is_accepted, is_open, is_preferred, open_to, was_asked, window_is_open
from favorites.plans import KEEPS
from favorites.queries.card import CARDS, MECHANIC, Card, Stage
from favorites.queries.events import NEWEST

LIMIT = 200  # cards of one board; the oldest come first, so nobody waits unseen for long

_THEIRS = SessionRequest.mechanic_id == MECHANIC
_BY_URGENCY = case((is_accepted, 0), (window_is_open, 1), else_=2)
_WORKSHOP = select(Mechanic.workshop_id).where(Mechanic.id == MECHANIC).scalar_subquery()
_FAVORS_THEM = exists().where(
    CustomerFavorite.customer_id == SessionRequest.customer_id, CustomerFavorite.mechanic_id == MECHANIC
)
# Of what everyone may answer; the job and the offers are never hidden.
_IS_SHOWN = and_(
    or_(bindparam("plan", type_=Text).is_(None), SessionRequest.plan_code == bindparam("plan")),
    or_(~bindparam("workshop", type_=Boolean), SessionRequest.workshop_id == _WORKSHOP),
    or_(~bindparam("mine", type_=Boolean), is_preferred(MECHANIC), _FAVORS_THEM),
)
BOARD = (
    CARDS.where(is_open, or_(and_(is_accepted, _THEIRS), open_to(MECHANIC)))
    .where(or_(is_accepted, window_is_open, _IS_SHOWN))
    .order_by(_BY_URGENCY, SessionRequest.created_at)
    .limit(LIMIT + 1)
    .execution_options(**KEEPS)
)
_PLANS = func.json_agg(aggregate_order_by(func.json_build_array(Plan.code, Plan.name), Plan.position))
# Before the cards: what comes between is told twice, never missed.
HEAD = select(
    NEWEST.scalar_subquery(),
    clock(),
    is_quiet(MECHANIC),
    is_away(MECHANIC),
    select(_PLANS).where(Plan.is_active).scalar_subquery(),
).execution_options(**KEEPS)
KNOWN = CARDS.where(SessionRequest.id == bindparam("request"), or_(_THEIRS, was_asked(MECHANIC))).execution_options(
    **KEEPS
)


class Shown(NamedTuple):
    """Which of the open requests a board shows: of one plan, for the mechanic's workshop, of those who favor them."""

    plan: str | None = None
    workshop: bool = False
    mine: bool = False


EVERYTHING = Shown()


@dataclass(frozen=True)
class Board:
    """What a mechanic may answer, and what they are on; `now` is the database's clock.

    `after`: the newest event that it is sure to show. `is_quiet`, `is_away`: why they are not asked first. `plans`:
    code and name of each that is offered.
    """

    after: int
    now: datetime
    is_quiet: bool
    is_away: bool
    plans: Sequence[tuple[str, str]]
    active: Card | None
    offers: Sequence[Card]
    open_requests: Sequence[Card]
    is_cut_off: bool


@dataclass(frozen=True)
class Admirer:
    """A customer who marked this mechanic as a favorite."""

    customer_id: UUID
    first_name: str
    since: datetime


def board(session: Session, mechanic_id: UUID, shown: Shown = EVERYTHING) -> Board:
    """All there is on the board of one mechanic, the oldest first; two statements, however much it is."""
    after, now, is_quiet_now, is_away_now, plans = session.execute(HEAD, {"mechanic": mechanic_id}).one()
    rows = session.connection().execute(BOARD, {"mechanic": mechanic_id, **shown._asdict()})
    found = [Card._make(row) for row in rows]
    is_cut_off = len(found) > LIMIT
    by_stage = {stage: [one for one in found[:LIMIT] if one.stage == stage] for stage in Stage}
    active, offers, open_requests = (
        next(iter(by_stage[Stage.ACTIVE]), None),
        by_stage[Stage.OFFER],
        by_stage[Stage.OPEN],
    )
    return Board(after, now, is_quiet_now, is_away_now, plans, active, offers, open_requests, is_cut_off)


def known_request(session: Session, mechanic_id: UUID, request_id: UUID) -> Card | None:
    """A session request that is or was this mechanic's to see; None for every other, as if there were none."""
    row = session.connection().execute(KNOWN, {"mechanic": mechanic_id, "request": request_id}).one_or_none()
    return Card._make(row) if row else None


def admirers(session: Session, mechanic_id: UUID) -> Sequence[Admirer]:
    """The customers who have this mechanic among their favorites, by first name."""
    statement = (
        select(Customer.id, Customer.first_name, CustomerFavorite.created_at)
        .join(CustomerFavorite, CustomerFavorite.customer_id == Customer.id)
        .where(CustomerFavorite.mechanic_id == mechanic_id)
        .order_by(Customer.first_name, CustomerFavorite.created_at)
    )
    return [Admirer(*row) for row in session.execute(statement)]
