"""The forms of accounts: what is asked, and the sentence at each field."""

from typing import Any

import structlog
from flask import current_app, request
from flask_security.forms import ChangePasswordForm, EmailValidation, LoginForm, ResetPasswordForm
from flask_wtf import FlaskForm
from wtforms import EmailField, Field, HiddenField, PasswordField, StringField, TelField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length, Regexp

from favorites.web.time_zone import known

log = structlog.get_logger(__name__)


class SignIn(LoginForm):
    """Without "remember me": the sign-in's row says how long it lasts."""

    remember = None

    def validate(self, **kwargs: object) -> bool:
        """As Flask-Security's, which hashes what it could not hash; a failure is worth a line, without who it was."""
        self.password.data = current_app.extensions["security"].password_util.normalize(self.password.data or "")
        is_valid = bool(super().validate(**kwargs))
        if not is_valid:
            log.info("[Accounts] Sign-in failed")
        return is_valid


class Reset(ResetPasswordForm):
    """One field: what was mistyped can be reset again."""

    password_confirm = None


class Change(ChangePasswordForm):
    """As `Reset`."""

    new_password_confirm = None


FORMS: dict[str, Any] = {"login_form": SignIn, "reset_password_form": Reset, "change_password_form": Change}


def _trimmed(text: str | None) -> str:
    return " ".join((text or "").split())


def _kept(text: str | None) -> str:
    return (text or "").strip()


class _Account(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """What everyone is asked. Reads forms only, so that every value is text."""

    first_name = StringField(filters=[_trimmed], validators=[DataRequired("Write your first name."), Length(max=80)])
    last_name = StringField(filters=[_trimmed], validators=[Length(max=80)])
    email = EmailField(validators=[InputRequired("Write your e-mail address."), Length(max=254), EmailValidation()])
    password = PasswordField(validators=[InputRequired("Choose a password.")])
    time_zone = HiddenField()

    def __init__(self) -> None:
        super().__init__(request.form if request.method == "POST" else None)

    def validate_password(self, field: Field) -> None:
        """Length and guessability; keeps the password as it is to be hashed."""
        known = {"first": self.first_name.data, "last": self.last_name.data, "email": self.email.data}
        refusals, field.data = current_app.extensions["security"].password_util.validate(field.data, True, **known)
        if refusals:
            raise ValidationError(refusals[0])

    @property
    def zone(self) -> str:
        """The browser's time zone when there is such a one, else UTC."""
        return known(self.time_zone.data) or "UTC"

    @property
    def person(self) -> dict[str, str]:
        """The columns of the customer's or mechanic's row."""
        others = {"email", "password", "time_zone", "csrf_token"}
        return {name: value for name, value in self.data.items() if name not in others}

    @property
    def mistakes(self) -> dict[str, str]:
        """One sentence a field."""
        return {name: sentences[0] for name, sentences in self.errors.items() if name}


class SignUp(_Account):
    """A customer's."""


class Application(_Account):
    """A mechanic's."""

    phone = TelField(
        filters=[_trimmed],
        validators=[Regexp(r"^[0-9+()\-\s]{7,}$", message="Write a phone number: digits, 7 or more."), Length(max=40)],
    )
    city = StringField(filters=[_trimmed], validators=[DataRequired("Write your city."), Length(max=80)])
    about = TextAreaField(filters=[_kept], validators=[Length(max=2000)])
