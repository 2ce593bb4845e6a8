"""The cookie names a sign-in's key; the row behind it decides, at every request."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from flask import Flask, Request, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import (  # type: ignore[import-untyped] # ships no types
    LoginManager,
    user_logged_in,
    user_logged_out,
)
from flask_security.utils import set_request_attr
from itsdangerous import BadSignature
from sqlalchemy.exc import OperationalError

from favorites.db import db
from favorites.dispatch import sign_ins
from favorites.models import User
from favorites.queries import people
from favorites.settings import current

log = structlog.get_logger(__name__)

KEY = "sign_in"
FOUND = "book_again.signed_in"  # in the WSGI environment: what was looked up for it beforehand


class Cookies(SecureCookieSessionInterface):
    """Flask's cookie without its age, which our own clock would judge: set back, it would sign everybody out.

    How long a sign-in lasts is for its row to say, by the database's clock.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """What the cookie holds; nothing when we have not signed it."""
        signer = self.get_signing_serializer(app)
        if signer is None:
            return None
        try:
            return self.session_class(signer.loads(request.cookies.get(self.get_cookie_name(app), "")))
        except BadSignature:
            return self.session_class()


def init_app(app: Flask, login_manager: LoginManager) -> None:
    """Takes the place of Flask-Security's own loaders: its cookie cannot be revoked, its tokens are not used."""
    app.session_interface = Cookies()
    login_manager.user_loader(load)
    login_manager.request_loader(None)
    user_logged_in.connect(begin, app)
    user_logged_out.connect(end, app)


def load(uniquifier: str) -> User | None:
    """The person whose sign-in the cookie names, or None; notes once a minute that it was used."""
    key = _key_of(session)
    if key is None:
        return None
    found = request.environ[FOUND] if FOUND in request.environ else _found([key]).get(sign_ins.hash_of(key))
    if found is None or found.user.fs_uniquifier != uniquifier:
        return None
    g.sign_in_id = found.id
    if found.is_due and request.blueprint != "live":  # a browser that comes back by itself is nobody's use of it
        _note(found.id)
    set_request_attr("fs_authn_via", "session")
    set_request_attr("fs_paa", session.get("fs_paa", 0))
    return found.user


def look_up(app: Flask, waiting: list[dict[str, Any]]) -> None:
    """Finds the sign-ins of many requests (WSGI environments) in one query, for `load` to take up."""
    cookies = (app.session_interface.open_session(app, app.request_class(environ)) for environ in waiting)
    keys = {number: key for number, cookie in enumerate(cookies) if (key := _key_of(cookie))}
    with app.app_context():
        found = _found(list(keys.values()))
    for number, key in keys.items():
        waiting[number][FOUND] = found.get(sign_ins.hash_of(key))


def _key_of(cookie: SessionMixin | None) -> str | None:
    key = cookie.get(KEY) if cookie else None
    return key if isinstance(key, str) else None


def _found(keys: list[str]) -> dict[str, people.SignedIn]:
    hashes = [sign_ins.hash_of(key) for key in keys]
    return people.signed_in(db.session, hashes, timedelta(days=current().sign_in_idle_days))


def _note(sign_in_id: UUID) -> None:
    """That it was used; on a full disk pages are read on without the note."""
    try:
        sign_ins.see(db.session, sign_in_id, people.SEEN_EVERY)
    except OperationalError as error:
        log.warning("[Accounts] Not noted", error=type(error.orig).__name__)


def begin(_app: Flask, user: User) -> None:
    """A new key for a new sign-in: whatever the browser held before is worth nothing to anybody."""
    user_id = user.id
    g.sign_in_id, session[KEY] = sign_ins.begin(db.session, user_id, current().sign_in_days)
    session.permanent = True
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)
    log.info("[Accounts] Signed in", user_id=user_id)


def end(_app: Flask, user: User) -> None:
    """Ends this browser's sign-in, and so every copy of its cookie."""
    session.pop(KEY, None)
    sign_in_id: UUID | None = g.pop("sign_in_id", None)
    if sign_in_id is not None:
        sign_ins.end(db.session, sign_in_id)
        log.info("[Accounts] Signed out", user_id=user.id)
