"""The W3C's own checker (vnu), asked once about all pages and fragments: each error and warning, or nothing."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Response

from tests.standards import tools

# A fragment as it stands in its page, below a title of the page's if it has none of its own.
FRAME = '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Part</title></head><body>{}</body></html>'
TITLE = "<h1>Page</h1>"


class Reader:
    """Keeps the HTML that the server sends to a page, and that of the fragments which the page may ask for."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def reads(self, name: str, page: Page, document: Response | None) -> None:
        """The page as it was sent, and its fragments as they are sent now."""
        assert document
        self.texts[name] = document.text()
        for number, address in enumerate(_fragments(page)):
            text = page.request.get(address, headers={"HX-Request": "true"}).text()
            self.texts[f"{name}-fragment-{number}"] = framed(text)


def framed(text: str) -> str:
    """A page as it is, a fragment in a page."""
    if text.lstrip()[:9].lower() == "<!doctype":
        return text
    return FRAME.format(text if "<h1" in text else TITLE + text)


def _fragments(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        """() => [...new Set([...document.querySelectorAll("[data-hx-get]")].map(
             (one) => new URL(one.dataset.hxGet, location).href))]"""
    )
    return found


def problems(texts: Mapping[str, str]) -> list[str]:
    """What is wrong with these documents, by their names; the same once."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            (Path(folder) / f"{name}.html").write_text(text)
        said = json.loads(tools.java("--format", "json", *map(str, sorted(Path(folder).glob("*.html")))))
    return sorted({_told(each) for each in said["messages"] if _counts(each)})


def _counts(message: dict[str, Any]) -> bool:
    return message["type"] != "info" or message.get("subType") == "warning"


def _told(message: dict[str, Any]) -> str:
    where = Path(message["url"]).stem.partition("-fragment")[0]
    return f"{message['message']} ({where}: {message.get('extract', '').strip()[:120]})"
