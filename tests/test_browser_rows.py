"""Rows U1–U14 in a real Chromium, each on a phone and on a desktop; U12 is in test_browser_gallery.py."""

import re
import sys

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.exc import OperationalError

from tests.database import one, sql
from tests.screens import WIDTHS

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("width", WIDTHS), pytest.mark.usefixtures("flag_on")]

HERE = "shift_started_at = clock_timestamp(), board_seen_at = clock_timestamp()"
GONE = "shift_started_at = NULL, board_seen_at = clock_timestamp() - interval '1 hour'"
CONCERN = "It will not start on cold mornings."


@pytest.fixture
def dashboard(look, ana, marco, width) -> Page:
    """Ana's dashboard, with Marco among her favorites."""
    ana.favors(marco)
    return look.open(ana, "/customer/dashboard", width)


def dialog(page: Page, name: str = "Marco"):
    """The availability modal of this favorite, opened from the dashboard."""
    page.get_by_role("link", name=f"Book Again with {name}").click()
    found = page.get_by_role("dialog")
    expect(found).to_be_visible()
    return found


def chosen(page: Page) -> Page:
    """Priority Notification, pressed in the modal."""
    dialog(page).get_by_role("link", name="Priority Notification").click()
    expect(page.get_by_text("Booking with Marco")).to_be_visible()
    return page


def test_u1_favorites_are_shown_if_and_only_if_there_are_some(look, ana, ben, marco, nadia, width):
    ana.favors(marco, nadia)
    hers = look.open(ana, "/customer/dashboard", width)
    expect(hers.get_by_role("heading", name="My Favorite Mechanics")).to_be_visible()
    for name in ("Marco", "Nadia"):
        expect(hers.get_by_role("link", name=f"Book Again with {name}")).to_be_visible()
    his = look.open(ben, "/customer/dashboard", width)
    expect(his.get_by_role("heading", name="Book a Session")).to_be_visible()
    expect(his.get_by_role("heading", name="My Favorite Mechanics")).to_have_count(0)


def test_u2_the_modal_opens_without_leaving_the_page(dashboard):
    address = dashboard.url
    expect(dialog(dashboard).get_by_role("heading", name="Book with Marco")).to_be_visible()
    assert dashboard.url == address


def test_u3_available_is_told(dashboard, marco):
    sql(f"UPDATE mechanics SET {HERE} WHERE id = %s", marco.id)
    expect(dialog(dashboard)).to_contain_text("Available now")


def test_u3_offline_is_told_with_last_seen(dashboard, marco):
    sql(f"UPDATE mechanics SET {GONE} WHERE id = %s", marco.id)
    found = dialog(dashboard)
    expect(found).to_contain_text("Currently offline")
    expect(found.locator("time").first).to_be_visible()


def test_u3_on_a_job_is_told(dashboard, ben, marco):
    sql(f"UPDATE mechanics SET {HERE} WHERE id = %s", marco.id)
    assert marco.accepts(ben.books()).status_code == 200
    expect(dialog(dashboard)).to_contain_text("On a job")


def test_u4_three_ways_on(dashboard):
    found = dialog(dashboard)
    expect(found.get_by_role("link", name="Priority Notification")).to_be_visible()
    expect(found.get_by_role("link", name="Find Anyone Available")).to_be_visible()
    expect(found.get_by_role("button", name="Cancel")).to_be_visible()


def test_u5_without_presence_the_modal_says_offline_and_booking_is_possible(dashboard, monkeypatch):
    def broken(*_: object) -> None:
        raise OperationalError("presence", {}, Exception("cannot be read"))

    ours = [module for name, module in list(sys.modules.items()) if name.startswith("favorites.")]
    readers = [module for module in ours if hasattr(module, "presence_of")]
    assert readers
    for module in readers:
        monkeypatch.setattr(module, "presence_of", broken)
    found = dialog(dashboard)
    expect(found).to_contain_text("Currently offline")
    found.get_by_role("link", name="Priority Notification").click()
    expect(dashboard.get_by_text("Booking with Marco")).to_be_visible()


def test_u6_priority_closes_the_modal_and_leads_to_the_launcher(dashboard):
    page = chosen(dashboard)
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#launcher")).to_be_in_viewport()
    expect(page.locator("#launcher")).to_have_class(re.compile("is-highlighted"))


def test_u7_the_banner_says_who_is_asked_first_how_long_and_what_follows(dashboard, monkeypatch):
    from favorites.settings import current

    monkeypatch.setattr(current(), "priority_window_minutes", 12)
    words = "Marco is asked first and has 12 minutes. If they can't, we ask everyone."
    expect(chosen(dashboard).locator("#launcher .banner")).to_contain_text(words)


def test_u8_find_anyone_has_no_banner_and_neither_parameter(dashboard):
    dialog(dashboard).get_by_role("link", name="Find Anyone Available").click()
    expect(dashboard.get_by_text("Booking with")).to_have_count(0)
    dashboard.get_by_text("Quick Chat", exact=True).click()
    dashboard.get_by_role("button", name="Continue").click()
    dashboard.wait_for_url("**/intake?**")
    assert "preferred_mechanic_id" not in dashboard.url
    assert "routing_type" not in dashboard.url


def test_u9_cancel_stores_nothing(dashboard):
    dialog(dashboard).get_by_role("button", name="Cancel").click()
    expect(dashboard.get_by_role("dialog")).to_be_hidden()
    assert one("SELECT count(*) FROM sessions") == 0


def test_u10_any_plan_can_be_chosen_and_the_link_keeps_plan_and_urgent(dashboard, marco):
    page = chosen(dashboard)
    page.get_by_text("Full Diagnostic", exact=True).click()
    page.get_by_label(re.compile("It is urgent")).check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/intake?**")
    for part in ("plan=diagnostic", "urgent=1", f"preferred_mechanic_id={marco.id}", "routing_type=priority_broadcast"):
        assert part in page.url
    expect(page.get_by_label(re.compile("It is urgent"))).to_be_checked()


def test_u11_reload_back_and_an_error_lose_nothing_that_was_typed(look, ana, width):
    page = look.open(ana, "/intake?plan=chat10", width)
    concern = page.get_by_label("What is the matter?")
    concern.fill(CONCERN)
    page.reload()
    expect(concern).to_have_value(CONCERN)
    page.goto(look.base + "/customer/dashboard")
    page.go_back()
    expect(concern).to_have_value(CONCERN)
    page.get_by_label(re.compile("^Year")).fill("14")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label(re.compile("^Year"))).to_have_attribute("aria-invalid", "true")
    expect(concern).to_have_value(CONCERN)
    look.complaints[:] = [said for said in look.complaints if "422" not in said]  # Chromium's own line for the status


def test_u13_favorites_are_listed_with_book_now_which_starts_the_same_flow(look, ana, marco, width):
    ana.favors(marco)
    page = look.open(ana, "/customer/favorites", width)
    page.get_by_role("link", name="Book Now with Marco").click()
    expect(page.get_by_role("dialog")).to_contain_text("Book with Marco")
    page.get_by_role("link", name="Priority Notification").click()
    expect(page.get_by_text("Booking with Marco")).to_be_visible()


def test_u14_book_a_session_opens_the_launcher_without_a_favorite(dashboard):
    dashboard.get_by_role("link", name="Book a Session").click()
    expect(dashboard.locator("#launcher")).to_be_in_viewport()
    expect(dashboard.get_by_text("Booking with")).to_have_count(0)


def test_the_whole_way_works_with_javascript_off(look, ana, marco, width):
    ana.favors(marco)
    page = look.open(ana, "/customer/dashboard", width, java_script_enabled=False)
    page.get_by_role("link", name="Book Again with Marco").click()
    page.get_by_role("link", name="Priority Notification").click()
    page.get_by_text("Quick Chat", exact=True).click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("What is the matter?").fill(CONCERN)
    for label, value in {"Year": "2014", "Make": "Volkswagen", "Model": "Golf"}.items():
        page.get_by_label(re.compile(f"^{label}")).fill(value)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Your full name").fill("Ana Castillo")
    page.get_by_label("I have read the agreement").check()
    page.get_by_role("button", name="Sign and continue").click()
    page.get_by_role("button", name="Pay 3 credits").click()
    page.get_by_role("button", name="Ask everyone now").click()
    expect(page.get_by_text("You asked everyone").first).to_be_visible()
    his = look.open(marco, "/mechanic/dashboard", width, java_script_enabled=False)
    his.get_by_role("button", name="Accept").click()
    expect(his.get_by_text("+1 555 0100").first).to_be_visible()
