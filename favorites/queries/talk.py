"""The talk of a consultation, as one of the two, or the owner, reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ScalarSelect,
    Select,
    SQLColumnExpression,
    Uuid,
    bindparam,
    func,
    select,
)

from favorites.db import Session
from favorites.models import Customer, Mechanic, Message, Photo, Plan, SessionRead, SessionRequest
from favorites.models.session_request import is_accepted, talk_is_open
from favorites.plans import KEEPS

PAGE = 30  # messages
MOST = 100  # messages that came since

# A consultation's id, or the column of one.
AConsultation = UUID | SQLColumnExpression[UUID | None]


class Line(NamedTuple):
    """One message. `who`: the first name, None when they are deleted; `key`: as its author's page made it.

    `width` and `height` are the preview's, in pixels, where it is a photo.
    """

    id: UUID
    number: int
    at: datetime
    body: str
    who: str | None
    is_mine: bool
    key: str | None
    width: int | None
    height: int | None


@dataclass(frozen=True)
class Reader:
    """Who reads: the user, and the mechanic whose talk it is; the owner reads all of them."""

    user_id: UUID | BindParameter[UUID]
    mechanic_id: UUID | BindParameter[UUID] | None
    is_owner: bool = False

    @property
    def may_read(self) -> ColumnElement[bool]:
        """What was said to one mechanic no other reads, and the customer reads on with the one there is now."""
        if self.is_owner:
            return Message.id.is_not(None)
        return Message.mechanic_id.is_not_distinct_from(self.mechanic_id)


@dataclass(frozen=True)
class Talk:
    """A page of it, the oldest first; `has_earlier` and `has_later` say whether there is more."""

    lines: Sequence[Line]
    has_earlier: bool
    has_later: bool
    is_open: bool
    unread: int
    read_up_to: int  # a number


class StillOpen(NamedTuple):
    """A completed consultation, and how many messages wait in it for its mechanic."""

    session_id: UUID
    first_name: str
    plan: str
    completed_at: datetime
    unread: int


def talk(session: Session, session_id: UUID, reader: Reader, before: int | None = None) -> Talk:
    """The newest messages, or those before a number. The consultation has a session request."""
    upper = [Message.number < before] if before is not None else []
    newest = _lines(session_id, reader, *upper).order_by(Message.number.desc()).limit(PAGE + 1)
    found = [Line._make(row) for row in session.execute(newest)][::-1]
    state = select(talk_is_open, unread(session_id, reader), _read_up_to(session_id, reader.user_id))
    is_open, count, number = session.execute(state.where(SessionRequest.session_id == session_id)).one()
    return Talk(found[-PAGE:], len(found) > PAGE, before is not None, is_open, count, number)


def since(session: Session, session_id: UUID, reader: Reader, after: int) -> Sequence[Line]:
    """What came after a number, the oldest first, at most MOST."""
    later = _lines(session_id, reader, Message.number > after).order_by(Message.number).limit(MOST)
    return [Line._make(row) for row in session.execute(later)]


def unread(session_id: AConsultation, reader: Reader) -> ScalarSelect[int]:
    """How many messages of the other came since this one last read, or wrote."""
    written = select(func.max(Message.number)).where(*_in(session_id, reader), Message.user_id == reader.user_id)
    seen = func.greatest(_read_up_to(session_id, reader.user_id), func.coalesce(_alone(written), 0))
    others = Message.user_id.is_distinct_from(reader.user_id)
    new = (*_in(session_id, reader), others, Message.number > seen)
    return _alone(select(func.count()).select_from(Message).where(*new))


def how_many_unread(session: Session, session_id: UUID, reader: Reader) -> int:
    """The same, asked alone."""
    return session.execute(select(unread(session_id, reader))).scalar_one()


def still_open(session: Session, reader: Reader) -> Sequence[StillOpen]:
    """The completed consultations of a mechanic in which the two can still write, the latest first."""
    whose = {"user_id": reader.user_id, "mechanic_id": reader.mechanic_id}
    return [StillOpen._make(row) for row in session.execute(_still_open(), whose)]


@cache
def _still_open() -> Select[*tuple[Any, ...]]:
    """Made once: every board asks it."""
    mechanic_id = bindparam("mechanic_id", type_=Uuid())
    its, reader = SessionRequest.session_id, Reader(bindparam("user_id", type_=Uuid()), mechanic_id)
    return (
        select(its, Customer.first_name, Plan.name, SessionRequest.closed_at, unread(its, reader))
        .join(Customer, Customer.id == SessionRequest.customer_id)
        .join(Plan, Plan.code == SessionRequest.plan_code)
        .where(SessionRequest.mechanic_id == mechanic_id, its.is_not(None), ~is_accepted, talk_is_open)
        .order_by(SessionRequest.closed_at.desc())
        .execution_options(**KEEPS)
    )


def photo(session: Session, session_id: UUID, reader: Reader, photo_id: UUID, *, is_small: bool) -> bytes | None:
    """The JPEG of a message of this talk; None for any other."""
    column = Photo.preview if is_small else Photo.content
    found = select(column).join(Message, Message.id == Photo.message_id)
    return session.scalar(found.where(Photo.message_id == photo_id, *_in(session_id, reader)))


def _in(session_id: AConsultation, reader: Reader) -> tuple[ColumnElement[bool], ...]:
    return Message.session_id == session_id, reader.may_read


def _read_up_to(session_id: AConsultation, user_id: UUID | BindParameter[UUID]) -> ColumnElement[int]:
    mark = select(SessionRead.number).where(SessionRead.session_id == session_id, SessionRead.user_id == user_id)
    return func.coalesce(_alone(mark), 0)


def _alone(one: Select[int]) -> ScalarSelect[int]:
    """One number, of the consultation of the statement around it."""
    return one.correlate(SessionRequest).scalar_subquery()


def _lines(session_id: UUID, reader: Reader, *where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Message.id,
            Message.number,
            Message.at,
            Message.body,
            func.coalesce(Customer.first_name, Mechanic.first_name),
            func.coalesce(Message.user_id == reader.user_id, False),
            Message.client_key,
            Photo.width,
            Photo.height,
        )
        .outerjoin(Customer, Customer.user_id == Message.user_id)
        .outerjoin(Mechanic, Mechanic.user_id == Message.user_id)
        .outerjoin(Photo, Photo.message_id == Message.id)
        .where(*_in(session_id, reader), *where)
    )
