"""The talk of the two: what they write and show to each other, how far they have read, and the mechanic's summary.

Its session request is locked first, in a statement of its own: so messages are numbered in the order of their commits,
and none is said to a mechanic whose job it has just ceased to be. Whether the talk is open is asked by the statement
that writes.
"""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, exists, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from favorites.db import Session, clock
from favorites.dispatch import errors
from favorites.dispatch.actors import Actor
from favorites.dispatch.events import Recorder
from favorites.dispatch.pictures import Picture
from favorites.dispatch.verb import verb
from favorites.models import (
    Consultation,
    Customer,
    Kind,
    Mechanic,
    MechanicStatus,
    Message,
    Photo,
    SessionRead,
    SessionRequest,
)
from favorites.models.consultation import ConsultationStatus
from favorites.models.session_request import talk_is_open

LONGEST = 2000  # characters
KEY_LONGEST = 64  # characters
MOST_PHOTOS = 20  # in a consultation
PHOTO = "Photo"  # what a photo reads as where no pictures are shown


@verb
def say(session: Session, session_id: UUID, actor: Actor, body: str, key: str | None = None) -> None:
    """One of the two writes to the other; what came before with the same `key` is a success.

    Raises `NotFound`, `TalkIsClosed` or `TooLong`.
    """
    words = body.replace("\r\n", "\n").strip()
    if not 1 <= len(words) <= LONGEST:
        raise errors.TooLong
    wish = _locked(session, session_id, actor)
    if (message_id := _write(session, wish, actor, words, key)) is not None:
        return _tell(session, wish, actor, "say", message_id)
    return _explain(session, wish, actor, key)


@verb
def show(session: Session, session_id: UUID, actor: Actor, picture: Picture, key: str | None = None) -> None:
    """One of the two shows the other a photo; what came before with the same `key` is a success.

    Raises `NotFound`, `TalkIsClosed` or `TooManyPhotos`.
    """
    wish = _locked(session, session_id, actor)
    if (message_id := _write(session, wish, actor, PHOTO, key, _has_room_for_photos)) is not None:
        session.execute(insert(Photo).values(message_id=message_id, **picture._asdict()))
        return _tell(session, wish, actor, "show", message_id)
    return _explain(session, wish, actor, key)


@verb
def mark_read(session: Session, session_id: UUID, actor: Actor, number: int) -> None:
    """All up to this number was on their screen; a smaller one than before changes nothing. Raises `NotFound`."""
    newest = select(func.max(Message.number)).where(Message.session_id == session_id).scalar_subquery()
    read = func.least(number, func.coalesce(newest, 0))
    theirs = select(SessionRequest.session_id, _user_of(actor), read)
    mark = upsert(SessionRead).from_select(["session_id", "user_id", "number"], theirs.where(*_of(session_id, actor)))
    new = {"number": func.greatest(SessionRead.number, mark.excluded.number), "read_at": clock()}
    mark = mark.on_conflict_do_update(index_elements=[SessionRead.session_id, SessionRead.user_id], set_=new)
    if session.execute(mark.returning(SessionRead.number)).one_or_none() is None:
        raise errors.NotFound


@verb
def summarize(session: Session, session_id: UUID, mechanic_id: UUID, summary: str) -> None:
    """The mechanic's words on what was found, from the start until the talk closes; the last ones stand.

    Raises `NotFound`, `NotStarted`, `TalkIsClosed` or `TooLong`.
    """
    words = summary.replace("\r\n", "\n").strip()
    if not 1 <= len(words) <= LONGEST:
        raise errors.TooLong
    wish = _locked(session, session_id, Actor.mechanic(mechanic_id))
    open_one = exists().where(SessionRequest.id == wish.id, talk_is_open)
    begun = Consultation.status.in_([ConsultationStatus.LIVE, ConsultationStatus.COMPLETED])
    written = update(Consultation).where(Consultation.id == session_id, begun, open_one)
    written = written.values(summary=words, summary_at=clock()).returning(Consultation.id)
    if session.execute(written).one_or_none() is None:
        raise errors.NotStarted if _is_open(session, wish) else errors.TalkIsClosed
    _tell(session, wish, Actor.mechanic(mechanic_id), "summarize", None)


@verb
def tell_typing(session: Session, session_id: UUID, actor: Actor) -> None:
    """One of the two is typing: the other hears it if they listen just now, and it is kept nowhere. `NotFound`."""
    told = (*_of(session_id, actor), talk_is_open)
    wish = session.execute(select(SessionRequest.id, SessionRequest.mechanic_id).where(*told)).one_or_none()
    if wish is None:
        raise errors.NotFound
    topic = f"mechanic:{wish.mechanic_id}" if actor.kind == "customer" else f"request:{wish.id}"
    whisper = json.dumps({"topic": topic, "request_id": str(wish.id)})
    session.execute(text("SELECT pg_notify('typing', :whisper)"), {"whisper": whisper})


def _of(session_id: UUID, actor: Actor) -> tuple[ColumnElement[bool], ...]:
    """The session request of the consultation, if this is one of the two."""
    its = SessionRequest.session_id == session_id
    if actor.kind == "customer":
        return its, SessionRequest.customer_id == actor.id
    approved = exists().where(Mechanic.id == actor.id, Mechanic.status == MechanicStatus.APPROVED)
    return its, SessionRequest.mechanic_id == actor.id, approved


def _user_of(actor: Actor) -> ColumnElement[UUID]:
    person: type[Customer] | type[Mechanic] = Customer if actor.kind == "customer" else Mechanic
    return select(person.user_id).where(person.id == actor.id).scalar_subquery()


def _locked(session: Session, session_id: UUID, actor: Actor) -> Row[*tuple[Any, ...]]:
    found = select(SessionRequest.id, SessionRequest.customer_id, SessionRequest.mechanic_id)
    held = found.where(*_of(session_id, actor)).with_for_update(key_share=True)
    row = session.execute(held).one_or_none()
    if row is None:
        raise errors.NotFound
    return row


def _write(
    session: Session,
    wish: Row[*tuple[Any, ...]],
    actor: Actor,
    body: str,
    key: str | None,
    *conditions: ColumnElement[bool],
) -> UUID | None:
    """The new message's id; None: it may not be written, or is there already."""
    last = select(func.max(Message.number)).where(Message.session_id == SessionRequest.session_id)
    row: Select[*tuple[Any, ...]] = select(
        SessionRequest.session_id,
        SessionRequest.mechanic_id,
        _user_of(actor),
        func.coalesce(last.scalar_subquery(), 0) + 1,
        literal(body),
        literal(key),
    ).where(SessionRequest.id == wish.id, talk_is_open, *conditions)
    names = ["session_id", "mechanic_id", "user_id", "number", "body", "client_key"]
    once = [Message.session_id, Message.user_id, Message.client_key]
    written = upsert(Message).from_select(names, row).on_conflict_do_nothing(index_elements=once)
    return session.execute(written.returning(Message.id)).scalar_one_or_none()


_photos = select(func.count()).select_from(Photo).join(Message, Message.id == Photo.message_id)
_has_room_for_photos: ColumnElement[bool] = (
    _photos.where(Message.session_id == SessionRequest.session_id).correlate(SessionRequest).scalar_subquery()
    < MOST_PHOTOS
)


def _tell(session: Session, wish: Row[*tuple[Any, ...]], actor: Actor, rule: str, message_id: UUID | None) -> None:
    tell = Recorder(session, wish, actor, rule, message_id=str(message_id) if message_id else None)
    tell.customer(Kind.MESSAGE_SENT)
    if wish.mechanic_id:
        tell.mechanic(Kind.MESSAGE_SENT, wish.mechanic_id)


def _explain(session: Session, wish: Row[*tuple[Any, ...]], actor: Actor, key: str | None) -> None:
    its = select(SessionRequest.session_id).where(SessionRequest.id == wish.id).scalar_subquery()
    said = exists().where(Message.session_id == its, Message.user_id == _user_of(actor), Message.client_key == key)
    if key is not None and session.execute(select(said)).scalar_one():
        return
    raise errors.TooManyPhotos if _is_open(session, wish) else errors.TalkIsClosed


def _is_open(session: Session, wish: Row[*tuple[Any, ...]]) -> bool:
    return session.execute(select(exists().where(SessionRequest.id == wish.id, talk_is_open))).scalar_one()
