"""Whether mail leaves the house."""

import smtplib
from collections.abc import Iterator
from email.utils import parseaddr

from favorites.cli.doctor.check import Finding, advice, check, fault, ok
from favorites.settings import Settings, current

SECTION = "mail"
PATIENCE = 5.0  # seconds


@check(SECTION, "server")
def server() -> Iterator[Finding]:
    """As a mail would go, up to the letter itself."""
    settings = current()
    if settings.mail_backend != "smtp":
        sentence = f"MAIL_BACKEND={settings.mail_backend}: no mail leaves this machine."
        yield advice(sentence, "Set it to smtp, and MAIL_SERVER, so that people can reset passwords.")
        return
    where = f"{settings.mail_server}:{settings.mail_port}"
    try:
        yield from _spoken_to(settings, where)
    except (OSError, smtplib.SMTPException) as error:
        words = " ".join(str(error).split())
        yield fault(f"{where} takes no mail ({words}).", "Put the server right, or the MAIL_ settings.")


def _spoken_to(settings: Settings, where: str) -> Iterator[Finding]:
    with smtplib.SMTP(settings.mail_server, settings.mail_port, timeout=PATIENCE) as line:
        line.ehlo()
        if settings.mail_use_tls:
            line.starttls()
            line.ehlo()
        elif settings.mail_username and not _is_here(settings.mail_server):
            yield advice("The mail server's password is sent readable.", "Set MAIL_USE_TLS=true.")
        if settings.mail_username:
            line.login(settings.mail_username, settings.mail_password.get_secret_value())
    yield ok(f"{where} answers.")


def _is_here(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")


@check(SECTION, "sender")
def sender() -> Iterator[Finding]:
    """Most servers refuse mail from nowhere."""
    settings = current()
    address = parseaddr(settings.mail_default_sender)[1]
    if settings.mail_backend == "smtp" and address.endswith("@localhost"):
        yield advice(f"Mail is sent as {address}, which many refuse.", "Set MAIL_DEFAULT_SENDER to one of yours.")
    else:
        yield ok(f"Mail is sent as {address}.")
