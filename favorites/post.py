"""The post: a thread that tells customers by mail what no open page of theirs told them, and owners who waits.

It reads the events from the table, some seconds later. A mail that could not be sent is taken again later. Killed after
the mail server took a mail and before that is written, the same mail goes again, with the same Message-ID.
"""

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import structlog
from flask import Flask
from flask_mailman import EmailMessage
from sqlalchemy.orm import Session

from favorites.dispatch.mails import Claim, claim_mail, mail_is_sent
from favorites.mail_words import word_for
from favorites.queries import mails
from favorites.queries.mails import Alarm, Letter
from favorites.rounds import Rounds
from favorites.settings import current

log = structlog.get_logger(__name__)

ROUND = 10.0  # seconds between two looks


class Post(Rounds):
    """Sends what is due every few seconds, while `leads` says that this process polls."""

    def __init__(self, app: Flask, leads: Callable[[], bool]) -> None:
        super().__init__("post", ROUND, leads, self.deliver)
        self._app = app

    def deliver(self, session: Session) -> None:
        """Sends all that is due now, one after the other."""
        while self.goes_on and (claim := claim_mail(session)):
            letter = mails.letter(session, claim.event_id, claim.user_id)
            alarm = None if letter else mails.alarm(session, claim.event_id, claim.user_id)
            session.rollback()  # no transaction is open while a mail server thinks
            if (letter and self._is_sent(partial(self._message, letter), claim)) or (
                alarm and self._is_sent(partial(self._alarm, alarm), claim)
            ):
                mail_is_sent(session, claim)

    def _is_sent(self, message: Callable[[Claim], EmailMessage], claim: Claim) -> bool:
        try:
            with self._app.app_context():
                message(claim).send()
        except Exception as error:  # a mail server's; whatever it is, the next try may get through
            tell = log.error if claim.is_last else log.warning
            tell("[Mail] Not sent", event_id=claim.event_id, tries=claim.tries, error=type(error).__name__)
            return False
        log.info("[Mail] Sent", event_id=claim.event_id, tries=claim.tries)
        return True

    def _message(self, letter: Letter, claim: Claim) -> EmailMessage:
        stop = self._address("mail.ask", word=word_for(current(), claim.user_id))
        page = (
            self._address("consultations.show", session_id=letter.consultation_id)
            if letter.consultation_id
            else self._address("requests.show", request_id=letter.request_id)
        )
        body = self._app.jinja_env.get_template("mail/told.txt").render(letter=letter, page=page, stop=stop)
        # RFC 8058: by one press in the mail program itself. RFC 3834: no machine is to answer.
        headers = {
            "Message-ID": f"<{claim.event_id}.{claim.user_id}@{urlsplit(stop).hostname}>",
            "List-Unsubscribe": f"<{stop}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
        }
        return EmailMessage(" ".join(letter.happened.split()), body, to=[letter.email], headers=headers)

    def _alarm(self, alarm: Alarm, claim: Claim) -> EmailMessage:
        page = self._address("admin.one_request", request_id=alarm.request_id)
        body = self._app.jinja_env.get_template("mail/unattended.txt").render(alarm=alarm, page=page)
        headers = {
            "Message-ID": f"<{claim.event_id}.{claim.user_id}@{urlsplit(page).hostname}>",
            "Auto-Submitted": "auto-generated",
        }
        return EmailMessage(" ".join(f"{alarm.why}: {alarm.about}".split()), body, to=[alarm.email], headers=headers)

    def _address(self, endpoint: str, **values: object) -> str:
        """A page of ours as people reach it: no request tells the host here."""
        settings = current()
        home = urlsplit(settings.public_url or f"http://{settings.host}:{settings.port}")
        map_ = self._app.url_map.bind(home.netloc, script_name=home.path or "/", url_scheme=home.scheme)
        return map_.build(endpoint, values, force_external=True)
