"""Whether offers reach closed boards."""

import os
from collections.abc import Iterator

from favorites.cli.doctor.check import Finding, advice, check, fault, ok
from favorites.settings import current
from favorites.webpush import keys, services

SECTION = "push"


@check(SECTION, "keys")
def push_keys() -> Iterator[Finding]:
    """By which push services know us; browsers that subscribed to others must do so anew."""
    settings = current()
    made = settings.instance_dir / "vapid_key"
    is_ours = bool(settings.vapid_private_key.get_secret_value())
    if not services.are_known():
        yield advice("PUSH_HOSTS is empty: offers reach open boards only.", "Unset it where the server may go out.")
    elif not is_ours and not made.exists() and not os.access(settings.instance_dir, os.W_OK):
        yield advice(f"None can be made: {settings.instance_dir} cannot be written.", "Set VAPID_PRIVATE_KEY.")
    elif not is_ours and not made.exists():
        yield ok("They are made when they are first needed.")
    else:
        yield from _held("VAPID_PRIVATE_KEY is set." if is_ours else f"They are kept in {made}: back it up.")


def _held(sentence: str) -> Iterator[Finding]:
    try:
        keys.public()
    except Exception as error:  # whatever the library finds wrong with them
        yield fault(f"They are none ({type(error).__name__}).", "Put them back; `flask vapid-keys` makes new ones.")
    else:
        yield ok(sentence)


@check(SECTION, "browsers")
def browsers() -> Iterator[Finding]:
    """They push to https only, and to this very machine."""
    settings = current()
    if services.are_known() and settings.public_url and not settings.is_secure:
        yield advice("Browsers take no push from plain http.", "Use https.")
    else:
        yield ok("They may subscribe." if services.are_known() else "They are not asked to.")
