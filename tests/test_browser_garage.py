"""Saved cars and mails in a real browser: by keyboard alone, without JavaScript, and one press for no mails."""

import re

import pytest
from playwright.sync_api import Page, expect

from favorites.mail_words import word_for
from favorites.settings import current
from tests.cast import Customer
from tests.database import one
from tests.screens import DESKTOP, PHONE, Screens, overflows
from tests.standards import checks

pytestmark = pytest.mark.browser

CAR = "SELECT make, model, plate FROM intakes"


def tab_to(page: Page, name: str) -> None:
    """By the Tab key alone, until what has the focus is called that."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim().replace(/\\s+/g, ' ')"
        )
        if focused.startswith(name):
            return
    raise AssertionError(f"{name} is not reached")


def test_a_saved_car_is_booked_by_keyboard_alone(look: Screens, ana: Customer) -> None:
    ana.saves_a_car(2011, "Ford", "Transit", "HRB 7")
    ana.saves_a_car(plate="HRB 4711")
    page = look.open(ana, "/intake?plan=chat10", PHONE)
    expect(page.get_by_label("VIN", exact=True)).to_be_hidden()  # nothing needs to be typed of a saved car
    tab_to(page, "What is the matter?")
    page.keyboard.type("The engine light is on.")
    tab_to(page, "2014 Volkswagen Golf")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("2011 Ford Transit")).to_be_checked()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("VIN")).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("VIN")).to_be_hidden()
    page.reload()  # the choice is part of what was typed
    expect(page.get_by_label("2011 Ford Transit")).to_be_checked()
    page.get_by_label("Name").fill("Ana Castillo")
    page.get_by_label("Phone").fill("+1 555 0100")
    tab_to(page, "Continue to the agreement")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Consultation agreement").first).to_be_visible()
    assert tuple(one(CAR)) == ("Ford", "Transit", "HRB 7")


def test_without_javascript_a_car_is_saved_by_booking_changed_and_removed(look: Screens, ana: Customer) -> None:
    page = look.open(ana, "/intake?plan=chat10", PHONE, java_script_enabled=False)
    for label, told in {"What is the matter?": "The engine light is on.", "Year": "2014", "Make": "Opel"}.items():
        page.get_by_label(label).fill(told)
    page.get_by_label("Model").fill("Corsa")
    expect(page.get_by_label("Save this car for next time")).to_be_checked()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Consultation agreement").first).to_be_visible()
    page.get_by_role("link", name="Your account").click()
    page.get_by_role("link", name="See your saved cars").click()
    page.get_by_role("link", name="Edit 2014 Opel Corsa").click()
    page.get_by_label("License plate").fill("HRB 9")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("HRB 9")).to_be_visible()
    page.get_by_text("Remove", exact=True).click()
    expect(page.get_by_text("Remove the 2014 Opel Corsa from your saved cars?")).to_be_visible()
    page.get_by_role("button", name="Yes: Remove").click()
    expect(page.get_by_text("No car is saved yet.")).to_be_visible()
    assert tuple(one(CAR)) == ("Opel", "Corsa", "")


def test_one_press_ends_the_mails_without_a_sign_in(look: Screens, ana: Customer) -> None:
    page = look.open(None, f"/mail/unsubscribe/{word_for(current(), ana.user_id)}", PHONE)
    page.keyboard.press("Tab")
    tab_to(page, "Stop these mails")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="We no longer write to you")).to_be_visible()
    assert one("SELECT wants_mail FROM customers") is False
    assert checks.axe(page) == []
    hers = look.open(ana, "/customer/account", PHONE)
    hers.get_by_role("button", name="Write to me again").click()
    expect(hers.get_by_text(f"We write to {ana.email}")).to_be_visible()
    assert one("SELECT wants_mail FROM customers") is True


@pytest.mark.parametrize(("scheme", "width"), [("light", PHONE), ("dark", DESKTOP)])
def test_every_page_fits_and_has_no_barrier(look: Screens, ana: Customer, width: int, scheme: str) -> None:
    page = look.open(ana, "/customer/vehicles", width, color_scheme=scheme)
    stop = f"/mail/unsubscribe/{word_for(current(), ana.user_id)}"

    def is_well(path: str) -> None:
        page.goto(look.base + path)
        assert not overflows(page), path
        assert checks.axe(page) == [], path

    is_well("/customer/vehicles")
    car = ana.saves_a_car(plate="W" * 20, model="W" * 60)
    for path in ("/customer/vehicles", f"/customer/vehicles/{car}", "/customer/account", "/intake?plan=chat10", stop):
        is_well(path)
    page.goto(f"{look.base}/customer/vehicles/add")
    page.get_by_label("VIN").fill("123")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("VIN")).to_be_focused()
    assert checks.axe(page) == []
    assert all(re.search("422", line) for line in look.complaints)
    look.complaints.clear()  # what Chromium says about the answer's status
