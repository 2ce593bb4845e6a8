"""A page in a real Chromium whose stream meets everything that networks, proxies and servers do to it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import NamedTuple

import psutil
from playwright.sync_api import Browser, BrowserContext, Page

from tests.faults.ground import Ground, ground
from tests.faults.news import News, news
from tests.faults.registry import fault
from tests.faults.town import Person
from tests.proxy import Line, Proxy, proxy_to
from tests.screens import chromium
from tests.server import Server, until

DASHBOARD = "/mechanic/dashboard"
STREAMS = b"/mechanic/events"
FOUND = 60.0  # seconds until a page must have found out that its stream is dead, and have recovered
SOON = 30.0  # seconds until a page must be back after an answer that closed its stream
TABS = 8
REFUSALS = {
    "503": ("503 Service Unavailable", "text/html", "<p>Back in a moment</p>"),
    "502": ("502 Bad Gateway", "text/html", "<p>Bad gateway</p>"),
    "429": ("429 Too Many Requests", "text/html", "<p>Slower</p>"),
    "204": ("204 No Content", "", ""),
    "500": ("500 Internal Server Error", "text/html", "<p>Our mistake</p>"),
    "another content type": ("200 OK", "text/html", "<p>Welcome to our network: please pay</p>"),
}


def answer(status: str, kind: str, body: str) -> bytes:
    """As it goes over the wire; the connection ends with it."""
    head = [f"HTTP/1.1 {status}", "Connection: close", "Cache-Control: no-store"]
    if kind:
        head += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", body]).encode()


class Scene(NamedTuple):
    """A browser, in front of a proxy, in front of a server; nobody has a page open yet."""

    here: Ground
    server: Server
    told: News
    proxy: Proxy
    context: BrowserContext


@contextmanager
def scenery(browser: Browser) -> Iterator[Scene]:
    """One profile of that browser, signed in as a mechanic."""
    with ground() as here, here.server() as server, news(here, server) as told:
        with proxy_to(("127.0.0.1", server.port)) as proxy:
            proxy.scripted = lambda request: STREAMS in request.partition(b"\r\n")[0]
            context = browser.new_context()
            sign_in(context, proxy, here.town.mechanic())
            yield Scene(here, server, told, proxy, context)
            context.close()
        told.end()
        here.check()


def sign_in(context: BrowserContext, proxy: Proxy, person: Person) -> None:
    """Their cookie, in this profile."""
    name, _, value = person.cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": f"http://127.0.0.1:{proxy.port}"}])


def board(scene: Scene) -> Page:
    """One more tab, with its stream open or another tab's to hear."""
    page = scene.context.new_page()
    page.goto(f"http://127.0.0.1:{scene.proxy.port}{DASHBOARD}")
    connected(scene, page, "a new tab", SOON)
    return page


def is_stream(line: Line) -> bool:
    """Whether a stream goes over it."""
    return b"GET " + STREAMS in line.said


def connected(scene: Scene, page: Page, what: str, seconds: float) -> None:
    """Waits until the page says that its stream is open."""
    _until(scene, page, "document.querySelector('#live').dataset.connection === 'open'", f"{what}: open", seconds)


def shows_all(scene: Scene, page: Page, what: str, seconds: float) -> None:
    """Waits until the page shows a card for each open session request."""
    number = scene.here.town.one("SELECT count(*) FROM session_requests WHERE status = 'pending'")
    cards = f"document.querySelectorAll('[data-card]').length === {number}"
    _until(scene, page, cards, f"{what}: shows all {number}", seconds)


def _until(scene: Scene, page: Page, fact: str, what: str, seconds: float) -> None:
    """Asks from here: the page's own policy forbids a string to run in it."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(fact):
        if time.monotonic() > deadline:
            return scene.here.claim(False, f"not within {seconds:.0f} s: {what}")
        page.wait_for_timeout(50)
    return None


@fault(
    "K48",
    f"The browser's stream is cut and answered with {', '.join(REFUSALS)}, three times in a row",
    "the page opens another one by itself, with its cursor, and shows the newest state within 30 s",
    12,
)
def refused(times: int) -> int:
    with chromium(whole=True) as browser, scenery(browser) as scene:
        page = board(scene)
        for _, what in zip(range(times), cycle(REFUSALS)):
            refuse(scene, page, what)
    return len(scene.here.violations)


def refuse(scene: Scene, page: Page, what: str, often: int = 3) -> None:
    """Its stream ends, and the next so many tries are answered so."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    scene.told.happen()
    shows_all(scene, page, what, SOON)
    cursor = scene.told.newest()
    scene.proxy.script.extend([answer(*REFUSALS[what])] * often)
    scene.proxy.cut(is_stream)
    scene.told.happen()
    until(lambda: page.wait_for_timeout(50) or not scene.proxy.script, f"{what}: the page has asked", FOUND)
    connected(scene, page, what, SOON)
    shows_all(scene, page, what, SOON)
    again = [url for url in asked if "/events?after=" in url]
    last = f"/events?after={cursor}"
    scene.here.claim(any(url.endswith(last) for url in again), f"{what}: asked {again[-3:]}, not {last}")


@fault(
    "K49",
    "The worker, or all of the server, is frozen (SIGSTOP); a network swallows the stream; the tab was frozen",
    "the page's watchdog says so and finds a way within a minute; what happened meanwhile is shown",
    4,
)
def silent(times: int) -> int:
    with chromium(whole=True) as browser, scenery(browser) as scene:
        page = board(scene)
        for _, silence in zip(range(times), cycle((frozen_worker, frozen_server, swallowed, frozen_tab))):
            silence(scene, page)
    return len(scene.here.violations)


def frozen_worker(scene: Scene, page: Page) -> None:
    """It answers nobody, until its arbiter loses patience and replaces it."""
    scene.server.workers()[0].suspend()
    scene.told.happen()
    shows_all(scene, page, "frozen worker", FOUND)
    connected(scene, page, "frozen worker", SOON)


def frozen_server(scene: Scene, page: Page) -> None:
    """All of it answers nobody; then it goes on."""
    frozen = [psutil.Process(scene.server.process.pid), *scene.server.workers()]
    for process in frozen:
        process.suspend()
    try:
        says_lost(scene, page, "frozen server", FOUND)
        scene.told.happen()
    finally:
        for process in frozen:
            process.resume()
    shows_all(scene, page, "frozen server", SOON)
    connected(scene, page, "frozen server", SOON)


def swallowed(scene: Scene, page: Page) -> None:
    """What the browser has open is dead, idle connections, too, and it is not told; new connections work."""
    page.evaluate("Promise.all(Array.from({ length: 5 }, () => fetch('/healthz', { cache: 'no-store' })))")
    scene.proxy.freeze()
    scene.told.happen()
    says_lost(scene, page, "swallowed", FOUND)
    connected(scene, page, "swallowed", FOUND)
    shows_all(scene, page, "swallowed", SOON)
    scene.proxy.cut(lambda line: not line.flows.is_set())


def frozen_tab(scene: Scene, page: Page) -> None:
    """The browser has put the tab to sleep; the stream ended meanwhile."""
    devices = scene.context.new_cdp_session(page)
    devices.send("Page.setWebLifecycleState", {"state": "frozen"})
    scene.proxy.cut(is_stream)
    scene.told.happen(2)
    devices.send("Page.setWebLifecycleState", {"state": "active"})
    shows_all(scene, page, "frozen tab", SOON)
    connected(scene, page, "frozen tab", SOON)
    devices.detach()


def says_lost(scene: Scene, page: Page, what: str, seconds: float) -> None:
    """Waits until the page tells its reader."""
    _until(scene, page, "!document.querySelector('#connection').hidden", f"{what}: the page says so", seconds)


@fault(
    "K50",
    f"{TABS} tabs of one person in one browser, over HTTP/1.1; the one that holds the stream is closed",
    "all show the news; plain pages still load; one stream for all; another tab takes over, nothing is missed",
    2 * TABS,
)
def tabs(times: int) -> int:
    with chromium(whole=True) as browser, scenery(browser) as scene:
        for _ in range(-(-times // TABS)):
            many_tabs(scene)
    return len(scene.here.violations)


def many_tabs(scene: Scene, number: int = TABS) -> None:
    """Opens them, closes them one after the other, the one that holds the stream first."""
    pages = [board(scene) for _ in range(number)]
    streams = sum(is_stream(line) for line in scene.proxy.lines)
    scene.here.claim(streams == 1, f"{streams} streams for {number} tabs")
    while pages:
        scene.told.happen()
        for place, page in enumerate(pages):
            shows_all(scene, page, f"tab {place} of {len(pages)}", SOON)
        plain(scene, pages[-1])
        pages.pop(0).close()


def plain(scene: Scene, page: Page) -> None:
    """A page without a stream, asked for from among them."""
    status = page.evaluate("fetch('/', { signal: AbortSignal.timeout(5000) }).then(r => r.status, String)")
    scene.here.claim(status == 200, f"a plain page beside the tabs: {status}")
