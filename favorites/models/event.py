"""Audit trail, outbox and live feed: one append-only table.

A trigger takes a lock and then draws the id, so ids are in commit order and `Last-Event-ID` is one honest integer
(a plain serial lost 7 to 29 % of events to a reader of `id > last`, measured). No foreign keys: history outlives
people, and such a key deadlocks with a deletion.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, FetchedValue, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from favorites.db import Base
from favorites.models.columns import one_of


class Kind(StrEnum):
    PRIORITY_SESSION_REQUEST = "priority_session_request"
    NEW_REQUEST = "new_request"
    REQUEST_ACCEPTED = "request_accepted"
    REQUEST_CANCELLED = "request_cancelled"
    REQUEST_EXPIRED = "request_expired"
    REQUEST_WITHDRAWN = "request_withdrawn"
    REQUEST_OFFERED = "request_offered"
    REQUEST_DECLINED = "request_declined"
    REQUEST_BROADCAST = "request_broadcast"
    REQUEST_RELEASED = "request_released"
    REQUEST_STARTED = "request_started"
    REQUEST_COMPLETED = "request_completed"
    REQUEST_DELIVERED = "request_delivered"  # the offer is on a device of the preferred mechanic
    REQUEST_EXTENDED = "request_extended"  # its mechanic has five minutes more
    REQUEST_PROLONGED = "request_prolonged"  # its customer waits one lifetime more
    REQUEST_ASSIGNED = "request_assigned"  # to its mechanic: the owner gave it to them
    REQUEST_UNATTENDED = "request_unattended"  # nobody takes it, or nobody is on shift: told to the owner, once
    MESSAGE_SENT = "message_sent"  # in the talk of the two


class Audience(StrEnum):
    RECORD = "record"  # nobody is to hear it
    CUSTOMER = "customer"  # the session request's customer
    MECHANIC = "mechanic"  # the one in mechanic_id
    MECHANICS = "mechanics"  # every eligible one
    WORKSHOP = "workshop"  # the eligible ones of workshop_id


class RequestEvent(Base):
    __tablename__ = "request_events"
    __table_args__ = (
        one_of("kind", Kind, "kind_known"),
        one_of("audience", Audience, "audience_known"),
        Index("request_events_session_request_id_idx", "session_request_id", "id"),
        # What may be worth a mail, for whoever looks for it every few seconds: a sliver of the table.
        Index(
            "request_events_worth_a_mail_idx",
            "at",
            postgresql_where=text("audience = 'customer' AND kind IN ('request_accepted', 'request_expired')"),
        ),
        # The same for mails to the owner.
        Index("request_events_unattended_idx", "at", postgresql_where=text("kind = 'request_unattended'")),
        {"comment": "What happened to a session request: audit trail, outbox and live feed"},
    )

    id: Mapped[int] = mapped_column(
        BigInteger,
        primary_key=True,
        autoincrement=False,
        server_default=FetchedValue(),
        comment="In commit order; drawn by a trigger, under a lock",
    )
    session_request_id: Mapped[UUID] = mapped_column(comment="Which session request")
    kind: Mapped[str] = mapped_column(comment="The event's name on the stream")
    audience: Mapped[str] = mapped_column(comment="record, customer, mechanic, mechanics or workshop")
    mechanic_id: Mapped[UUID | None] = mapped_column(comment="Whom it is for, or about")
    workshop_id: Mapped[UUID | None] = mapped_column(comment="Whose mechanics it is for")
    customer_id: Mapped[UUID | None] = mapped_column(comment="Whose session request")
    actor: Mapped[str | None] = mapped_column(
        comment="customer:ID, mechanic:ID, admin:ID or system; on the first row of a transition"
    )
    payload: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'"), comment="Codes, ids and times; never words of or about a person"
    )
    at: Mapped[datetime] = mapped_column(
        server_default=text("clock_timestamp()"), comment="When, by the database's clock"
    )
