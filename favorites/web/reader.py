"""How the one who reads writes times and money: their zone from their account, their locale from their browser."""

from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from flask import g, has_request_context, request
from flask_security import current_user

from favorites.models.people import UTC_ZONE

DEFAULT = "en_US"
TRIED = 10  # languages of a browser; nobody reads more
KEPT = 1024  # headers


def reader_zone() -> ZoneInfo:
    """The time zone of who reads; UTC for whoever is not signed in. Found once a request: a board asks 1,400 times."""
    if not has_request_context():
        return UTC_ZONE
    zone: ZoneInfo | None = g.get("reader_zone")
    if zone is None:
        zone = g.reader_zone = current_user.zone if current_user.is_authenticated else UTC_ZONE
    return zone


def reader_locale() -> str:
    """The first of the browser's languages that CLDR knows, with its region, as Babel names it; en_US without any."""
    if not has_request_context():
        return DEFAULT
    locale: str | None = g.get("reader_locale")  # a name, not a Locale: caches ask for its hash at every time of a page
    if locale is None:
        locale = g.reader_locale = _first_known(tuple(request.accept_languages.values())[:TRIED])
    return locale


def reader_lang() -> str | None:
    """The language in which a time is written, where it is not the pages' own: for the `lang` of its element."""
    locale = reader_locale()
    return None if locale.partition("_")[0] == "en" else locale.replace("_", "-")


@lru_cache(KEPT)
def _first_known(languages: tuple[str, ...]) -> str:
    return next((locale for language in languages if (locale := _known(language))), DEFAULT)


def _known(language: str) -> str | None:
    for tag in (language, language.partition("-")[0]):  # a region CLDR has nothing about: the language alone
        try:
            return str(Locale.parse(tag, sep="-"))
        except (UnknownLocaleError, ValueError):
            continue
    return None
