"""How we answer: what was done, and what was refused, in the form the asker reads."""

import math
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg2
import structlog
from flask import Flask, Response, current_app, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter.errors import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from markupsafe import Markup
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, SecurityError

from favorites import schema
from favorites.db import db
from favorites.dispatch.errors import Refusal
from favorites.postgres import MachineError
from favorites.web.limits import limiter

log = structlog.get_logger(__name__)

DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout, psycopg2.OperationalError, MachineError)
PART = Markup('<p class="banner banner--warning" role="alert">{}</p>')
STALE = "Please send again."
UNKNOWN_NAME = {"42P01", "42703", "42883"}  # PostgreSQL's codes for a table, column, function that is not there
LOST_BEFORE = "8s2b"  # SQLAlchemy's code for "can't reconnect until invalid transaction is rolled back"


def init_app(app: Flask) -> None:
    """Registers the answers to everything that can go wrong."""
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(HTTPException, failed)
    app.register_error_handler(RateLimitExceeded, too_often)
    app.register_error_handler(CSRFError, stale)
    app.register_error_handler(schema.SchemaDiffers, other_schema)
    app.register_error_handler(DBAPIError, broke)
    app.register_error_handler(PendingRollbackError, broke)
    app.teardown_appcontext(let_go)
    for error in DATABASE_AWAY:
        app.register_error_handler(error, away)


def wants_json() -> bool:
    """Whether a program asks: it sends JSON, prefers it, or reads below /api."""
    if request.is_json:
        return True
    if not request.path.startswith("/api/"):
        return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    return request.method in {"GET", "HEAD"} or not request.accept_mimetypes.accept_html or "html" not in _accepted()


def _accepted() -> str:
    return request.headers.get("Accept", "")


def is_part() -> bool:
    """Whether a page asks for a part of itself, or for its stream: a whole page would be no use there."""
    return "HX-Request" in request.headers or "text/event-stream" in _accepted()


def done(endpoint: str, **values: Any) -> ResponseReturnValue:
    """After a POST that worked: JSON `{"ok": true, "next": url}`, else 303 to that page."""
    return done_at(url_for(endpoint, **values))


def done_at(address: str) -> ResponseReturnValue:
    """As `done`, with the address itself, which must be ours."""
    return jsonify(ok=True, next=address) if wants_json() else redirect(address, code=303)


def mistaken(fields: Mapping[str, str], sentence: str = "Some fields need another look.") -> ResponseReturnValue:
    """What a program reads of a form that cannot be taken: a sentence for each field that is wrong."""
    return jsonify(error=sentence, fields=dict(fields)), 422


def problem(status: int, sentence: str = "", code: str = "", retry: int | None = None) -> Response:
    """An error as the asker reads it: JSON, a sentence, or the page. `sentence` empty: the page's own words."""
    code = code or HTTPStatus(status).name
    if wants_json():
        answer = make_response(jsonify(error=sentence or HTTPStatus(status).phrase, code=code), status)
    elif is_part():
        answer = make_response(PART.format(sentence or HTTPStatus(status).phrase), status)
    else:
        answer = make_response(_page(status, sentence, retry), status)
    if retry:
        answer.headers["Retry-After"] = str(retry)
    return answer


def _page(status: int, sentence: str, retry: int | None) -> str:
    if status == HTTPStatus.SERVICE_UNAVAILABLE and not hasattr(g, "_login_user"):
        # The frame would ask the database who is signed in, which has just failed: it is nobody's page.
        current_app.login_manager._update_request_context_with_user()  # type: ignore[attr-defined] # Flask-Login's
    page: dict[str, object] = {"code": status, "title": "", "text": sentence}
    return render_template("error.html", **page, **({"retry": retry} if retry else {}))


def refused(refusal: Refusal) -> Response:
    """A rule said no."""
    return problem(refusal.status, refusal.sentence, refusal.code)


def failed(error: HTTPException) -> Response:
    """Everything HTTP has a number for; 500 included, which Flask has logged with its traceback by now."""
    if isinstance(error, SecurityError):  # another Host than ours: no page can be made, its links would lead there
        return make_response("This is not the address of Book Again.", 400, {"Content-Type": "text/plain"})
    status = error.code or 500
    try:
        answer = problem(status, _own_words(error))
    except DATABASE_AWAY as away_error:  # the page's frame asks who is signed in
        return away(away_error)
    for name in ("Allow", "Retry-After"):
        if name in (headers := error.get_response().headers):
            answer.headers[name] = headers[name]
    return answer


def _own_words(error: HTTPException) -> str:
    """What one of our own `abort(status, sentence)` said; never Werkzeug's words."""
    said = error.description or ""
    return said if said != type(error).description and said.endswith(".") else ""


def too_often(_error: RateLimitExceeded) -> Response:
    """A limit was hit."""
    limit = limiter.current_limit
    wait = max(1, math.ceil(limit.reset_at - time.time())) if limit else 60
    log.info("[Web] Limit hit", endpoint=request.endpoint)
    return problem(429, "Too many tries in a short time. Please wait a moment and try again.", retry=wait)


def stale(_error: CSRFError) -> ResponseReturnValue:
    """The form's token is too old or of another sign-in: the same form again, with all that was typed."""
    if wants_json() or is_part():
        return problem(400, STALE, "STALE_FORM")
    typed = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    fields = [(name, "" if "password" in name else value) for name, value in typed]
    return render_template("stale.html", action=request.full_path.removesuffix("?"), fields=fields), 400


def other_schema(difference: schema.SchemaDiffers) -> Response:
    """Another schema than the code's: nothing can be served."""
    log.error("[Web] The database has another schema", why=str(difference))
    return problem(503, str(difference), retry=30)


def away(error: Exception) -> Response:
    """The database cannot be reached right now."""
    log.warning("[Web] The database did not answer", error=type(error).__name__)
    return problem(503, code="BACK_IN_A_MOMENT", retry=1)


def broke(error: DBAPIError | PendingRollbackError) -> Response:
    """A connection that broke under a query, or in a savepoint, has no class of its own; other mistakes are ours.

    So is a name that the database does not know, unless its schema was taken back under us.
    """
    is_lost = error.connection_invalidated if isinstance(error, DBAPIError) else error.code == LOST_BEFORE
    if is_lost:
        return away(error)
    if getattr(getattr(error, "orig", None), "pgcode", None) in UNKNOWN_NAME:
        try:
            schema.check()
        except schema.SchemaDiffers as difference:
            return other_schema(difference)
    raise error


def let_go(_error: BaseException | None) -> None:
    """The session ends before Flask-SQLAlchemy's own turn: a connection that broke must not spoil a ready answer."""
    if db.session.registry.has():
        try:
            db.session.rollback()
        except DBAPIError:
            db.session().invalidate()
