"""`python -m tests.screenshots`: the README's two pictures, from the demo data of a server of its own."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.screens import PHONE, chromium
from tests.server import ROOT, Server

PICTURES = ROOT / "docs" / "screenshots"
PASSWORD = "book-again-demo"


def signed_in(browser: Browser, base: str, first_name: str) -> Page:
    """A phone on which this person of the demo has signed in."""
    context = browser.new_context(viewport={"width": PHONE, "height": 720}, device_scale_factor=2)
    page = context.new_page()
    page.goto(f"{base}/login")
    page.get_by_label("E-mail").fill(f"{first_name}@demo.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def book(page: Page) -> None:
    """Ana books Marco again, from the dashboard to the waiting page."""
    page.get_by_role("link", name="Book Again with Marco").click()
    page.get_by_role("link", name="Priority Notification").click()
    page.get_by_text("Quick Chat", exact=True).first.click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("What is the matter?").fill("The engine light came on after a cold start, and it idles roughly.")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Your full name").fill("Ana Castillo")
    page.get_by_label("I have read the agreement").check()
    page.get_by_role("button", name="Sign and continue").click()
    page.get_by_role("button", name="Pay 3 credits").click()
    page.wait_for_url("**/customer/requests/*")


def main() -> None:
    """Writes docs/screenshots/offer.png and waiting.png."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="book-again-") as place,
        chromium() as browser,
        Server(Path(place) / "instance", DEMO="1") as server,
    ):
        server.ready()
        his, hers = signed_in(browser, server.url, "marco"), signed_in(browser, server.url, "ana")
        his.get_by_role("button", name="Start shift").click()
        his.locator("[data-on-shift]").wait_for()
        book(hers)
        his.locator(".card--priority").wait_for()
        hers.locator(".countdown").first.wait_for()
        his.mouse.move(0, 0)
        his.screenshot(path=PICTURES / "offer.png")
        hers.screenshot(path=PICTURES / "waiting.png")


if __name__ == "__main__":
    main()
