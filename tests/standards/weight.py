"""What a first view weighs, as sent, and our scripts, without a proxy that would compress."""

from collections.abc import Iterator
from urllib.request import Request, urlopen

from playwright.sync_api import Browser

from bench.figures import Figure, figure
from tests.cast import Person
from tests.server import ROOT

SCRIPTS = ROOT / "static" / "js"
KIB = 1024


def of_scripts(base: str) -> Iterator[Figure]:
    """All of our JavaScript, whether a page has it or not, each file as the server sends it."""
    names = sorted(path.name for path in SCRIPTS.glob("*.js"))
    sent = sum(_length(f"{base}/sw.js" if name == "sw.js" else f"{base}/static/js/{name}") for name in names)
    raw = sum((SCRIPTS / name).stat().st_size for name in names)
    note = f"{len(names)} files; {raw / KIB:.1f} KB as written"
    yield figure("our JavaScript in all, as sent", sent / KIB, "KB", most=12, note=note)


def _length(address: str) -> int:
    with urlopen(Request(address, headers={"Accept-Encoding": "gzip"}), timeout=30) as answer:
        return len(answer.read())


def of_page(browser: Browser, name: str, person: Person, url: str) -> Iterator[Figure]:
    """All that a browser with an empty cache fetches, heads of answers included; streams not counted."""
    page = browser.new_context().new_page()
    sizes: dict[str, float] = {}
    asked: dict[str, str] = {}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.requestWillBeSent", lambda event: asked.update({event["requestId"]: event["request"]["url"]}))
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    cookie, _, value = person.cookie.partition("=")
    page.context.add_cookies([{"name": cookie, "value": value, "url": url}])
    page.goto(url, wait_until="load")
    page.context.close()
    scripts = sum(size for number, size in sizes.items() if asked[number].partition("?")[0].endswith(".js"))
    note = f"{len(sizes)} answers; scripts {scripts / KIB:.1f} KB, htmx among them"
    yield figure(f"{name}, first view, as sent", sum(sizes.values()) / KIB, "KB", most=120, note=note)
