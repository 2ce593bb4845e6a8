"""Whose data they are, and what of the talks is theirs to see: what they wrote, and what was written to them."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, false, func, or_, select

from favorites.db import Session
from favorites.models import Customer, Mechanic, Message, Photo, SessionRequest, User


class Whose(NamedTuple):
    """An account, with the rows of its customer and its mechanic where it has them."""

    user: User
    customer: Customer | None
    mechanic: Mechanic | None


def whose(session: Session, user_id: UUID) -> Whose | None:
    """The account with that id."""
    found = select(User, Customer, Mechanic).select_from(User).where(User.id == user_id)
    joined = found.outerjoin(Customer, Customer.user_id == User.id).outerjoin(Mechanic, Mechanic.user_id == User.id)
    row = session.execute(joined).one_or_none()
    return Whose(*row) if row else None


def photos(session: Session, person: Whose) -> Iterator[tuple[UUID, bytes]]:
    """The JPEGs of the talks that are theirs to see, the newest first, one at a time; each with its message's id."""
    ids = session.scalars(_visible(person, Message.id).join(Photo, Photo.message_id == Message.id)).all()
    for message_id in ids:
        content = session.scalar(select(Photo.content).where(Photo.message_id == message_id))
        if content is not None:
            yield message_id, content


def messages(session: Session, person: Whose) -> list[dict[str, Any]]:
    """Every line, the oldest first."""
    is_mine = func.coalesce(Message.user_id == person.user.id, false())
    lines = _visible(person, Message.session_id, Message.id, Message.at, Message.body, is_mine, Photo.message_id)
    found = session.execute(lines.outerjoin(Photo, Photo.message_id == Message.id)).all()
    return [_line(row) for row in reversed(found)]


def _line(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    session_id, message_id, at, body, is_mine, photo_id = row
    line = {"session_id": session_id, "at": at, "from": "you" if is_mine else "the other", "body": body}
    return line | ({"photo": photo_name(message_id)} if photo_id else {})


def photo_name(message_id: UUID) -> str:
    """Where a photo lies in the archive."""
    return f"photos/{message_id}.jpg"


def _visible(person: Whose, *columns: Any) -> Select[*tuple[Any, ...]]:
    """What they wrote, and what was written to them in the talks that they read; the newest first."""
    is_mine = Message.user_id == person.user.id
    theirs: list[ColumnElement[bool]] = []
    if person.customer:
        theirs += [SessionRequest.customer_id == person.customer.id]
    if person.mechanic:
        theirs += [SessionRequest.mechanic_id == person.mechanic.id, is_mine]  # also of a job they gave back
    is_read = or_(is_mine, Message.mechanic_id.is_not_distinct_from(SessionRequest.mechanic_id))
    return (
        select(*columns)
        .select_from(Message)
        .join(SessionRequest, SessionRequest.session_id == Message.session_id)
        .where(or_(*theirs), is_read)
        .order_by(Message.at.desc())
    )
