"""Who is there: on shift, with a board that was open within the last 30 seconds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, func, select, text
from sqlalchemy.orm import aliased

from favorites.db import Session
from favorites.models import Mechanic, MechanicStatus, SessionRequest, Status
from favorites.models.attention import is_present


class PresenceState(StrEnum):
    AVAILABLE = "available"
    ON_A_JOB = "on_a_job"
    OFFLINE = "offline"


@dataclass(frozen=True)
class Presence:
    """What customers see of a mechanic; `last_seen` is when a board of theirs was last open, if ever."""

    state: PresenceState
    last_seen: datetime | None


OFFLINE = Presence(PresenceState.OFFLINE, None)

_job = aliased(SessionRequest)
_has_job = exists().where(_job.mechanic_id == Mechanic.id, _job.status == Status.ACCEPTED)
is_on_a_job: ColumnElement[bool] = _has_job.correlate(Mechanic)
# NULL (never seen) is not present.
presence_state: ColumnElement[str] = case(
    (func.coalesce(is_present, False).is_(False), PresenceState.OFFLINE),
    (is_on_a_job, PresenceState.ON_A_JOB),
    else_=PresenceState.AVAILABLE,
)


@dataclass(frozen=True)
class Standing:
    """What the mechanics' own table says of one, without looking at boards or jobs."""

    is_approved: bool
    last_seen: datetime | None


def presence_of(session: Session, mechanic_id: UUID) -> Presence:
    """One mechanic's presence; offline when there is no such mechanic."""
    return presences(session, [mechanic_id]).get(mechanic_id, OFFLINE)


def presences(session: Session, mechanic_ids: Iterable[UUID]) -> dict[UUID, Presence]:
    """The presence of each of these mechanics by id, in one statement; unknown ids are left out."""
    columns = select(Mechanic.id, presence_state.label("state"), Mechanic.board_seen_at)
    rows = session.execute(columns.where(Mechanic.id.in_(list(mechanic_ids))))
    return {row.id: Presence(PresenceState(row.state), row.board_seen_at) for row in rows}


def standing_of(session: Session, mechanic_id: UUID) -> Standing | None:
    """Whether a mechanic is approved and when last seen: one row by its key, no other table. None: no such mechanic."""
    columns = select(Mechanic.status, Mechanic.board_seen_at)
    row = session.execute(columns.where(Mechanic.id == mechanic_id)).one_or_none()
    return Standing(row.status == MechanicStatus.APPROVED, row.board_seen_at) if row else None


def limit_waiting(session: Session, milliseconds: int) -> None:
    """No later statement of this transaction takes longer, whatever holds it up (`sqlalchemy.exc.OperationalError`)."""
    session.execute(text("SELECT set_config('statement_timeout', :limit, true)"), {"limit": str(milliseconds)})
