"""The start page, and how one becomes a customer or a mechanic."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_security import current_user, hash_password, url_for_security
from flask_security.confirmable import generate_confirmation_link
from flask_security.recoverable import generate_reset_link
from flask_security.utils import send_mail

from favorites.db import db
from favorites.dispatch import accounts
from favorites.models import User
from favorites.queries import people
from favorites.web import next_page
from favorites.web.answers import done, mistaken, wants_json
from favorites.web.forms import Application, SignUp
from favorites.web.limits import by_address, limiter

bp = Blueprint("accounts", __name__)

SENT = "Thank you. We sent you a mail; sign in with the password you chose."


@bp.get("/")
def home() -> ResponseReturnValue:
    """What this is; who is signed in goes on to their own page."""
    if current_user.is_authenticated:
        return redirect(next_page.place_of(current_user), code=303)
    return render_template("accounts/home.html", has_owner=people.has_owner(db.session))


@bp.route("/sign-up", methods=["GET", "POST"])
@limiter.limit("20/hour", key_func=by_address, methods=["POST"])
def sign_up() -> ResponseReturnValue:
    """A new customer's account."""
    return _answer(SignUp(), accounts.sign_up, "accounts/sign_up.html")


@bp.route("/apply", methods=["GET", "POST"])
@limiter.limit("20/hour", key_func=by_address, methods=["POST"])
def apply() -> ResponseReturnValue:
    """A mechanic's application, which the owner approves or refuses."""
    return _answer(Application(), accounts.apply, "accounts/apply.html")


def _answer(form: SignUp | Application, open_account: Callable[..., User], page: str) -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(next_page.place_of(current_user), code=303)
    wanted = next_page.asked_for()
    if form.validate_on_submit():
        _open(form, open_account)
        flash(SENT, "success")
        return done("security.login", next=wanted or None)
    if form.errors and wants_json():
        return mistaken(form.mistakes)
    return render_template(page, form=form, mistakes=form.mistakes, wanted=wanted), 422 if form.errors else 200


def _open(form: SignUp | Application, open_account: Callable[..., User]) -> None:
    """The same work and the same answer, whether there was such an account or not; only the mail differs."""
    account = {"email": form.email.data, "password": hash_password(form.password.data), "time_zone": form.zone}
    try:
        user = open_account(db.session, account, form.person)
    except accounts.EmailTaken:
        _mail_existing(form.email.data)
    else:
        link, _token = generate_confirmation_link(user)  # type: ignore[no-untyped-call] # Flask-Security types only part of itself
        send_mail("Welcome to Book Again", user.email, "security/email/welcome", user=user, confirmation_link=link)


def _mail_existing(email: str) -> None:
    user = people.user_with(db.session, email)
    if user is not None:
        reset_link, _token = generate_reset_link(user)  # type: ignore[no-untyped-call] # Flask-Security types only part of itself
        links = {"reset_link": reset_link, "login_link": url_for_security("login", _external=True)}
        subject = "You have an account at Book Again"
        send_mail(subject, user.email, "security/email/welcome_existing", user=user, **links)
