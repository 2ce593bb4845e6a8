"""Two whole ways by the keyboard alone, with JavaScript and without: a customer books again, a mechanic takes it."""

from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.cast import Customer, Mechanic
from tests.requests_table import status
from tests.screens import Screens

pytestmark = [
    pytest.mark.browser,
    pytest.mark.usefixtures("flag_on"),
    pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"]),
]
MOST = 60  # stops that a page may have before the one that is meant


def reaches(page: Page, wanted: Locator) -> None:
    """Tab by Tab."""
    wanted.wait_for()
    for _ in range(MOST):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key never comes to {wanted}")


def presses(page: Page, role: str, name: str, key: str = "Enter") -> None:
    """Goes there and presses the key."""
    reaches(page, page.get_by_role(role, name=name, exact=True))  # type: ignore[arg-type]
    page.keyboard.press(key)


def types(page: Page, label: str, text: str) -> None:
    reaches(page, page.get_by_label(label).first)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def test_a_customer_books_again(look: Screens, ana: Customer, marco: Mechanic, scripts: bool) -> None:
    ana.favors(marco)
    page = look.open(ana, "/customer/dashboard", java_script_enabled=scripts)
    presses(page, "link", "Book Again with Marco")
    presses(page, "link", "Priority Notification")
    expect(page.get_by_text("Booking with Marco")).to_be_visible()
    reaches(page, page.get_by_role("radio").first)
    page.keyboard.press("ArrowDown")
    expect(page.locator('input[name="plan"][value="chat10"]')).to_be_checked()
    presses(page, "button", "Continue")
    types(page, "What is the matter?", "The engine light is on after a cold start.")
    for label, value in {"Year": "2014", "Make": "Volkswagen", "Model": "Golf"}.items():
        types(page, label, value)
    presses(page, "button", "Continue to the agreement")
    types(page, "Your full name", "Ana Castillo")
    reaches(page, page.get_by_label("I have read the agreement"))
    page.keyboard.press("Space")
    presses(page, "button", "Sign and continue")
    presses(page, "button", "Pay 3 credits")
    page.wait_for_url("**/customer/requests/*")
    expect(page.get_by_role("heading", name="Marco is asked first")).to_be_visible()
    presses(page, "button", "Ask everyone now")
    expect(page.get_by_text("You asked everyone").first).to_be_visible()


def test_a_mechanic_starts_the_shift_and_takes_an_offer(
    look: Screens, ana: Customer, marco: Mechanic, scripts: bool
) -> None:
    ana.favors(marco)
    request_id: UUID = ana.books_again(marco)
    page = look.open(marco, "/mechanic/dashboard", java_script_enabled=scripts)
    presses(page, "button", "Start shift")
    expect(page.get_by_text("On shift since")).to_be_visible()
    presses(page, "button", "Accept")
    page.wait_for_url("**/consultations/*")
    expect(page.get_by_text("+1 555 0100").first).to_be_visible()
    presses(page, "button", "Start")
    expect(page.get_by_text("Started", exact=True).first).to_be_visible()
    reaches(page, page.locator("summary", has_text="Complete"))
    page.keyboard.press("Enter")
    presses(page, "button", "Yes: Complete")
    expect(page.get_by_role("heading", name="Your board")).to_be_visible()
    assert status(request_id) == "completed"
