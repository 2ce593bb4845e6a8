"""Olga at her board, in a real Chromium."""

import pytest
from playwright.sync_api import expect

from tests.cast import Customer, Mechanic, Owner
from tests.database import fast_forward, one
from tests.pages import is_there
from tests.screens import PHONE, Screens, overflows


@pytest.mark.timeout(120)
def test_olga_sees_who_waits_is_alarmed_and_gives_it_to_nadia(
    look: Screens, ana: Customer, ben: Customer, nadia: Mechanic, olga: Owner
) -> None:
    is_there(nadia)
    screen = look.open(olga, "/admin/requests")
    expect(screen.get_by_role("heading", name="Nobody waits.")).to_be_visible()
    expect(screen.locator("#live")).to_have_attribute("data-connection", "open")

    hers = ana.books(urgent=True)
    row = screen.get_by_role("row", name="Ana Castillo")
    expect(row).to_contain_text("1 can answer, 1 on shift")
    expect(screen.locator("#alarm .banner")).to_have_count(0)

    fast_forward(minutes=5)
    is_there(nadia)
    ben.books()  # news: the page looks, and the clock has raised the alarm by now
    expect(screen.locator("#alarm")).to_contain_text("1 customer waits for too long")
    expect(row).to_contain_text("Nobody has taken it")
    expect(screen).to_have_title("(1) Session requests · Book Again")

    screen.get_by_text("Filter", exact=True).click()
    screen.get_by_label("Customer", exact=True).fill("castillo")
    screen.get_by_label("Only urgent ones").check()
    screen.get_by_role("button", name="Show").click()
    expect(screen.get_by_role("row", name="Ben Okafor")).to_have_count(0)
    assert "q=castillo" in screen.url

    screen.get_by_role("link", name="Assign: Ana Castillo").click()
    dialog = screen.get_by_role("dialog")
    dialog.get_by_label("Mechanic").select_option(label="Nadia Haddad (on shift)")
    dialog.get_by_label("Reason").select_option(label="It waits too long")
    dialog.get_by_label("Note").fill("She is around the corner")
    dialog.get_by_role("button", name="Assign").click()
    expect(screen.get_by_text("Assigned; all who wait for it are told.")).to_be_visible()
    expect(screen.locator("#alarm .banner")).to_have_count(0)
    assert one("SELECT mechanic_id FROM session_requests WHERE id = %s", hers) == nadia.id

    screen.get_by_role("link", name="Ana Castillo", exact=True).click()
    expect(screen.get_by_text("Nadia was assigned by the owner.")).to_be_visible()
    expect(screen.get_by_text("“She is around the corner”")).to_be_visible()


def test_without_javascript_on_a_phone_the_same_is_done_by_forms(
    look: Screens, ana: Customer, nadia: Mechanic, olga: Owner
) -> None:
    request_id = ana.books()
    screen = look.open(olga, "/admin/requests", PHONE, java_script_enabled=False)
    assert screen.locator("#alarm").inner_text().startswith("1 customer waits and nobody")
    screen.get_by_role("link", name="Cancel: Ana Castillo").click()
    screen.get_by_label("Reason").select_option(label="The customer asked for it")
    screen.get_by_role("button", name="Cancel").click()
    expect(screen.get_by_text("Cancelled; what was paid is given back.")).to_be_visible()
    assert one("SELECT status FROM session_requests WHERE id = %s", request_id) == "cancelled"
    screen.goto(f"{look.base}/admin/requests/{request_id}")
    expect(screen.get_by_text("The owner cancelled it.")).to_be_visible()


@pytest.mark.usefixtures("flag_on")
def test_nothing_is_wider_than_a_phone(look: Screens, ana: Customer, marco: Mechanic, olga: Owner) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco, urgent=True)
    screen = look.open(olga, "/admin", PHONE)
    for place in ("", "/requests", f"/requests/{request_id}", f"/requests/{request_id}/assign"):
        screen.goto(f"{look.base}/admin{place}")
        assert not overflows(screen), place
