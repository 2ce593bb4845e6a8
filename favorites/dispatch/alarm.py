"""The alarm: a session request that nobody takes, or that nobody is there for, is told to the owner once.

The board shows both by the clock alone. This writes it down, so that the post tells it by mail; exactly once for each
session request, however many pollers there are: the stamp is set where there is none.
"""

from sqlalchemy import update

from favorites.db import Session, clock
from favorites.dispatch import due, poison
from favorites.dispatch.actors import SYSTEM
from favorites.dispatch.answers.common import AFTER
from favorites.dispatch.events import Recorder
from favorites.dispatch.verb import log, say, verb
from favorites.models import Kind, SessionRequest
from favorites.models.attention import needs_rescue
from favorites.plans import KEEPS


def raise_alarms(session: Session) -> None:
    """All that are due. A failure holds up neither windows nor expiries: the next poll tries again."""
    try:
        while len(tell_unattended(session)) == due.BATCH:
            pass
    except Exception as error:
        poison.raise_if_away(error)
        log.warning("[Alarm] The owner could not be told", error=type(error).__name__)


@verb
def tell_unattended(session: Session) -> list[str]:
    """One batch; why of each: `rescue`, or `nobody_on_shift`."""
    found = due.unattended().cte("due")
    stamped = update(SessionRequest).where(SessionRequest.id == found.c.id)
    told = stamped.values(unattended_at=clock()).returning(*AFTER, needs_rescue().label("needs_rescue"))
    rows = session.execute(told, execution_options=KEEPS).all()
    reasons = ["rescue" if row.needs_rescue else "nobody_on_shift" for row in rows]
    for row, reason in zip(rows, reasons, strict=True):
        Recorder(session, row, SYSTEM, "unattended", reason=reason).record(Kind.REQUEST_UNATTENDED)
        say(session, f"[Alarm] Session request {row.id} needs the owner", reason=reason)
    return reasons
