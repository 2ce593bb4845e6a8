"""Flask-Security: sign-in, sign-out, reset and confirmation by e-mail, change of password."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_mailman import Mail as Mailman
from flask_principal import identity_changed  # type: ignore[import-untyped] # ships no types
from flask_security import (
    RoleMixin,
    Security,
    SQLAlchemyUserDatastore,
    current_user,
    password_reset,
    uia_email_mapper,
    views,
)
from flask_wtf import FlaskForm
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from favorites.db import db
from favorites.dispatch import accounts
from favorites.models import User
from favorites.web import next_page, sign_ins
from favorites.web.answers import done_at, mistaken, wants_json
from favorites.web.forms import FORMS
from favorites.web.limits import by_account, by_address, by_address_and_account, by_person, failed_sign_ins, limiter
from favorites.web.mail import Mail
from favorites.web.passwords import SHORTEST, Passwords
from favorites.web.people import sign_in_first

CONFIGURATION: dict[str, Any] = {
    "SECURITY_PASSWORD_HASH": "argon2",
    "SECURITY_PASSWORD_SCHEMES": ["argon2"],
    "SECURITY_PASSWORD_SINGLE_HASH": True,
    # An address within a signed link, not a password: the library's own way took 0.3 s a mail, which told who is known.
    "SECURITY_HASHING_SCHEMES": ["hex_sha256", "sha256_crypt"],
    "SECURITY_PASSWORD_LENGTH_MIN": SHORTEST,
    "SECURITY_USER_IDENTITY_ATTRIBUTES": [{"email": {"mapper": uia_email_mapper, "case_insensitive": False}}],
    "SECURITY_JOIN_USER_ROLES": False,
    "SECURITY_RETURN_GENERIC_RESPONSES": True,
    "SECURITY_RECOVERABLE": True,
    "SECURITY_CONFIRMABLE": True,
    "SECURITY_CHANGEABLE": True,
    "SECURITY_LOGIN_WITHOUT_CONFIRMATION": True,  # only the free plan asks for it
    "SECURITY_POST_LOGIN_VIEW": "accounts.home",
    "SECURITY_POST_CONFIRM_VIEW": "accounts.home",
    "SECURITY_API_ENABLED_METHODS": ["session"],
    "SECURITY_DATETIME_FACTORY": lambda: datetime.now(UTC),
    "SECURITY_EMAIL_HTML": False,
    "SECURITY_CACHE_CONTROL": None,  # headers.py does it
    "SECURITY_STATIC_FOLDER": None,
    "SECURITY_CLI_USERS_NAME": None,
    "SECURITY_CLI_ROLES_NAME": None,
    "SESSION_PROTECTION": None,  # the row in sign_ins protects; a changed User-Agent proves nothing
    "SECURITY_EMAIL_SUBJECT_REGISTER": "Welcome to Book Again",
    "SECURITY_EMAIL_SUBJECT_CONFIRM": "Please confirm your e-mail address",
    "SECURITY_EMAIL_SUBJECT_PASSWORD_RESET": "Choose a new password for Book Again",
    "SECURITY_EMAIL_SUBJECT_PASSWORD_NOTICE": "Your password has been changed",
    "SECURITY_EMAIL_SUBJECT_PASSWORD_CHANGE_NOTICE": "Your password has been changed",
    "SECURITY_MSG_GENERIC_AUTHN_FAILED": ("E-mail address or password is not right.", "warning"),
    "SECURITY_MSG_GENERIC_RECOVERY": ("If we know this address, a mail is on its way to it.", "info"),
    "SECURITY_MSG_PASSWORD_RESET_REQUEST": ("If we know this address, a mail is on its way to it.", "info"),
    "SECURITY_MSG_CONFIRMATION_REQUEST": (
        "If this address waits for confirmation, a mail is on its way to it.",
        "info",
    ),
    "SECURITY_MSG_PASSWORD_RESET_NO_LOGIN": ("Your password is changed. Sign in with the new one.", "success"),
    "SECURITY_MSG_PASSWORD_CHANGE": ("Your password is changed. Every other sign-in has ended.", "success"),
    "SECURITY_MSG_INVALID_RESET_PASSWORD_TOKEN": (
        "This link is not valid any more. Ask for a new one here.",
        "warning",
    ),
    "SECURITY_MSG_PASSWORD_RESET_EXPIRED": ("This link is older than %(within)s. Ask for a new one here.", "warning"),
    "SECURITY_MSG_EMAIL_CONFIRMED": ("Thank you. Your e-mail address is confirmed.", "success"),
    "SECURITY_MSG_ALREADY_CONFIRMED": ("Your e-mail address is confirmed already.", "info"),
    "SECURITY_MSG_INVALID_CONFIRMATION_TOKEN": ("This link is not valid. Ask for a new one here.", "warning"),
    "SECURITY_MSG_CONFIRMATION_EXPIRED": ("This link is older than %(within)s. Ask for a new one here.", "warning"),
    "SECURITY_MSG_EMAIL_NOT_PROVIDED": ("Write your e-mail address.", "warning"),
    "SECURITY_MSG_PASSWORD_NOT_PROVIDED": ("Write your password.", "warning"),
    "SECURITY_MSG_INVALID_PASSWORD": ("This is not your password.", "warning"),
    "SECURITY_MSG_PASSWORD_IS_THE_SAME": ("The new password must be another one.", "warning"),
}


def init_app(app: Flask) -> None:
    """Registers Flask-Security with our sign-ins, forms, words and limits."""
    for name, value in CONFIGURATION.items():
        app.config.setdefault(name, value)
    Mailman(app)
    security = Security(
        app,
        SQLAlchemyUserDatastore(db, User, RoleMixin),
        mail_util_cls=Mail,
        password_util_cls=Passwords,
        render_template=_page,
        **FORMS,
    )
    security.unauthn_handler(lambda mechanisms, headers: sign_in_first())
    security.want_json(lambda _request: False)  # its JSON has other words than ours
    sign_ins.init_app(app, security.login_manager)
    _without_principal(app, security)
    app.view_functions |= LIMITED
    app.before_request(_readable_only)
    app.after_request(_see_other)
    password_reset.connect(_confirm, app)


def _without_principal(app: Flask, security: Any) -> None:
    # Its idea of a role is not ours, and at every request, static files included, it would ask who is signed in.
    security.principal.identity_loaders.clear()
    identity_changed.disconnect(security.principal._on_identity_changed, app)


def _readable_only() -> None:
    """Flask-Security trips over JSON, and over some foreign `next`: dropped, not told, since nobody typed it."""
    if request.blueprint == "security":
        if request.is_json:
            abort(415)
        request.args, request.form = _without_foreign(request.args), _without_foreign(request.form)


def _without_foreign(sent: MultiDict[str, str]) -> ImmutableMultiDict[str, str]:
    return ImmutableMultiDict(
        (name, value) for name, value in sent.items(multi=True) if name != "next" or next_page.safe(value)
    )


def _page(template: str, **context: Any) -> Any:
    """Flask-Security's pages and mails as ours are: with mistakes 422, for programs as JSON."""
    form = next((one for one in context.values() if isinstance(one, FlaskForm)), None)
    if form is None or not form.errors:
        return render_template(template, **context)
    if not wants_json():
        return render_template(template, **context), 422
    fields = {name: str(sentences[0]) for name, sentences in form.errors.items() if name}
    return mistaken(fields, *(str(sentence) for sentence in form.form_errors[:1]))


def _see_other(response: Response) -> Response:
    """After a POST the next page is read by GET, whatever the browser makes of 302."""
    if request.blueprint == "security" and request.method == "POST" and response.status_code == 302:
        response.status_code = 303
    return response


def _confirm(_app: Flask, user: User) -> None:
    accounts.confirm_address(db.session, user)


def _failed(_response: object) -> bool:
    return not current_user.is_authenticated


@limiter.limit(failed_sign_ins, key_func=by_address, methods=["POST"], deduct_when=_failed)
@limiter.limit(failed_sign_ins, key_func=by_account, methods=["POST"], deduct_when=_failed)
def login() -> ResponseReturnValue:
    """Flask-Security's, with our idea of where to go on."""
    answer: ResponseReturnValue = views.login()
    if current_user.is_authenticated:
        return done_at(next_page.asked_for() or next_page.place_of(current_user))
    return answer


def logout() -> ResponseReturnValue:
    """Flask-Security's, for programs, too."""
    views.logout()
    return done_at("/")


@limiter.limit("3/hour", key_func=by_address_and_account, methods=["POST"])
def forgot_password() -> ResponseReturnValue:
    """Flask-Security's, limited."""
    answer: ResponseReturnValue = views.forgot_password()
    return answer


@limiter.limit("3/hour", key_func=by_address_and_account, methods=["POST"])
def send_confirmation() -> ResponseReturnValue:
    """Flask-Security's, limited."""
    answer: ResponseReturnValue = views.send_confirmation()
    return answer


@limiter.limit(failed_sign_ins, key_func=by_person, methods=["POST"])
def change_password() -> ResponseReturnValue:
    """Flask-Security's, limited: it asks for the present password."""
    answer: ResponseReturnValue = views.change_password()
    return answer


def confirm_email(token: str) -> ResponseReturnValue:
    """Flask-Security's, behind a button: whatever merely opens the link, a mail scanner, say, changes nothing."""
    if request.method != "POST":
        return render_template("security/confirm_email.html", token=token)
    answer: ResponseReturnValue = views.confirm_email(token)
    return answer


LIMITED: dict[str, Callable[..., ResponseReturnValue]] = {
    "security.confirm_email": confirm_email,
    "security.login": login,
    "security.logout": logout,
    "security.forgot_password": forgot_password,
    "security.send_confirmation": send_confirmation,
    "security.change_password": change_password,
}
