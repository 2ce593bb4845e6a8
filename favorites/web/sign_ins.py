"""The cookie names a sign-in's key; the row behind it decides, at every request."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from flask import Flask, Request, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
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
    found = people.signed_in(db.session, sign_ins.hash_of(key), _idle()) if key else None
    if found is None or found.user.fs_uniquifier != uniquifier:
        return None
    g.sign_in_id = found.id
    if found.is_due and request.blueprint != "live":  # a browser that comes back by itself is nobody's use of it
        _note(found.id)
    set_request_attr("fs_authn_via", "session")
    set_request_attr("fs_paa", session.get("fs_paa", 0))
    return found.user


def listeners(app: Flask, requests: list[Request]) -> list[people.Listener | None]:
    """Who each of these is, by one query and without a session of Flask's: None for who is signed in nowhere."""
    cookies: list[Mapping[str, Any]] = [app.session_interface.open_session(app, one) or {} for one in requests]
    hashes = [sign_ins.hash_of(key) if (key := _key_of(cookie)) else "" for cookie in cookies]
    found = people.listeners(db.session, [each for each in hashes if each], _idle())
    both = zip(cookies, (found.get(each) for each in hashes), strict=True)
    return [who if who and who.uniquifier == cookie.get("_user_id") else None for cookie, who in both]


def _key_of(cookie: Mapping[str, Any]) -> str | None:
    key = cookie.get(KEY)
    return key if isinstance(key, str) else None


def _idle() -> timedelta:
    return timedelta(days=current().sign_in_idle_days)


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
