"""The three streams, and who may listen to each.

A view finds that out for one person, `let_in` for many; both find where the reader goes on, and the hub does the rest.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import NamedTuple, NoReturn
from uuid import UUID

from flask import Blueprint, Request, Response, abort, jsonify, make_response, request
from flask_security import current_user

from favorites.db import db
from favorites.live import Live, live_of
from favorites.live.reader import Reader
from favorites.live.resume import Backlog, Start, resume
from favorites.live.seat import Seat
from favorites.live.stream import StreamResponse
from favorites.models import MechanicStatus, Role
from favorites.queries import events
from favorites.queries.people import Listener, listener
from favorites.queries.standing import Standing
from favorites.web.people import current_sign_in_id

bp = Blueprint("live", __name__)


class NotForYou(Exception):
    """Why somebody may not listen: the status of the answer and its sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Ear(NamedTuple):
    """Who hears what, and how they are told what they missed."""

    reader: Reader
    backlog: Backlog


Rule = Callable[..., Ear]
RULES: dict[str, Rule] = {}  # by the names of their views


def _stream(path: str) -> Callable[[Rule], Rule]:
    """The decorated says who hears what at this address, or raises `NotForYou`; the view is made of it."""

    def register(rule: Rule) -> Rule:
        @bp.get(path)
        @wraps(rule)
        def view(**which: UUID) -> Response:
            return _opened(rule, which)

        RULES[f"{bp.name}.{rule.__name__}"] = rule
        return rule

    return register


@_stream("/mechanic/events")
def mechanic_events(person: Listener) -> Ear:
    """What a mechanic may hear: of every open session request, of their own, of their workshop's."""
    id_, workshop_id = person.mechanic_id, person.workshop_id
    if id_ is None or person.mechanic_status != MechanicStatus.APPROVED or person.role == Role.CUSTOMER:
        raise NotForYou(403, "Only approved mechanics can listen here.")
    topics = {"mechanics", f"mechanic:{id_}", *([f"workshop:{workshop_id}"] if workshop_id else [])}
    standing = Standing(person.sign_in_id, person.user_id, person.role, id_, workshop_id)
    return Ear(
        Reader(standing, frozenset(topics)),
        lambda after, limit: events.mechanic_backlog(db.session, id_, after, limit),
    )


@_stream("/customer/requests/<uuid:request_id>/events")
def request_events(person: Listener, request_id: UUID) -> Ear:
    """What happens to one session request, for its own customer."""
    if person.customer_id is None or person.role != Role.CUSTOMER:
        raise NotForYou(403, "Only customers can listen here.")
    if not events.request_is_of(db.session, request_id, person.customer_id):
        raise NotForYou(404, "There is no such session request.")
    return Ear(
        Reader(Standing(person.sign_in_id, person.user_id, person.role), frozenset({f"request:{request_id}"})),
        lambda after, limit: events.customer_backlog(db.session, request_id, after, limit),
    )


@_stream("/admin/events")
def admin_events(person: Listener) -> Ear:
    """That something happened to a session request, whichever, for owners; what it was is on their pages."""
    if person.role != Role.ADMIN:
        raise NotForYou(403, "Only owners can listen here.")
    return Ear(
        Reader(Standing(person.sign_in_id, person.user_id, person.role), frozenset({events.OWNERS})),
        lambda after, limit: events.owner_backlog(db.session, after, limit),
    )


def _opened(rule: Rule, which: dict[str, UUID]) -> Response:
    if not current_user.is_authenticated:
        _refuse(401, "Please sign in.")
    try:
        ear = rule(listener(current_sign_in_id(), current_user), **which)
        live = live_of()
        if request.method == "HEAD":
            return StreamResponse(live.hub, ear.reader)
        seat, start = seated(live, ear, request)
    except NotForYou as refusal:
        _refuse(refusal.status, refusal.sentence)
    db.session.close()  # a stream holds no connection
    return StreamResponse(seat, ear.reader, start)


def seated(live: Live, ear: Ear, asked: Request) -> tuple[Seat, Start]:
    """A place for who may listen, and where they go on. Raises `NotForYou` when there is none."""
    seat = live.seat(ear.reader.standing.user_id)
    if seat.refusal:
        raise NotForYou(503, seat.refusal)
    after = asked.headers.get("Last-Event-ID") or asked.args.get("after")
    return seat, resume(db.session, seat.ring, after, ear.backlog)


def _refuse(status: int, sentence: str) -> NoReturn:
    answer = make_response(jsonify(error=sentence, code=HTTPStatus(status).name), status)
    if status == 503:
        answer.headers["Retry-After"] = "5"
    abort(answer)
