"""Web Push: where a browser is reached whose pages are closed, and what was sent there."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BindParameter, CheckConstraint, ColumnElement, ForeignKey, Index, and_
from sqlalchemy.orm import Mapped, mapped_column

from favorites.db import Base, clock
from favorites.models.columns import CreatedAt, Key, one_of
from favorites.models.people import Mechanic, MechanicStatus, sign_in_holds
from favorites.models.session_request import window_is_open

TRIES = 5  # each a little later than the one before


class PushSubscription(Base):
    __tablename__ = "push_subscriptions"
    __table_args__ = (
        CheckConstraint("length(endpoint) <= 2000", name="endpoint_fits"),
        Index("push_subscriptions_user_id_idx", "user_id"),
        {"comment": "Where a push service reaches a browser whose pages are closed"},
    )

    id: Mapped[Key]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), comment="Whose")
    # A browser has one: whatever it claims to have, it cannot make us send to many places.
    sign_in_id: Mapped[UUID] = mapped_column(
        ForeignKey("sign_ins.id", ondelete="CASCADE"),
        unique=True,
        comment="The sign-in of that browser; when it ends, so does this",
    )
    endpoint: Mapped[str] = mapped_column(
        unique=True, comment="Address at the push service; who knows it can send there"
    )
    p256dh: Mapped[str] = mapped_column(comment="The browser's public key, base64url: only it reads what is sent")
    auth: Mapped[str] = mapped_column(comment="The secret shared with the browser, base64url")
    created_at: Mapped[CreatedAt]


class SendingState(StrEnum):
    OFFERING = "offering"  # from nothing: a process has taken it, and hands it to the push service
    OFFERED = "offered"  # from offering: the push service has it
    ASSIGNING = "assigning"  # as offering: of a job that the owner gave to its mechanic
    ASSIGNED = "assigned"  # as offered
    CLOSING = "closing"  # from any other, when that is over: the notification is being taken back


class PushSending(Base):
    """Its keys are plain ids: a sender must never wait for a verb, nor a verb for a sender."""

    __tablename__ = "push_sendings"
    __table_args__ = (
        one_of("state", SendingState, "state_known"),
        {"comment": "Which offer or job is sent, or was, to which browser; gone when its notification is closed"},
    )

    session_request_id: Mapped[UUID] = mapped_column(
        primary_key=True, comment="The offer, there is one a session request; or the job"
    )
    subscription_id: Mapped[UUID] = mapped_column(primary_key=True, comment="The browser")
    state: Mapped[str] = mapped_column(comment="offering, offered, assigning, assigned or closing")
    tries: Mapped[int] = mapped_column(comment="How often it was tried in this state")
    due_at: Mapped[datetime] = mapped_column(
        comment="Until then it is in the hands of the process that took it; then of any"
    )


def is_worth_a_push(
    idle: timedelta | BindParameter[timedelta], is_so: ColumnElement[bool] = window_is_open
) -> ColumnElement[bool]:
    """The news `is_so`, its mechanic may answer, and their browser's sign-in holds (`idle`: as sign-ins have it)."""
    return and_(is_so, Mechanic.status == MechanicStatus.APPROVED, sign_in_holds(idle))


# Tried as often as it is, or refused for good; the device has not been told.
gave_up = and_(PushSending.state == SendingState.OFFERING, PushSending.tries >= TRIES, PushSending.due_at <= clock())
