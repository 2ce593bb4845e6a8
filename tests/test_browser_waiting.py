"""Ana waits and Marco or Nadia looks at a board, each in a browser of their own: what one does the other reads."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.cast import Customer, Mechanic
from tests.database import fast_forward, one
from tests.requests_table import count, row
from tests.screens import DESKTOP, PHONE, WIDTHS, Screens, overflows
from tests.standards import checks

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("flag_on")]

CLOCK = ".countdown__clock"
LEFT = "() => document.querySelector('.countdown').dataset.expires"
HIDDEN = "Object.defineProperty(document, 'visibilityState', { get: () => window.seen ? 'visible' : 'hidden' })"
SEEN = "window.seen = true; document.dispatchEvent(new Event('visibilitychange'))"


@pytest.fixture
def asked(ana: Customer, marco: Mechanic) -> UUID:
    """Ana's, inside Marco's window."""
    ana.favors(marco)
    return ana.books_again(marco)


def waits(look: Screens, ana: Customer, request_id: UUID, width: int = PHONE, **more: object) -> Page:
    return look.open(ana, f"/customer/requests/{request_id}", width, **more)


def seconds(page: Page) -> int:
    minutes, _, rest = page.locator(CLOCK).first.inner_text().strip().partition(":")
    return int(minutes) * 60 + int(rest)


def test_the_offer_reaches_his_screen_and_her_page_says_since_when(
    look: Screens, asked: UUID, ana: Customer, marco: Mechanic
) -> None:
    hers = waits(look, ana, asked, locale="en-GB")
    expect(hers.get_by_text("On its way to Marco’s devices.")).to_be_visible()
    his = look.open(marco, "/mechanic/dashboard", PHONE)
    expect(hers.get_by_text(re.compile(r"On Marco’s screen since \d\d:\d\d:\d\d\."))).to_be_visible()
    expect(hers.get_by_text("It reached Marco’s screen")).to_be_visible()
    his.reload()
    his.goto(f"{look.base}/mechanic/requests/{asked}")
    expect(his.locator("[data-card]")).to_be_visible()
    assert count(asked, "request_delivered", "customer") == 1
    assert hers.evaluate(LEFT) == his.evaluate(LEFT)
    assert abs(seconds(hers) - seconds(his)) <= 1


def test_a_board_behind_another_window_shows_nothing_until_it_is_looked_at(
    look: Screens, ana: Customer, marco: Mechanic
) -> None:
    his = look.open(marco, "/mechanic/dashboard", PHONE)
    his.add_init_script(HIDDEN)
    his.reload()
    ana.favors(marco)
    asked = ana.books_again(marco)
    expect(his.locator("[data-card]")).to_be_visible()
    assert row(asked).delivered_at is None
    with his.expect_response(re.compile("/delivered$")):
        his.evaluate(SEEN)
    assert row(asked).delivered_at


def test_an_offer_that_arrives_on_an_open_board_is_acknowledged(look: Screens, ana: Customer, marco: Mechanic) -> None:
    ana.favors(marco)
    his = look.open(marco, "/mechanic/dashboard", PHONE)
    with his.expect_response(re.compile("/delivered$")):
        asked = ana.books_again(marco)
    assert row(asked).delivered_at


def test_half_a_minute_of_silence_is_told_by_itself_and_everyone_can_be_asked(
    look: Screens, asked: UUID, ana: Customer, nadia: Mechanic
) -> None:
    board = look.open(nadia, "/mechanic/dashboard", PHONE)
    fast_forward(seconds=26)
    hers = waits(look, ana, asked)
    expect(hers.get_by_text("On its way to Marco’s devices.")).to_be_visible()
    expect(hers.get_by_text("None of Marco’s devices has confirmed it yet.")).to_be_visible(timeout=8000)
    button = hers.get_by_role("button", name="Ask everyone now")
    expect(button).to_have_class(re.compile("button--primary"))
    expect(board.locator("[data-card]")).to_have_count(0)
    button.click()
    expect(hers.get_by_text("You asked everyone. 2 mechanics are asked.")).to_be_visible()
    expect(board.locator("[data-card]")).to_have_count(1)


def test_the_last_minute_is_told_by_itself_after_the_page_was_read_anew(
    look: Screens, asked: UUID, ana: Customer, marco: Mechanic
) -> None:
    marco.shows(asked)
    hers = waits(look, ana, asked)
    expect(hers.get_by_text("On Marco’s screen since")).to_be_visible()
    fast_forward(minutes=8, seconds=58)
    hers.evaluate("document.getElementById('live').dispatchEvent(new CustomEvent('resync'))")
    expect(hers.get_by_text("Less than a minute is left.")).to_be_visible(timeout=5000)


def test_wait_longer_moves_the_clock_on_both_pages(look: Screens, ana: Customer, nadia: Mechanic) -> None:
    everyones = ana.books()
    fast_forward(minutes=9, seconds=58.5)
    hers, board = waits(look, ana, everyones), look.open(nadia, "/mechanic/dashboard", DESKTOP)
    before = board.evaluate(LEFT)
    assert hers.evaluate(LEFT) == before
    hers.get_by_role("button", name="Wait longer").click(timeout=4000)  # it appears by itself
    expect(hers.get_by_text("You decided to wait longer")).to_be_visible()
    board.wait_for_function(f"before => ({LEFT})() !== before", arg=before)
    assert hers.evaluate(LEFT) == board.evaluate(LEFT)
    assert abs(seconds(hers) - seconds(board)) <= 1
    assert seconds(board) > 19 * 60
    expect(hers.get_by_role("button", name="Wait longer")).to_have_count(0)


def test_an_accept_is_read_at_once_with_the_way_to_the_consultation(
    look: Screens, ana: Customer, nadia: Mechanic
) -> None:
    hers, board = waits(look, ana, ana.books()), look.open(nadia, "/mechanic/dashboard", PHONE)
    board.get_by_role("button", name="Accept").click()
    expect(hers.get_by_role("heading", name="Nadia accepted")).to_be_visible()
    expect(hers.get_by_text("If Nadia has not started by")).to_be_visible()
    hers.get_by_role("link", name="Open the consultation").click()
    hers.wait_for_url("**/consultations/*")


def test_nobody_takes_it_and_the_credit_is_back_all_by_keyboard(look: Screens, ana: Customer) -> None:
    everyones = ana.books()
    fast_forward(minutes=11)
    hers = waits(look, ana, everyones)
    for name in ("Wait longer", "Cancel"):
        hers.get_by_role("button", name=name, exact=True).or_(hers.locator("summary", has_text=name)).focus()
        hers.keyboard.press("Enter")
        if name == "Wait longer":
            expect(hers.get_by_text("You decided to wait longer")).to_be_visible()
    hers.get_by_role("button", name="Yes: Cancel").focus()
    hers.keyboard.press("Enter")
    expect(hers.get_by_role("heading", name="This session request is cancelled")).to_be_visible()
    assert one("SELECT sum(credits) FROM credit_entries") == 100


def test_with_javascript_off_it_can_be_waited_longer(look: Screens, ana: Customer) -> None:
    everyones = ana.books()
    fast_forward(minutes=11)
    hers = waits(look, ana, everyones, java_script_enabled=False)
    hers.get_by_role("button", name="Wait longer").click()
    expect(hers.get_by_text("You decided to wait longer")).to_be_visible()
    assert row(everyones).prolonged_at


def test_no_stage_shuts_anybody_out(look: Screens, asked: UUID, ana: Customer, marco: Mechanic) -> None:
    page = waits(look, ana, asked, color_scheme="dark")

    def fits(text: str) -> None:
        page.reload()
        expect(page.get_by_text(text).first).to_be_visible()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert not overflows(page), text
        assert checks.axe(page) == [], text

    fast_forward(seconds=31)
    fits("None of Marco’s devices")
    marco.shows(asked)
    fast_forward(minutes=9)
    fits("Less than a minute is left.")
    marco.declines(asked)
    fast_forward(minutes=11)
    fits("Nobody has accepted yet.")
    ana.does(asked, "prolong")
    fits("You decided to wait longer")
