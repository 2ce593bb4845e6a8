"""Whether a customer is written to: by the link in each mail, without a sign-in, and on the account's page."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from favorites.db import db
from favorites.dispatch.mails import choose_mail
from favorites.mail_words import person_of
from favorites.queries.people import wants_mail
from favorites.settings import current
from favorites.web.answers import done
from favorites.web.csrf import csrf
from favorites.web.people import current_customer, customers_only

bp = Blueprint("mail", __name__)

ONE_CLICK = "One-Click"  # RFC 8058; a mail program sends it, and must not be redirected


@bp.get("/mail/unsubscribe/<word>")
def ask(word: str) -> ResponseReturnValue:
    """One button; that the page is opened, by a mail scanner, say, changes nothing. 404 for a word that is nobody's."""
    is_wanted = wants_mail(db.session(), _person(word))
    if is_wanted is None:
        abort(404)
    return render_template("mail/unsubscribe.html", word=word, is_wanted=is_wanted)


@bp.post("/mail/unsubscribe/<word>")
@csrf.exempt  # type: ignore[untyped-decorator] # Flask-WTF ships no types; the word is the proof, mail programs have no other
def unsubscribe(word: str) -> ResponseReturnValue:
    """No more mails, by one press; once is as good as twice."""
    return _chosen(word, is_wanted=False)


@bp.post("/mail/subscribe/<word>")
def subscribe(word: str) -> ResponseReturnValue:
    """Mails again."""
    return _chosen(word, is_wanted=True)


def _chosen(word: str, *, is_wanted: bool) -> ResponseReturnValue:
    if not choose_mail(db.session(), _person(word), is_wanted=is_wanted):
        abort(404)
    if request.form.get("List-Unsubscribe") == ONE_CLICK:
        return render_template("mail/unsubscribe.html", word=word, is_wanted=is_wanted)
    return redirect(url_for("mail.ask", word=word), code=303)


def _person(word: str) -> UUID:
    return person_of(current(), word) or abort(404)


@bp.get("/customer/account")
@customers_only
def account() -> ResponseReturnValue:
    """The customer's own: mails, cars, password."""
    return render_template("customer/account.html", customer=current_customer())


@bp.post("/customer/account/mail")
@customers_only
def choose() -> ResponseReturnValue:
    """The switch: `wanted` is 1 or 0."""
    is_wanted = request.form.get("wanted") == "1"
    choose_mail(db.session(), current_user.id, is_wanted=is_wanted)
    flash("We write to you again." if is_wanted else "We no longer write to you.", "success")
    return done("mail.account")
