"""The three streams. A view refuses who may not listen and finds where the reader goes on; the hub does the rest."""

from http import HTTPStatus
from typing import NoReturn
from uuid import UUID

from flask import Blueprint, Response, abort, jsonify, make_response, request
from flask_security import current_user

from favorites.db import db
from favorites.live import live_of
from favorites.live.reader import Reader
from favorites.live.resume import Backlog, resume
from favorites.live.stream import StreamResponse
from favorites.models import MechanicStatus, Role, User
from favorites.queries import events
from favorites.queries.standing import Standing
from favorites.web.people import current_sign_in_id

bp = Blueprint("live", __name__)


@bp.get("/mechanic/events")
def mechanic_events() -> Response:
    """What a mechanic may hear: of every open session request, of their own, of their workshop's."""
    mechanic = _person().mechanic
    if mechanic is None or mechanic.status != MechanicStatus.APPROVED or current_user.role == Role.CUSTOMER:
        _refuse(403, "Only approved mechanics can listen here.")
    mechanic_id, workshop_id = mechanic.id, mechanic.workshop_id
    topics = {"mechanics", f"mechanic:{mechanic_id}", *([f"workshop:{workshop_id}"] if workshop_id else [])}
    standing = Standing(current_sign_in_id(), mechanic.user_id, current_user.role, mechanic_id, workshop_id)
    return _stream(
        Reader(standing, frozenset(topics)),
        lambda after, limit: events.mechanic_backlog(db.session, mechanic_id, after, limit),
    )


@bp.get("/customer/requests/<uuid:request_id>/events")
def request_events(request_id: UUID) -> Response:
    """What happens to one session request, for its own customer."""
    customer = _person().customer
    if customer is None or current_user.role != Role.CUSTOMER:
        _refuse(403, "Only customers can listen here.")
    if not events.request_is_of(db.session, request_id, customer.id):
        _refuse(404, "There is no such session request.")
    standing = Standing(current_sign_in_id(), customer.user_id, current_user.role)
    return _stream(
        Reader(standing, frozenset({f"request:{request_id}"})),
        lambda after, limit: events.customer_backlog(db.session, request_id, after, limit),
    )


@bp.get("/admin/events")
def admin_events() -> Response:
    """That something happened to a session request, whichever, for owners; what it was is on their pages."""
    person = _person()
    if person.role != Role.ADMIN:
        _refuse(403, "Only owners can listen here.")
    standing = Standing(current_sign_in_id(), person.id, person.role)
    return _stream(
        Reader(standing, frozenset({events.OWNERS})),
        lambda after, limit: events.owner_backlog(db.session, after, limit),
    )


def _person() -> User:
    """Who asks; both rows of theirs are loaded."""
    if not current_user.is_authenticated:
        _refuse(401, "Please sign in.")
    person: User = current_user
    return person


def _stream(reader: Reader, backlog: Backlog) -> Response:
    live = live_of()
    if request.method == "HEAD":
        return StreamResponse(live.hub, reader)
    seat = live.seat(reader.standing.user_id)
    if seat.refusal:
        _refuse(503, seat.refusal)
    asked = request.headers.get("Last-Event-ID") or request.args.get("after")
    start = resume(db.session, seat.ring, asked, backlog)
    db.session.close()  # a stream holds no connection
    return StreamResponse(seat, reader, start)


def _refuse(status: int, sentence: str) -> NoReturn:
    answer = make_response(jsonify(error=sentence, code=HTTPStatus(status).name), status)
    if status == 503:
        answer.headers["Retry-After"] = "5"
    abort(answer)
