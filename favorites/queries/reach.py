"""Which mechanics whom customers favor can be reached, and how."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, func, select

from favorites.db import Session, clock
from favorites.models import CustomerFavorite, Mechanic, MechanicStatus, PushSubscription, SignIn, User
from favorites.models.people import sign_in_holds

LATELY = timedelta(days=7)


@dataclass(frozen=True)
class Reach:
    """A mechanic who may be asked first: by push on a closed board, or only on a board that was open lately."""

    name: str
    customers: int
    has_push: bool
    has_board: bool
    is_confirmed: bool


def reach(session: Session, idle: timedelta) -> Sequence[Reach]:
    """Approved mechanics who take first offers and whom a customer favors, most favored first. `idle`: as sign-ins."""
    subscribed = exists().where(
        PushSubscription.user_id == User.id, SignIn.id == PushSubscription.sign_in_id, sign_in_holds(idle)
    )
    customers = func.count(CustomerFavorite.customer_id)
    found = (
        select(
            func.trim(Mechanic.first_name + " " + Mechanic.last_name),
            customers,
            subscribed.correlate(User),
            func.coalesce(Mechanic.board_seen_at > clock() - LATELY, False),
            User.confirmed_at.is_not(None),
        )
        .join(User, User.id == Mechanic.user_id)
        .join(CustomerFavorite, CustomerFavorite.mechanic_id == Mechanic.id)
        .where(Mechanic.status == MechanicStatus.APPROVED, Mechanic.takes_favorites, User.active)
        .group_by(Mechanic.id, User.id)
        .order_by(customers.desc(), Mechanic.first_name, Mechanic.id)
    )
    return [Reach(*row) for row in session.execute(found)]


def approved(session: Session) -> int:
    """How many mechanics may help."""
    return session.scalars(select(func.count()).where(Mechanic.status == MechanicStatus.APPROVED)).one()
