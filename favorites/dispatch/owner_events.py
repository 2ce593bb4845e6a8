"""What the owner did: told inside the verb that did it, in the same transaction."""

from typing import NamedTuple
from uuid import UUID

from favorites.db import Session
from favorites.dispatch.actors import Actor
from favorites.models.owner_event import OwnerEvent, OwnerKind, Reason


class Why(NamedTuple):
    """Why the owner moved a session request: a code of a closed set, and their own words if they like."""

    reason: Reason
    note: str = ""


def tell(
    session: Session, kind: OwnerKind, actor: Actor, subject_id: UUID | None = None, note: str = "", **payload: object
) -> None:
    """Write down what was done to whom or what (None: the house), and in the owner's own words why.

    `payload`: codes, ids, numbers and times, as JSON takes them. No foreign key: it waits for nobody's lock.
    """
    told = OwnerEvent(kind=kind.value, actor=str(actor), subject_id=subject_id, note=note, payload=payload)
    session.add(told)


def tell_why(
    session: Session, kind: OwnerKind, actor: Actor, request_id: UUID, why: Why | None, **payload: object
) -> None:
    """The same of a session request; nothing where it was not the owner who acted."""
    if why:
        tell(session, kind, actor, request_id, why.note, reason=why.reason.value, **payload)
