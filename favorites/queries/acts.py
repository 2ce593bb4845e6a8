"""What the owner did to somebody or something, as they read it later: when, what, who, why."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, case, cast, func, select

from favorites.db import Session
from favorites.models import User, Workshop
from favorites.models.owner_event import OwnerEvent, OwnerKind
from favorites.queries.sentences import ACTS, INDEPENDENT, JUDGED_BECAUSE

MOST = 50  # the newest

# The account behind `admin:ID`; NULL for everybody else.
owner_id: ColumnElement[UUID] = case(
    (OwnerEvent.actor.startswith("admin:"), cast(func.substr(OwnerEvent.actor, 7), Uuid))
)


class Act(NamedTuple):
    """One act: a sentence without its full stop; `who`: an owner's address; `note`: the owner's own words."""

    at: datetime
    text: str
    who: str
    note: str


def acts(session: Session, subject_id: UUID) -> Sequence[Act]:
    """What was done to this mechanic, customer or workshop, the newest first."""
    joined = Workshop.id == case(
        (OwnerEvent.kind == OwnerKind.WORKSHOP_JOINED, cast(OwnerEvent.payload["workshop_id"].astext, Uuid))
    )
    told = (
        select(OwnerEvent, User.email, Workshop.name)
        .outerjoin(User, User.id == owner_id)
        .outerjoin(Workshop, joined)
        .where(OwnerEvent.subject_id == subject_id)
        .order_by(OwnerEvent.id.desc())
        .limit(MOST)
    )
    return [_act(*row) for row in session.execute(told)]


def who_did(actor: str, email: str | None) -> str:
    """An owner's address, or where there is none what acted."""
    return email or ("a former owner" if actor.startswith("admin:") else "the command line")


def _act(event: OwnerEvent, email: str | None, workshop: str | None) -> Act:
    return Act(event.at, _text(event, workshop), who_did(event.actor, email), event.note)


def _text(event: OwnerEvent, workshop: str | None) -> str:
    kind, payload = OwnerKind(event.kind), event.payload
    if kind is OwnerKind.WORKSHOP_JOINED and "workshop_id" not in payload:
        return INDEPENDENT
    if kind is OwnerKind.WORKSHOP_CHANGED:
        return _change(payload)
    why = JUDGED_BECAUSE.get(str(payload.get("reason")), "")
    names = {"why": why, "workshop": workshop or "a workshop", "credits": f"{payload.get('credits', 0):+d}"}
    return ACTS.get(kind, event.kind.replace("_", " ").capitalize()).format_map(names)


def _change(payload: Mapping[str, Any]) -> str:
    if "is_active" in payload:
        return "Reopened" if payload["is_active"] else "Closed"
    routing = {"hybrid": "its own mechanics are asked first, then everyone"}
    return f"Called {payload.get('name')}; {routing.get(str(payload.get('routing')), 'its own mechanics are asked')}"
