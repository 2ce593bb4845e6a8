"""The talk of the two: messages, photos, who is typing, how far was read, and the mechanic's summary."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, Response, abort, flash, render_template, request
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import talk as verbs
from favorites.dispatch.errors import NotAPhoto
from favorites.dispatch.pictures import picture_of
from favorites.queries import talk as queries
from favorites.settings import current
from favorites.web.answers import done
from favorites.web.limits import by_person, limiter
from favorites.web.people import signed_in_only
from favorites.web.two import one_of_the_two, together

bp = Blueprint("talk", __name__, url_prefix="/consultations/<uuid:session_id>")
bp.before_request(signed_in_only)


def messages_limit() -> str:
    """How often a person may send something, as Flask-Limiter reads it."""
    return f"{current().messages_per_minute}/minute"


seldom_enough = limiter.shared_limit(
    messages_limit, scope="messages", key_func=by_person, deduct_when=lambda answer: answer.status_code < 500
)


@bp.get("/talk")
def lines(session_id: UUID) -> ResponseReturnValue:
    """Messages alone, for a page that has the others: those `after` a number, or the page `before` one."""
    reader, after = together(session_id).reader, request.args.get("after", type=int)
    if after is not None:
        return _lines(session_id, queries.since(db.session(), session_id, reader, after))
    page = queries.talk(db.session(), session_id, reader, request.args.get("before", type=int))
    return _lines(session_id, page.lines, has_earlier=page.has_earlier)


@bp.get("/unread")
def unread(session_id: UUID) -> ResponseReturnValue:
    """How many messages wait for one of the two, for the pages that lead here; nothing when there are none."""
    count = queries.how_many_unread(db.session(), session_id, together(session_id).reader)
    return render_template("consultations/_unread_count.html", count=count)


@bp.post("/messages")
@seldom_enough
def say(session_id: UUID) -> ResponseReturnValue:
    """Write to the other; the same key again is the same message."""
    verbs.say(db.session(), session_id, one_of_the_two(session_id), _typed("body"), _key())
    return _back(session_id)


@bp.post("/photos")
@seldom_enough
@limiter.limit("20/minute", key_func=by_person)
def show(session_id: UUID) -> ResponseReturnValue:
    """Show the other one photo or some."""
    actor, key = one_of_the_two(session_id), _key()
    files = [file for file in request.files.getlist("photo") if file.filename]
    for place, file in enumerate(files):
        picture = picture_of(file.stream)
        verbs.show(db.session(), session_id, actor, picture, key and (f"{key[:60]}.{place}" if place else key))
    if not files:
        raise NotAPhoto
    return _back(session_id)


@bp.get("/photos/<uuid:photo_id>")
def photo(session_id: UUID, photo_id: UUID) -> ResponseReturnValue:
    """One photo, for the two and the owner; `?size=small` for the list."""
    is_small = request.args.get("size") == "small"
    found = queries.photo(db.session(), session_id, together(session_id).reader, photo_id, is_small=is_small)
    if found is None:
        abort(404)
    return Response(found, mimetype="image/jpeg", headers={"Content-Disposition": 'inline; filename="photo.jpg"'})


@bp.post("/typing")
@limiter.limit("40/minute", key_func=by_person)
def typing(session_id: UUID) -> ResponseReturnValue:
    """The other sees it if they look now; it is kept nowhere."""
    verbs.tell_typing(db.session(), session_id, one_of_the_two(session_id))
    return "", 204


@bp.post("/read")
@limiter.limit("120/minute", key_func=by_person)
def read(session_id: UUID) -> ResponseReturnValue:
    """All up to this number was on the screen."""
    number = request.form.get("number", type=int)
    verbs.mark_read(db.session(), session_id, one_of_the_two(session_id), abort(400) if number is None else number)
    return "", 204


@bp.post("/summary")
@seldom_enough
def summary(session_id: UUID) -> ResponseReturnValue:
    """The mechanic writes what was found, for both to keep."""
    actor = one_of_the_two(session_id)
    if actor.kind != "mechanic" or actor.id is None:
        abort(404)
    verbs.summarize(db.session(), session_id, actor.id, _typed("summary"))
    flash("The summary is saved. The customer sees it on this page.", "success")
    return done("consultations.show", session_id=session_id)


def _lines(session_id: UUID, found: Sequence[queries.Line], *, has_earlier: bool = False) -> ResponseReturnValue:
    return render_template("consultations/_lines.html", lines=found, has_earlier=has_earlier, session_id=session_id)


def _typed(name: str) -> str:
    value = (request.get_json(silent=True) or request.form).get(name)
    return value if isinstance(value, str) else ""


def _key() -> str | None:
    return _typed("key")[: verbs.KEY_LONGEST] or None


def _back(session_id: UUID) -> ResponseReturnValue:
    return done("consultations.show", session_id=session_id, _anchor="talk")
