"""What a person sees: a page in a real Chromium, whose console must stay silent."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Response, sync_playwright

from tests.browser import FLAGS, chromium_path
from tests.cast import Person
from tests.gallery import Shot

PHONE, DESKTOP = 375, 1280  # pixels wide
WIDTHS = (PHONE, DESKTOP)
SPARE = 10_000  # milliseconds that something may take to appear before a test fails


@contextmanager
def chromium(*, whole: bool = False) -> Iterator[Browser]:
    """A Chromium with an empty profile; it ends with the block. `whole`: with notifications and pushes."""
    with sync_playwright() as playwright, launched(playwright, whole=whole) as browser:
        yield browser


@contextmanager
def launched(playwright: Playwright, *, whole: bool = False) -> Iterator[Browser]:
    """The same, by a Playwright that runs: a thread has one."""
    path = chromium_path(whole=whole)
    assert path, "there is no Chromium; NO_BROWSER=1 leaves these tests out"
    browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
    yield browser
    browser.close()


class Screens:
    """Opens pages for people, each in a browser of its own, and remembers what their consoles said."""

    def __init__(self, browser: Browser, base: str) -> None:
        self.browser, self.base = browser, base
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.document: Response | None = None  # the last page that the server sent

    def open(self, person: Person | None, path: str, width: int = DESKTOP, **more: Any) -> Page:
        """The page at `path` as this person sees it, at that width; `more` goes to the browser's context."""
        context = self.browser.new_context(viewport={"width": width, "height": 900}, **more)
        context.set_default_timeout(SPARE)
        self.contexts.append(context)
        if person:
            name, _, value = person.cookie.partition("=")
            context.add_cookies([{"name": name, "value": value, "url": self.base}])
        page = context.new_page()
        page.on("console", self._listen)
        page.on("response", self._keep)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.base + path)
        return page

    @contextmanager
    def showing(self, shot: Shot, width: int = DESKTOP, **more: Any) -> Iterator[Page]:
        """A page of the gallery in its state, in a browser that closes with the block."""
        page = self.open(shot.who, shot.path, width, **more)
        assert self.document
        assert self.document.status == shot.status, f"{shot.name}: {self.document.status}"
        if shot.act:
            shot.act(page)
        try:
            yield page
        finally:
            context = page.context
            self.contexts.remove(context)
            context.close()

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location})")

    def _keep(self, response: Response) -> None:
        if response.request.resource_type == "document":
            self.document = response

    def close(self) -> None:
        for context in self.contexts:
            context.close()


def overflows(page: Page) -> bool:
    """Whether the page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
