"""Olga reads her books and gives money back, in a real Chromium."""

from uuid import UUID

import pytest
from playwright.sync_api import expect

from tests.cast import Customer, Mechanic, Owner
from tests.database import one, sql
from tests.screens import PHONE, Screens, overflows
from tests.test_refunding import completed, paid

pytestmark = pytest.mark.browser


@pytest.fixture
def hers(ana: Customer, marco: Mechanic) -> UUID:
    """What Ana paid, and Marco did."""
    return completed(marco, paid(ana))


def test_olga_finds_a_payment_gives_it_back_for_a_reason_and_sees_it_on_its_way(
    look: Screens, hers: UUID, ben: Customer, olga: Owner
) -> None:
    paid(ben)
    screen = look.open(olga, "/admin")
    screen.get_by_role("link", name="Money", exact=True).click()
    received = screen.locator("dl.stats > div", has_text="Received")
    expect(received).to_contain_text("$19.98")
    screen.get_by_role("link", name="Marco Rossi").click()
    expect(screen.get_by_role("row", name="Ana Castillo")).to_be_visible()
    expect(screen.get_by_role("row", name="Ben Okafor")).to_have_count(0)
    screen.get_by_role("link", name="Give back what was paid: Ana Castillo").click()
    dialog = screen.get_by_role("dialog")
    expect(dialog).to_contain_text("Quick Chat, $9.99 paid.")
    dialog.get_by_label("Reason").select_option(label="The customer asked for it")
    dialog.get_by_label("Note").fill("It did not help her")
    dialog.get_by_role("button", name="Give back what was paid").click()
    expect(screen.get_by_text("The payment goes back, $9.99.")).to_be_visible()
    expect(screen.get_by_text("“It did not help her”")).to_be_visible()
    expect(screen.get_by_role("link", name="Give back what was paid")).to_have_count(0)
    assert one("SELECT refund_reason FROM payments WHERE status <> 'paid'") == "owner"


def test_on_a_phone_without_a_script_the_same_is_done_by_links_and_forms(
    look: Screens, hers: UUID, olga: Owner
) -> None:
    screen = look.open(olga, "/admin/money?days=7", PHONE, java_script_enabled=False)
    assert _wide(screen) <= PHONE
    screen.get_by_role("link", name="Last 90 days").click()
    expect(screen.get_by_role("link", name="Last 90 days")).to_have_attribute("aria-current", "true")
    screen.get_by_text("Filter", exact=True).click()
    screen.get_by_label("Which").select_option(label="Given back")
    screen.get_by_role("button", name="Show").last.click()
    expect(screen.get_by_role("heading", name="Nothing matches.")).to_be_visible()
    expect(screen.get_by_role("link", name="Last 90 days")).to_have_attribute("aria-current", "true")
    screen.get_by_role("link", name="All payments").last.click()
    screen.get_by_role("link", name="Give back what was paid: Ana Castillo").click()
    screen.get_by_role("button", name="Give back what was paid").click()
    screen.get_by_label("Reason").select_option(label="It came to this by mistake")
    screen.get_by_role("button", name="Give back what was paid").click()
    expect(screen.get_by_text("What was paid goes back; the steps below say when it is there.")).to_be_visible()
    assert _wide(screen) <= PHONE


def _wide(screen: object) -> float:
    box = screen.locator("main").bounding_box()  # type: ignore[attr-defined]
    return float(box["x"] + box["width"])


def test_charts_and_tables_can_be_read_by_everyone(look: Screens, hers: UUID, olga: Owner) -> None:
    screen = look.open(olga, "/admin/money")
    assert screen.get_by_role("img", name="Received by day, USD").count() == 1
    screen.get_by_text("All sums in USD by day").click()
    expect(screen.get_by_role("region", name="USD by day")).to_be_visible()
    assert not overflows(screen)


@pytest.mark.planted
def test_what_the_provider_confirms_leaves_the_page_by_itself(look: Screens, hers: UUID, olga: Owner) -> None:
    sql(
        "UPDATE payments SET status = 'refunding', refund_reason = 'owner', refund_problem = 'insufficient_funds',"
        " refund_due_at = clock_timestamp()"
    )
    screen = look.open(olga, "/admin/money")
    expect(screen.get_by_role("heading", name="On the way back")).to_be_visible()
    sql("UPDATE payments SET status = 'refunded', refunded_at = clock_timestamp(), refund_due_at = NULL")
    expect(screen.locator("#live")).to_have_attribute("data-connection", "open")
    screen.evaluate("htmx.trigger('#live', 'resync')")  # as it does each half minute
    expect(screen.get_by_role("heading", name="On the way back")).to_have_count(0)
    expect(screen.get_by_role("heading", name="The books")).to_be_visible()


def test_olga_turns_paid_plans_off_and_reads_who_did(look: Screens, olga: Owner) -> None:
    screen = look.open(olga, "/admin/settings", PHONE)
    switch = screen.get_by_role("region", name="Paid plans")
    expect(switch).to_contain_text("Now: On")
    switch.get_by_label("Off: no payment can be started").check()
    switch.get_by_role("button", name="Switch").click()
    expect(switch).to_contain_text("Now: Off")
    expect(switch).to_contain_text(f"changed by {olga.email}")
    assert one("SELECT is_enabled FROM feature_flags WHERE flag_key = 'ENABLE_PAID_PLANS'") is False
    assert one("SELECT is_enabled FROM feature_flags WHERE flag_key = 'ENABLE_FAVORITES_PRIORITY'") is None
    expect(screen.get_by_role("row", name="Paid plans")).to_contain_text("off")
    assert not overflows(screen)
