"""Addresses in one spelling, and mail that never breaks what it tells of."""

import smtplib
from typing import Any

import structlog
from email_validator import validate_email
from flask_security import MailUtil
from flask_security.mail_util import EmailValidateException

log = structlog.get_logger(__name__)

LONGEST = 254  # RFC 5321


class Mail(MailUtil):
    """Lower case everywhere; whether an address exists is learned by writing to it, not by asking DNS."""

    def normalize(self, email: str) -> str:
        """The address as we store it. Raises ValueError with a sentence."""
        try:
            # `test_environment` admits the demo's names below .test, which nobody can own.
            found = validate_email(email.strip(), check_deliverability=False, test_environment=True)
        except ValueError as error:
            raise EmailValidateException("Write an e-mail address, such as name@example.com.") from error
        return found.normalized.lower()

    def validate(self, email: str) -> str:
        """As `normalize`."""
        return self.normalize(email)

    def send_mail(self, template: str, *args: Any, **kwargs: Any) -> None:
        """Sends; a mail server that does not answer is logged, the person can ask for the mail again."""
        try:
            super().send_mail(template, *args, **kwargs)
        except (OSError, smtplib.SMTPException) as error:
            log.error("[Mail] Not sent", template=template, error=type(error).__name__)
