"""Olga with her people in a real browser: an application, a workshop with a head start, a customer's credits."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.cast import Customer, Mechanic, Owner
from tests.database import one
from tests.screens import DESKTOP, PHONE, Screens, overflows
from tests.standards import checks

pytestmark = pytest.mark.browser


def opens(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()


def is_in_order(page: Page) -> None:
    assert not overflows(page)
    assert checks.axe(page) == []


def test_olga_refuses_with_words_then_approves_and_suspends(look: Screens, olga: Owner, zed: Mechanic) -> None:
    page = look.open(olga, "/admin/mechanics", PHONE)
    opens(page, "Refuse…")
    page.get_by_label("Why refuse?").select_option("Another reason")
    page.get_by_role("button", name="Refuse the application").click()
    expect(page.get_by_text("Tell them the reason in a sentence.")).to_be_visible()
    expect(page.get_by_label("Why refuse?")).to_have_value("other")
    look.complaints.clear()  # that it was refused
    is_in_order(page)
    page.get_by_label(re.compile("Your words to Zed")).fill("Please call me first.")
    page.get_by_role("button", name="Refuse the application").click()
    expect(page.get_by_text("The application is refused; they can read why.")).to_be_visible()
    expect(page.get_by_text(f"by {olga.email}")).to_be_visible()
    theirs = look.open(zed, "/mechanic/dashboard", PHONE)
    expect(theirs.get_by_text("Please call me first.")).to_be_visible()
    look.complaints.clear()  # that they may not come in
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved: the board is open to them.")).to_be_visible()
    theirs.reload()
    expect(theirs.get_by_role("button", name="Start shift").first).to_be_visible()
    theirs.goto("about:blank")  # a suspension ends its stream, and the console would say so
    page.get_by_label("Why suspend?").select_option("They asked for a pause")
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_text("Suspended: they asked for a pause", exact=False).first).to_be_visible()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("Restored")).to_be_visible()


def test_olga_runs_a_workshop_with_a_head_start(
    look: Screens, olga: Owner, ana: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    page = look.open(olga, "/admin/workshops", PHONE)
    page.get_by_label("Name").fill("Dock Nine")
    page.get_by_label("Link").fill("dock-9")
    page.get_by_label("Who is asked").select_option("hybrid")
    page.get_by_role("button", name="Add workshop").click()
    opens(page, "Dock Nine")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    page.get_by_label("E-mail of a mechanic").fill(marco.email)
    page.get_by_role("button", name="Add mechanic").click()
    expect(page.get_by_role("heading", name="Marco Rossi")).to_be_visible()
    is_in_order(page)
    assert ana.client.post("/w/dock-9").status_code == 303
    hers = look.open(ana, f"/customer/requests/{ana.books()}", PHONE)
    expect(hers.get_by_role("heading", name="Dock Nine is asked first")).to_be_visible()
    expect(hers.locator(".countdown").first).to_contain_text(re.compile(r"\b(5:00|4:\d\d)\b"))
    expect(hers.get_by_text(re.compile("The mechanics of Dock Nine are asked first, then everyone at"))).to_be_visible()
    is_in_order(hers)
    page.get_by_text("Close", exact=True).click()
    page.get_by_role("button", name="Yes: Close").click()
    expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    expect(hers.get_by_text("Dock Nine has closed, so everyone was asked").first).to_be_visible()


def test_olga_finds_a_customer_and_corrects_the_ledger(
    look: Screens, olga: Owner, ana: Customer, ben: Customer
) -> None:
    page = look.open(olga, "/admin/customers", PHONE)
    page.get_by_label("Name or e-mail").fill("castillo")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("link", name="Ben Okafor")).to_have_count(0)
    opens(page, "Ana Castillo")
    page.get_by_label("Credits more or less").fill("-101")
    page.get_by_label(re.compile("^Why$")).fill("A slip of the finger")
    page.get_by_role("button", name="Write the correction").click()
    expect(page.get_by_text("They do not have so many credits")).to_be_visible()
    look.complaints.clear()  # that it was refused
    page.get_by_label("Credits more or less").fill("-40")
    page.get_by_role("button", name="Write the correction").click()
    expect(page.get_by_role("heading", name="Credits: 60")).to_be_visible()
    expect(page.get_by_text("Correction: A slip of the finger")).to_be_visible()
    is_in_order(page)
    assert one("SELECT sum(credits) FROM credit_entries WHERE customer_id = %s", ana.id) == 60


@pytest.mark.parametrize("path", ["/admin", "/admin/money", "/admin/engine"])
def test_on_a_phone_the_row_of_pages_shows_where_olga_is(look: Screens, olga: Owner, path: str) -> None:
    page = look.open(olga, path, PHONE)
    here = page.locator(".room-nav [aria-current]")
    expect(here).to_be_in_viewport(ratio=1)
    for width in (DESKTOP, PHONE):  # turned, and back
        page.set_viewport_size({"width": width, "height": 900})
        expect(here).to_be_in_viewport(ratio=1)
