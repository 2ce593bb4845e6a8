"""What a mechanic's pages show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, bindparam, case, or_, select

from favorites.db import Session, clock
from favorites.models import Customer, CustomerFavorite, SessionRequest
from favorites.models.session_request import is_accepted, is_open, open_to, was_asked, window_is_open
from favorites.queries.card import CARDS, MECHANIC, Card, Stage

LIMIT = 200  # cards of one board; the oldest come first, so nobody waits unseen for long

_THEIRS = SessionRequest.mechanic_id == MECHANIC
_BY_URGENCY = case((is_accepted, 0), (window_is_open, 1), else_=2)
BOARD = (
    CARDS.where(is_open, or_(and_(is_accepted, _THEIRS), open_to(MECHANIC)))
    .order_by(_BY_URGENCY, SessionRequest.created_at)
    .limit(bindparam("most"))
)
KNOWN = CARDS.where(SessionRequest.id == bindparam("request"), or_(_THEIRS, was_asked(MECHANIC)))


@dataclass(frozen=True)
class Board:
    """What a mechanic may answer, and what they are on; `now` is the database's clock."""

    now: datetime
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


def board(session: Session, mechanic_id: UUID) -> Board:
    """All there is on the board of one mechanic, the oldest first; two statements, however much it is."""
    now = session.scalars(select(clock())).one()
    rows = session.connection().execute(BOARD, {"mechanic": mechanic_id, "most": LIMIT + 1})
    found = [Card._make(row) for row in rows]
    is_cut_off = len(found) > LIMIT
    by_stage = {stage: [one for one in found[:LIMIT] if one.stage == stage] for stage in Stage}
    return Board(now, next(iter(by_stage[Stage.ACTIVE]), None), by_stage[Stage.OFFER], by_stage[Stage.OPEN], is_cut_off)


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
