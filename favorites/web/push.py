"""The service worker, the page it shows without a connection, and where a mechanic's browser says how to reach it."""

from hashlib import sha256

import structlog
from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from rjsmin import jsmin  # type: ignore[import-untyped] # ships no types
from werkzeug import Response as BaseResponse

from favorites.db import db
from favorites.dispatch import push
from favorites.web.answers import done
from favorites.web.limits import by_person, limiter
from favorites.web.people import current_mechanic, current_sign_in_id, mechanics_only
from favorites.web.static_files import FOLDER
from favorites.webpush import keys, services

bp = Blueprint("push", __name__)
log = structlog.get_logger(__name__)

FIELDS = ("endpoint", "p256dh", "auth")
seldom_enough = limiter.shared_limit("60/minute", scope="push", key_func=by_person)


@bp.app_template_global()
def push_key() -> str:
    """The key that a browser must know to be reached; empty when there is no push."""
    return keys.public() if services.are_known() else ""


@bp.get("/sw.js")
def worker() -> BaseResponse:
    """The service worker, at the root: it cares for what lies below it. A new page without connection makes it new."""
    code = jsmin((FOLDER / "js" / "sw.js").read_text())
    of_page = sha256(_offline().encode()).hexdigest()
    return _always_new(Response(f"{code}\n// {of_page}\n", mimetype="text/javascript"))


@bp.get("/offline")
def offline() -> BaseResponse:
    """The page that the worker keeps; it is the same for everybody, and names nobody."""
    return _always_new(Response(_offline()))


def _offline() -> str:
    return render_template("offline.html")


def _always_new(answer: Response) -> BaseResponse:
    answer.headers["Cache-Control"] = "no-cache"
    answer.add_etag()
    return answer.make_conditional(request)


@bp.post("/mechanic/push")
@mechanics_only
@seldom_enough
def subscribe() -> ResponseReturnValue:
    """This browser can be reached from now on (`endpoint`, `p256dh`, `auth`, as its PushSubscription says)."""
    told = request.get_json(silent=True) or request.form
    endpoint, p256dh, auth = (str(told.get(name, "")) for name in FIELDS)
    _check(endpoint, p256dh, auth)
    if not push.subscribe(db.session, current_mechanic().user_id, current_sign_in_id(), endpoint, p256dh, auth):
        abort(401)
    return done("mechanic.dashboard")


def _check(endpoint: str, p256dh: str, auth: str) -> None:
    try:
        services.check_address(endpoint)
        services.check_keys(p256dh, auth)
    except (services.Refused, ValueError) as error:
        log.info("[Push] Refused", reason=str(error))
        abort(400, "Nothing can be sent there.")


@bp.post("/mechanic/push/end")
@mechanics_only
@seldom_enough
def unsubscribe() -> ResponseReturnValue:
    """This browser hears nothing more while its pages are closed."""
    push.unsubscribe(db.session, current_sign_in_id())
    return done("mechanic.dashboard")
