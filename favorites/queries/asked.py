"""Who is asked while everyone is, or a workshop; and why it came to that."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select

from favorites.db import Session
from favorites.models import FallbackReason, Kind, Mechanic, SessionRequest
from favorites.models.attention import is_present
from favorites.models.session_request import can_answer
from favorites.queries.presence import is_on_a_job
from favorites.queries.sentences import ASKED_AFTER, EVERYONE
from favorites.queries.timeline import Entry
from favorites.queries.waiting import Waiting


class Asked(NamedTuple):
    """How many mechanics may answer now; `on_a_job`: of those on shift."""

    mechanics: int
    on_shift: int
    on_a_job: int

    @property
    def sentence(self) -> str:
        """In plain words, whether anybody is there."""
        if not self.mechanics:
            return "There is no mechanic left who could be asked right now."
        asked = "1 mechanic is asked" if self.mechanics == 1 else f"{self.mechanics} mechanics are asked"
        if not self.on_shift:
            return f"{asked}. Nobody is on shift right now; they can answer all the same."
        busy = f", {self.on_a_job} of them on a job" if self.on_a_job else ""
        return f"{asked}; {self.on_shift} {'is' if self.on_shift == 1 else 'are'} on shift now{busy}."


def asked(session: Session, request_id: UUID) -> Asked:
    """Who may answer this session request while everyone, or its workshop, is asked."""
    counts = select(
        func.count(), func.count().filter(is_present), func.count().filter(is_present, is_on_a_job)
    ).select_from(Mechanic)
    theirs = counts.join(SessionRequest, SessionRequest.id == request_id).where(can_answer)
    return Asked(*session.execute(theirs).one())


def because(found: Waiting, entries: Sequence[Entry]) -> str | None:
    """Why everyone is asked, as the timeline tells it, without its full stop; None where there is no more to it."""
    if found.stage != "broadcast":
        return None
    steps = list(entries)
    while steps and steps[-1].kind != Kind.REQUEST_BROADCAST:
        steps.pop()
    if not steps:  # the clock has ended the window, and nobody has announced it yet
        first = found.session_request.preferred_mechanic
        return ASKED_AFTER[FallbackReason.NO_RESPONSE].format(first=first.first_name) if first else None
    if steps[-1].text != EVERYONE:
        return steps[-1].text
    return steps[-2].text if len(steps) > 1 and steps[-2].kind == Kind.REQUEST_DECLINED else None
