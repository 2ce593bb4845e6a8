"""Olga changes the house's times in a real browser, and the next booking follows."""

import pytest
from playwright.sync_api import expect

from tests.cast import Customer, Mechanic, Owner
from tests.pages import DIALOG, page
from tests.screens import PHONE, Screens

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("flag_on")]


def test_olga_sets_a_window_on_her_phone_reads_who_did_and_goes_back(
    look: Screens, olga: Owner, ana: Customer, marco: Mechanic
) -> None:
    ana.favors(marco)
    room = look.open(olga, "/admin/settings", PHONE)
    assert room.evaluate("document.documentElement.scrollWidth") == PHONE
    window = room.get_by_label("Time to answer first", exact=True)
    window.fill("200")
    room.get_by_role("button", name="Save").click()
    assert window.evaluate("field => field.validity.rangeOverflow")  # the browser says so, and nothing was sent
    window.fill("8")
    room.get_by_label("From", exact=True).fill("01:00")
    room.get_by_role("button", name="Save").click()  # half of the quiet hours
    expect(room.get_by_text("Please give a time for both ends")).to_be_visible()
    expect(window).to_have_value("8")
    expect(room.get_by_label("From", exact=True)).to_be_focused()
    look.complaints.clear()  # Chromium notes a 422 as one
    room.get_by_label("From", exact=True).fill("")
    window.press("Enter")
    expect(room.get_by_text("Saved; the next booking follows it.")).to_be_visible()
    expect(room.get_by_text(f"Changed by {olga.email}")).to_be_visible()
    expect(room.get_by_text("Quick Chat is asked first for 8 minutes; urgent, for 5 minutes.")).to_be_visible()
    assert "Marco is asked first and has 8 minutes." in page(ana, f"/customer/favorites/{marco.id}/book", DIALOG)
    room.get_by_label("Back to the default, 10 minutes").check()
    room.get_by_role("button", name="Save").click()
    expect(window).to_have_value("10")
    changes = room.get_by_role("row", name="Time to answer first")
    expect(changes).to_have_count(2)
    expect(changes.first).to_contain_text("the default")
