"""The only way to write an event: collected by the verb, inserted in one statement right before its commit.

After the first event of a transaction nothing may wait for a row lock (9 deadlocks in 10 s when it did, measured),
and the lock under which the ids are drawn is then held for the length of a commit only.
"""

import json
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.orm import Session as OneSession

from favorites import crash
from favorites.db import Session
from favorites.dispatch.actors import Actor
from favorites.dispatch.prepared import Prepared
from favorites.models import Audience, Kind


class Subject(Protocol):
    """A session request, or a row of one."""

    @property
    def id(self) -> UUID: ...
    @property
    def customer_id(self) -> UUID: ...


class Recorder:
    """Writes the events of one transition: the first one carries who, by which rule, and why."""

    def __init__(self, session: Session, subject: Subject, actor: Actor, rule: str, **why: Any) -> None:
        self.session, self.subject = session, subject
        self.first: dict[str, Any] | None = {"actor": str(actor), "payload": {"rule": rule, **_given(why)}}

    def customer(self, kind: Kind, **payload: Any) -> None:
        """Tell its customer."""
        self._add(kind, Audience.CUSTOMER, payload)

    def mechanic(self, kind: Kind, mechanic_id: UUID, **payload: Any) -> None:
        """Tell one mechanic."""
        self._add(kind, Audience.MECHANIC, payload, mechanic_id=mechanic_id)

    def everyone(self, kind: Kind, workshop_id: UUID | None = None, **payload: Any) -> None:
        """Tell every eligible mechanic, or those of the workshop that alone is asked."""
        audience = Audience.WORKSHOP if workshop_id else Audience.MECHANICS
        self._add(kind, audience, payload, workshop_id=workshop_id)

    def everyone_else(self, kind: Kind, workshop_id: UUID | None, **payload: Any) -> None:
        """Tell every eligible mechanic but those of this workshop."""
        self._add(kind, Audience.MECHANICS, payload, workshop_id=workshop_id)

    def record(self, kind: Kind, **payload: Any) -> None:
        """Write it down; nobody is to hear it."""
        self._add(kind, Audience.RECORD, payload)

    def _add(self, kind: Kind, audience: Audience, payload: dict[str, Any], **to: UUID | None) -> None:
        first, self.first = self.first or {"actor": None, "payload": {}}, None
        row = {
            "session_request_id": self.subject.id,
            "customer_id": self.subject.customer_id,
            "kind": kind.value,
            "audience": audience.value,
            "mechanic_id": None,
            "workshop_id": None,
            "actor": first["actor"],
            "payload": {**first["payload"], **_given(payload)},
            **to,
        }
        self.session.info.setdefault("events", []).append(row)


def _given(payload: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in payload.items() if value is not None}


@event.listens_for(OneSession, "before_commit")
def _insert_at_the_end(session: OneSession) -> None:
    if not session.in_nested_transaction():
        insert_events(session)


def insert_events(session: Session) -> None:
    """Insert what the verb recorded, all in one statement, behind everything else of the transaction."""
    if not session.info.get("events"):
        return
    session.flush()
    _written.run(session, rows=json.dumps(session.info.pop("events"), default=str))
    crash.here(f"{session.info.get('verb')}.events_inserted")


# All in one value, so that it is the same statement for two events and for four hundred; in their order.
_written = Prepared(
    text(
        """INSERT INTO request_events
             (session_request_id, kind, audience, mechanic_id, workshop_id, customer_id, actor, payload)
           SELECT session_request_id, kind, audience, mechanic_id, workshop_id, customer_id, actor, payload
             FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS event (
               session_request_id uuid, kind text, audience text, mechanic_id uuid, workshop_id uuid,
               customer_id uuid, actor text, payload jsonb)"""
    )
)
