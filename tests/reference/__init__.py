"""The pages of docs/reference, made from the code and a live catalogue; a test fails when one is stale."""

from collections.abc import Iterable

from flask import Flask

from favorites.settings import ROOT
from tests.database import sql
from tests.readme import settings_table
from tests.reference import cli, events, http_api, index, tables

DOCS = ROOT / "docs"
MADE = "<!-- Made by `make reference` from the code; what is changed here is lost. -->"
SETTINGS = """From the environment, or from a `.env` file beside `app.py`. All mistakes are told at once, and then
nothing starts. What the owner may change while it runs stands on `/admin/settings`."""


def pages(app: Flask) -> dict[str, str]:
    """Each page's path below docs/ and its text. The tables are read from the database that `sql` reaches."""
    made = {
        "settings": ("Settings", (SETTINGS, "", settings_table())),
        "cli": ("The command line", cli.lines(app)),
        "http-api": ("HTTP", http_api.lines(app)),
        "events": ("Events", events.lines()),
        "tables": ("Tables", tables.lines(sql)),
    }
    found = {f"reference/{name}.md": _page(title, lines) for name, (title, lines) in made.items()}
    return found | {"README.md": index.text(DOCS)}


def _page(title: str, lines: Iterable[str]) -> str:
    return "\n".join((f"# {title}", "", MADE, "", *lines)).rstrip() + "\n"
