"""The whole story, in several browsers at once. Nobody waits for a real window."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.database import fast_forward
from tests.requests_table import row, status
from tests.screens import DESKTOP, PHONE

CONCERN = "The engine light is on after a cold start."
SLOWLY = 400  # ms: a card that has just come answers no press for 300


@pytest.fixture(autouse=True)
def on(flag_on):
    """Every story here begins with the flag on."""


def books_again(page: Page, first_name: str) -> UUID:
    """From the dashboard to the waiting page, as a customer does it."""
    page.get_by_role("link", name=f"Book Again with {first_name}").click()
    page.get_by_role("link", name="Priority Notification").click()
    expect(page.get_by_text(f"Booking with {first_name}")).to_be_visible()
    page.get_by_text("Quick Chat", exact=True).click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("What is the matter?").fill(CONCERN)
    for label, value in {"Year": "2014", "Make": "Volkswagen", "Model": "Golf", "Name": "Ana Castillo"}.items():
        page.get_by_label(re.compile(f"^{label}")).fill(value)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Your full name").fill("Ana Castillo")
    page.get_by_label("I have read the agreement").check()
    page.get_by_role("button", name="Sign and continue").click()
    page.get_by_role("button", name="Pay 3 credits").click()
    page.wait_for_url("**/customer/requests/*")
    return UUID(page.url.rsplit("/", 1)[-1])


def card(page: Page, request_id: UUID):
    return page.locator(f'[data-request-id="{request_id}"]')


@pytest.mark.browser
@pytest.mark.usefixtures("poller")
def test_f9_the_story_of_a_window_that_ends(app, look, ana, marco, nadia, omar, quiet, caplog):
    ana.favors(marco)
    boards = {person: look.open(person, "/mechanic/dashboard", PHONE) for person in (marco, nadia, omar)}
    hers = look.open(ana, "/customer/dashboard", PHONE)
    request_id = books_again(hers, "Marco")

    expect(card(boards[marco], request_id)).to_be_visible()
    expect(card(boards[marco], request_id)).to_contain_text("Ana specifically requested you!")
    expect(card(boards[marco], request_id).locator(".countdown")).to_contain_text(re.compile(r"\b(10:00|9:\d\d)\b"))
    expect(hers.locator(".countdown")).to_contain_text(re.compile(r"\b(10:00|9:\d\d)\b"))
    quiet()
    for person in (nadia, omar):
        boards[person].evaluate("document.querySelector('#live').dispatchEvent(new CustomEvent('resync'))")
        expect(boards[person].get_by_text("No open requests.")).to_be_visible()
        assert CONCERN not in boards[person].content()

    fast_forward(minutes=9, seconds=59)
    app.extensions["live"].ticker.wake(row(request_id).priority_expires_at)
    for person in (nadia, omar, marco):
        expect(card(boards[person], request_id)).to_contain_text(CONCERN)
        expect(card(boards[person], request_id)).not_to_contain_text("specifically requested")
    expect(hers.get_by_text(re.compile("[Ee]veryone")).first).to_be_visible()

    card(boards[nadia], request_id).get_by_role("button", name="Accept").click(delay=SLOWLY)
    boards[nadia].wait_for_url("**/consultations/*")
    expect(hers.get_by_role("heading", name=re.compile("Nadia"))).to_be_visible()
    for person in (marco, omar):
        expect(card(boards[person], request_id)).to_have_count(0)
        expect(boards[person].get_by_text("Taken by another mechanic").first).to_be_attached()
    assert row(request_id).mechanic_id == nadia.id
    errors = [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
    assert not errors


@pytest.mark.browser
def test_f9_the_story_in_which_the_favorite_accepts(look, ana, marco, nadia, quiet, caplog):
    ana.favors(marco)
    his, others = look.open(marco, "/mechanic/dashboard"), look.open(nadia, "/mechanic/dashboard", PHONE)
    hers = look.open(ana, "/customer/dashboard", DESKTOP)
    request_id = books_again(hers, "Marco")

    card(his, request_id).get_by_role("button", name="Accept").click(delay=SLOWLY)
    his.wait_for_url("**/consultations/*")
    expect(his.get_by_text("+1 555 0100").first).to_be_visible()
    expect(hers.get_by_role("heading", name=re.compile("Marco"))).to_be_visible()
    hers.get_by_role("link", name="Open the consultation").click()
    expect(hers.get_by_text("+1 555 0200").first).to_be_visible()

    his.get_by_role("button", name="Start").click()
    expect(his.get_by_text(re.compile("[Ss]tarted")).first).to_be_visible()
    expect(hers.get_by_text(re.compile("[Ss]tarted")).first).to_be_visible()
    his.locator("summary", has_text="Complete").click()
    his.get_by_role("button", name=re.compile("Complete")).last.click()
    expect(hers.get_by_text(re.compile("[Cc]ompleted|is over")).first).to_be_visible()

    quiet()
    assert CONCERN not in others.content()
    assert status(request_id) == "completed"
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
