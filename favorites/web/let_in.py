"""Streams of many, let in together: by the rules of the views, but without a request of Flask's for each.

After a restart thousands of browsers come back at once; in Flask an opening takes 1.3 ms, here a tenth (decision 25).
Nobody is refused here. Whoever is not plainly welcome is left to the view, which has the words for it.
"""

from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING

import structlog
from flask import Flask, Request
from werkzeug.exceptions import HTTPException

from favorites.live import live_of
from favorites.live.stream import OURS, Beginning, hand_over
from favorites.queries.people import Listener
from favorites.web import sign_ins
from favorites.web.guard import is_foreign
from favorites.web.headers import protect
from favorites.web.live import RULES, NotForYou, seated

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = structlog.get_logger(__name__)


def let_in(app: Flask, waiting: list["WSGIEnvironment"]) -> None:
    """Opens the streams of those who may listen: the socket of each (`OURS`) is out of its environment then."""
    began = perf_counter()
    beginning = Beginning()
    with app.request_context(waiting[0]):
        protect(beginning)
        head = beginning.head(waiting[0])  # the same for all
        asked = [app.request_class(environ) for environ in waiting]
        for request, person in zip(asked, sign_ins.listeners(app, asked), strict=True):
            if person:
                with suppress(NotForYou, HTTPException):
                    _let_in(app, request, person, head)
    opened = sum(OURS not in environ for environ in waiting)
    log.info("[Live] Let in", streams=opened, ms=round((perf_counter() - began) * 1000))


def _let_in(app: Flask, request: Request, person: Listener, head: bytes) -> None:
    address = app.create_url_adapter(request)
    assert address
    endpoint, which = address.match()
    if endpoint in RULES and not is_foreign(request):
        ear = RULES[endpoint](person, **which)
        seat, start = seated(live_of(app), ear, request)
        hand_over(seat, request.environ.pop(OURS), ear.reader, start, head)
