"""The mechanic's board and what can be pressed on it."""

from uuid import UUID

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import answers, people
from favorites.dispatch.actors import Actor
from favorites.queries import events
from favorites.queries import mechanic as queries
from favorites.queries.talk import Reader, still_open
from favorites.settings import current
from favorites.web.answers import done
from favorites.web.choice import printable
from favorites.web.limits import by_person, limiter
from favorites.web.people import current_mechanic, mechanics_only

bp = Blueprint("mechanic", __name__)

DECLINE_REASONS = {"busy": "Busy right now", "not_my_work": "Not my kind of work", "done_for_today": "Done for today"}
BLANK = str(UUID(int=0))  # where a card's id belongs in what all cards of a page share


def answers_limit() -> str:
    """How often a mechanic may answer, as Flask-Limiter reads it."""
    return f"{current().answers_per_minute}/minute"


often_enough = limiter.shared_limit(
    answers_limit, scope="answers", key_func=by_person, deduct_when=lambda answer: answer.status_code < 500
)


@bp.get("/mechanic/dashboard")
@mechanics_only
def dashboard() -> ResponseReturnValue:
    """The board, kept open all day."""
    shown, mechanic = _board(), current_mechanic()  # the board first: its `after` is older than all that follows
    admirers = queries.admirers(db.session, mechanic.id)
    talks = still_open(db.session(), Reader(mechanic.user_id, mechanic.id))
    return render_template("mechanic/dashboard.html", admirers=admirers, talks=talks, **shown)


@bp.get("/mechanic/board")
@mechanics_only
def board() -> ResponseReturnValue:
    """The part of the board that changes, as a fragment."""
    return render_template("mechanic/_board.html", **_board())


@bp.get("/mechanic/requests/<uuid:request_id>")
@mechanics_only
def show(request_id: UUID) -> ResponseReturnValue:
    """One session request that is or was the mechanic's to see; 404 for every other."""
    after = events.newest_id(db.session)
    card = queries.known_request(db.session, current_mechanic().id, request_id)
    if card is None:
        abort(404)
    return render_template("mechanic/show.html", after=after, card=card, **_board())


def _board() -> dict[str, object]:
    mechanic = current_mechanic()
    shown = _shown()
    return {
        "mechanic": mechanic,
        "board": queries.board(db.session, mechanic.id, shown),
        "shown": shown,
        "filters": {name: value if name == "plan" else "1" for name, value in shown._asdict().items() if value},
        "decline_reasons": DECLINE_REASONS,
        "blank": BLANK,
    }


def _shown() -> queries.Shown:
    """The filters as the address has them; nothing in it can be wrong enough to fail."""
    given = request.args
    return queries.Shown(printable(given.get("plan")), given.get("workshop") == "1", given.get("mine") == "1")


@bp.post("/mechanic/requests/<uuid:request_id>/accept")
@mechanics_only
@often_enough
def accept(request_id: UUID) -> ResponseReturnValue:
    """Take the job; the first to press has it."""
    answers.accept(db.session, request_id, current_mechanic().id)
    return _to_consultation(request_id)


@bp.post("/mechanic/requests/<uuid:request_id>/decline")
@mechanics_only
@often_enough
def decline(request_id: UUID) -> ResponseReturnValue:
    """Say no to an offer, with a reason if they like; everyone is asked at once."""
    reason = (request.get_json(silent=True) or request.form).get("reason")
    known = reason if isinstance(reason, str) and reason in DECLINE_REASONS else None
    answers.decline(db.session, request_id, current_mechanic().id, known)
    return done("mechanic.dashboard")


@bp.post("/mechanic/requests/<uuid:request_id>/release")
@mechanics_only
@often_enough
def release(request_id: UUID) -> ResponseReturnValue:
    """Give an accepted job back, before its start; everyone else is asked."""
    answers.release(db.session, request_id, Actor.mechanic(current_mechanic().id))
    return done("mechanic.dashboard")


@bp.post("/mechanic/requests/<uuid:request_id>/start")
@mechanics_only
@often_enough
def start(request_id: UUID) -> ResponseReturnValue:
    """Begin the consultation."""
    answers.start(db.session, request_id, current_mechanic().id)
    return _to_consultation(request_id)


@bp.post("/mechanic/requests/<uuid:request_id>/complete")
@mechanics_only
@often_enough
def complete(request_id: UUID) -> ResponseReturnValue:
    """End the consultation; the board is free for the next."""
    answers.complete(db.session, request_id, Actor.mechanic(current_mechanic().id))
    return done("mechanic.dashboard")


def _to_consultation(request_id: UUID) -> ResponseReturnValue:
    card = queries.known_request(db.session, current_mechanic().id, request_id)
    if card is None or card.session_id is None:  # inserted by hand, without a consultation
        return done("mechanic.dashboard")
    return done("consultations.show", session_id=card.session_id)


@bp.post("/mechanic/shift/start")
@mechanics_only
def start_shift() -> ResponseReturnValue:
    """On shift: customers see them as available while a board is open."""
    people.start_shift(db.session, current_mechanic().id)
    return done("mechanic.dashboard")


@bp.post("/mechanic/shift/end")
@mechanics_only
def end_shift() -> ResponseReturnValue:
    """Off shift: customers see them as offline."""
    people.end_shift(db.session, current_mechanic().id)
    return done("mechanic.dashboard")


@bp.post("/mechanic/customers/<uuid:customer_id>/leave")
@mechanics_only
def leave(customer_id: UUID) -> ResponseReturnValue:
    """Take themselves off a customer's favorites (rule 17)."""
    people.remove_favorite(db.session, customer_id, current_mechanic().id)
    flash("You are no longer among this customer's favorites.", "success")
    return done("mechanic.dashboard")
