"""The customer's way in a real browser: the dialog, the launcher, what was typed, and how it looks."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.cast import Customer, Mechanic
from tests.screens import PHONE, Screens

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("flag_on")]


@pytest.fixture
def dashboard(look: Screens, ana: Customer, marco: Mechanic) -> Page:
    """Ana's, with Marco among her favorites, on a phone."""
    ana.favors(marco)
    return look.open(ana, "/customer/dashboard", PHONE)


def asks_for_marco(page: Page) -> None:
    page.get_by_role("link", name="Book Again with Marco").click()
    expect(page.get_by_role("dialog", name="Book with Marco")).to_be_visible()


def test_u2_u4_u9_the_dialog_opens_on_the_page_and_cancel_closes_it(dashboard: Page) -> None:
    before = dashboard.url
    asks_for_marco(dashboard)
    assert dashboard.url == before
    dashboard.get_by_role("button", name="Cancel").click()
    expect(dashboard.get_by_role("dialog")).to_have_count(0)
    asks_for_marco(dashboard)
    dashboard.keyboard.press("Escape")
    expect(dashboard.get_by_role("dialog")).to_have_count(0)
    assert dashboard.url == before


def test_u6_priority_closes_the_dialog_and_shows_the_launcher(dashboard: Page) -> None:
    for _ in range(2):  # the second time the address is the same already
        asks_for_marco(dashboard)
        dashboard.get_by_role("link", name="Priority Notification").click()
        expect(dashboard.get_by_role("dialog")).to_have_count(0)
        expect(dashboard.locator("#launcher")).to_be_in_viewport(ratio=0.5)
        expect(dashboard.locator("#launcher")).to_have_class(re.compile("is-highlighted"))
        expect(dashboard.get_by_text("Booking with Marco")).to_be_visible()
    asks_for_marco(dashboard)
    dashboard.get_by_role("link", name="Find Anyone Available").click()
    expect(dashboard.get_by_text("Booking with Marco")).to_have_count(0)


def test_u10_u11_reload_and_back_lose_nothing_that_was_typed(dashboard: Page, look: Screens) -> None:
    asks_for_marco(dashboard)
    dashboard.get_by_role("link", name="Priority Notification").click()
    dashboard.get_by_text("Standard Video").click()
    dashboard.get_by_label(re.compile("It is urgent")).check()
    dashboard.get_by_role("button", name="Continue").click()
    for kept in ("plan=video15", "urgent=1", "preferred_mechanic_id=", "routing_type=priority_broadcast"):
        assert kept in dashboard.url
    concern = dashboard.get_by_label("What is the matter?")
    concern.fill("It smokes")
    dashboard.get_by_label("Phone").fill("12")
    dashboard.reload()
    expect(concern).to_have_value("It smokes")
    expect(dashboard.get_by_label(re.compile("It is urgent"))).to_be_checked()
    dashboard.go_back()
    dashboard.go_forward()
    expect(concern).to_have_value("It smokes")
    dashboard.get_by_role("button", name="Continue").click()
    expect(dashboard.get_by_text("Please give a phone number")).to_be_visible()
    expect(concern).to_have_value("It smokes")
    look.complaints.clear()  # Chromium notes a 422 as one
    dashboard.get_by_label("Phone").fill("+1 555 0100")
    dashboard.get_by_role("button", name="Continue").click()
    expect(dashboard.get_by_role("heading", name="Consultation agreement")).to_be_visible()


def test_what_was_typed_is_forgotten_once_it_is_booked(dashboard: Page, look: Screens, ana: Customer) -> None:
    dashboard.goto(f"{look.base}/intake?plan=chat10")
    dashboard.get_by_label("What is the matter?").fill("It smokes")
    request_id = ana.books()
    dashboard.goto(f"{look.base}/customer/requests/{request_id}")
    expect(dashboard.get_by_role("heading", name="Everyone is asked")).to_be_visible()
    assert dashboard.evaluate("sessionStorage.length") == 0


def test_the_way_to_the_launcher_needs_no_javascript(look: Screens, ana: Customer, marco: Mechanic) -> None:
    ana.favors(marco)
    page = look.open(ana, "/customer/dashboard", PHONE, java_script_enabled=False)
    page.get_by_role("link", name="Book Again with Marco").click()
    expect(page.get_by_role("heading", name="Book with Marco")).to_be_visible()
    page.get_by_role("link", name="Priority Notification").click()
    expect(page.get_by_text("Booking with Marco")).to_be_visible()
    page.get_by_text("Quick Chat").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("What is the matter?")).to_be_visible()


def test_a_search_says_of_no_field_that_it_is_optional(look: Screens, ana: Customer) -> None:
    for path in ("/customer/favorites", "/customer/favorites?q=zzz", "/mechanics?q=zzz"):
        expect(look.open(ana, path, PHONE).get_by_text("(optional)")).to_have_count(0)


def test_a_form_with_mistakes_begins_at_the_first_of_them(look: Screens, ana: Customer) -> None:
    page = look.open(ana, "/intake?plan=chat10", PHONE)
    page.get_by_label("What is the matter?").fill("It")
    page.get_by_label("Phone").fill("12")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("What is the matter?")).to_be_focused()
    assert any("422" in line for line in look.complaints)
    look.complaints.clear()  # what Chromium says about the answer's status


def test_the_title_says_what_the_page_says(look: Screens, ana: Customer, nadia: Mechanic) -> None:
    request_id = ana.books()
    page = look.open(ana, f"/customer/requests/{request_id}", PHONE)
    expect(page).to_have_title("Everyone is asked · Book Again")
    nadia.accepts(request_id)
    expect(page).to_have_title("Nadia accepted · Book Again")


def test_what_opens_a_question_closes_it_again(look: Screens, ana: Customer) -> None:
    page = look.open(ana, f"/customer/requests/{ana.books()}", PHONE)
    page.get_by_text("Cancel", exact=True).click()
    expect(page.get_by_role("button", name="Yes: Cancel")).to_be_visible()
    page.get_by_text("No, go back").click()
    expect(page.get_by_role("button", name="Yes: Cancel")).to_be_hidden()


def test_a_job_accepted_in_another_tab_is_not_told_as_anothers(look: Screens, ana: Customer, nadia: Mechanic) -> None:
    request_id = ana.books()
    page = look.open(nadia, "/mechanic/dashboard", PHONE)
    expect(page.locator("[data-card]")).to_have_count(1)
    nadia.accepts(request_id)
    expect(page.locator("#board-job")).to_be_visible()
    expect(page.locator("[data-card]")).to_have_count(0)
    expect(page.locator(".note")).to_have_count(0)
