"""A mechanic's device says that it shows an offer: an open board does, and the service worker behind a notification."""

from uuid import UUID

from flask import Blueprint
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import answers
from favorites.web.csrf import csrf
from favorites.web.limits import by_person, limiter
from favorites.web.mechanic import answers_limit
from favorites.web.people import current_mechanic, mechanics_only

bp = Blueprint("delivery", __name__)


@bp.post("/mechanic/requests/<uuid:request_id>/delivered")
@mechanics_only
@limiter.limit(answers_limit, key_func=by_person)  # as often, and counted by itself: it uses up no answer
def delivered(request_id: UUID) -> ResponseReturnValue:
    """204 for an offer of theirs, however late or often; 404 for every other."""
    answers.deliver(db.session, request_id, current_mechanic().id)
    return "", 204


# A service worker has no token to send; what another site sends is refused before (`guard`).
csrf.exempt(delivered)
