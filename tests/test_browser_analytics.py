"""Olga reads how the favorites flow does, in a real Chromium."""

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from tests.cast import Owner
from tests.histories import Histories
from tests.screens import DESKTOP, PHONE, Screens, overflows

pytestmark = pytest.mark.browser


@pytest.fixture
def olga(app: Flask, port: int, session: Session) -> Owner:
    """Olga, who has a past to read."""
    Histories(app, session, 11).happen(8)
    return Owner.known(app, port, "Olga")


def test_from_a_figure_to_the_session_requests_behind_it_and_back_without_a_script(look: Screens, olga: Owner) -> None:
    page = look.open(olga, "/admin/analytics?days=7", PHONE, java_script_enabled=False)
    page.get_by_role("link", name="Last 90 days").click()
    expect(page.get_by_role("link", name="Last 90 days")).to_have_attribute("aria-current", "true")
    assert _wide(page) <= PHONE
    offers = page.locator("dl.stats").first.locator("small a").last
    number = offers.inner_text()
    offers.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Decided offers")
    expect(page.locator("#count")).to_contain_text(f"{number} session request")
    assert page.locator("tbody tr").count() == int(number)
    assert _wide(page) <= PHONE
    page.get_by_role("link", name="Back to the figures").click()
    expect(page.get_by_role("link", name="Last 90 days")).to_have_attribute("aria-current", "true")


def test_charts_and_tables_can_be_read_by_everyone(look: Screens, olga: Owner) -> None:
    page = look.open(olga, "/admin/analytics?days=90", DESKTOP)
    assert page.get_by_role("img", name="Response time by day, median").count() == 1
    assert (
        page.locator("svg .chart__line--dashed").first.evaluate("one => getComputedStyle(one).strokeDasharray")
        != "none"
    )
    page.get_by_text("Priority acceptance by day, as a table").click()
    expect(page.get_by_role("region", name="Priority acceptance by day")).to_be_visible()
    assert not overflows(page)


def test_a_day_that_is_none_is_told_at_its_field(look: Screens, olga: Owner) -> None:
    page = look.open(olga, "/admin/analytics", PHONE)
    page.get_by_label("From", exact=True).fill("2026-03-02")
    page.get_by_label("To, that day included").fill("2026-03-01")
    with page.expect_response(lambda answer: "/admin/analytics" in answer.url) as answer:
        page.get_by_role("button", name="Show").click()
    assert answer.value.status == 422
    expect(page.get_by_text("The last day is before the first.")).to_be_visible()
    expect(page.get_by_label("To, that day included")).to_be_focused()
    look.complaints.clear()  # Chromium tells its console of a 422


def _wide(page: Page) -> float:
    box = page.locator("main").bounding_box()
    assert box
    return box["x"] + box["width"]
