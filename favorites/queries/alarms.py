"""What needs the owner now, for every page of their room."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, true

from favorites.db import Session, clock
from favorites.models import Mechanic, MechanicStatus, Payment, SessionRequest
from favorites.models.attention import has_nobody, is_present, needs_rescue, refund_is_failing
from favorites.models.session_request import is_accepted, is_open, is_pending
from favorites.queries.events import NEWEST


@dataclass(frozen=True)
class Alarms:
    """Counts, and `now`, the database's clock; `after`: the newest event that they are sure to know of.

    `rescues` and `alone` may be the same session requests; `unattended` counts each once. `failing`: refunds that the
    provider does not confirm.
    """

    after: int
    now: datetime
    unattended: int
    rescues: int
    alone: int
    applications: int
    waiting: int
    accepted: int
    on_shift: int
    failing: int

    @property
    def sentences(self) -> list[str]:
        """What is wrong, in words; nothing when nothing is."""
        told = []
        if self.alone:
            told.append(f"{_customers(self.alone)} and nobody who could help is on shift.")
        if self.rescues:
            told.append(f"{_customers(self.rescues)} for too long: nobody has taken it.")
        return told


def alarms(session: Session) -> Alarms:
    """All of it, in one statement that reads open rows and owed refunds only."""
    unattended = select(
        func.count().filter(or_(needs_rescue(), has_nobody)).label("unattended"),
        func.count().filter(needs_rescue()).label("rescues"),
        func.count().filter(has_nobody).label("alone"),
        func.count().filter(is_pending).label("waiting"),
        func.count().filter(is_accepted).label("accepted"),
    ).select_from(SessionRequest)
    open_ = unattended.where(is_open).subquery()
    people = select(
        func.count().filter(Mechanic.status == MechanicStatus.PENDING).label("applications"),
        func.count().filter(Mechanic.status == MechanicStatus.APPROVED, is_present).label("on_shift"),
    ).subquery()
    refunds = select(func.count().label("failing")).select_from(Payment).where(refund_is_failing).subquery()
    counts = select(NEWEST.scalar_subquery().label("after"), clock().label("now"), open_, people, refunds)
    joined = counts.join_from(open_, people, true()).join(refunds, true())
    return Alarms(**session.execute(joined).one()._asdict())


def _customers(number: int) -> str:
    return "1 customer waits" if number == 1 else f"{number} customers wait"
