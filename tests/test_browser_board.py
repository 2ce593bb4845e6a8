"""The board under a finger and under a hand on the keyboard, in a real Chromium."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.database import fast_forward, one, sql
from tests.requests_table import row, status
from tests.screens import DESKTOP, PHONE, overflows
from tests.standards import checks

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("flag_on")]

TOP = "card => card.getBoundingClientRect().top"
RESYNC = "document.querySelector('#live').dispatchEvent(new CustomEvent('resync'))"


def card(page: Page, request_id: UUID) -> Locator:
    return page.locator(f'[data-card][data-request-id="{request_id}"]')


def focused(page: Page) -> str | None:
    """The session request whose card has the focus."""
    told = page.evaluate("document.activeElement.closest('[data-card]')?.dataset.requestId")
    return None if told is None else str(told)


def five_seconds_pass(page: Page) -> None:
    """By the page's own clock, installed before: what is gone goes."""
    page.clock.fast_forward(5000)


def no_violations(page: Page) -> bool:
    assert checks.axe(page) == []
    return True


def test_what_nadia_took_greys_in_its_place_and_the_focus_goes_on(look, ana, ben, marco, nadia):
    first, second = ana.books(), ben.books()
    his, hers = look.open(marco, "/mechanic/dashboard", PHONE), look.open(nadia, "/mechanic/dashboard")
    his.clock.install()
    card(his, first).get_by_role("link", name="Ana").focus()
    card(hers, first).get_by_role("button", name="Accept").click()
    gone = his.locator(".is-gone")
    expect(gone).to_contain_text("Taken by another mechanic.")
    expect(card(his, first)).to_have_count(0)
    expect(his.get_by_role("status").filter(has_text="Ana: Taken by another mechanic. Next: Ben.")).to_be_visible()
    assert focused(his) == str(second)
    assert gone.evaluate(TOP) < card(his, second).evaluate(TOP)
    expect(gone).to_have_attribute("inert", "")
    assert no_violations(his)
    his.evaluate(RESYNC)  # another look leaves it where it is
    expect(gone).to_have_count(1)
    five_seconds_pass(his)
    expect(gone).to_have_count(0)
    expect(card(his, second)).to_be_visible()
    assert hers.url.startswith(look.base + "/consultations/")


def test_a_card_that_is_held_does_not_move(look, ana, ben, chloe, marco, nadia):
    """Neither when an offer comes above it, nor when what stood above it goes."""
    chloe.favors(marco)
    first, second = ana.books(), ben.books()
    his = look.open(marco, "/mechanic/dashboard", PHONE, reduced_motion="reduce")
    his.clock.install()
    card(his, second).focus()
    before = card(his, second).evaluate(TOP)
    offer = chloe.books_again(marco)
    expect(card(his, offer)).to_be_attached()
    expect(his.get_by_role("status").filter(has_text="Chloe asks for you first.")).to_be_visible()
    assert card(his, second).evaluate(TOP) == pytest.approx(before, abs=2)
    assert nadia.accepts(first).status_code == 200
    expect(card(his, first)).to_have_count(0)
    assert card(his, second).evaluate(TOP) == pytest.approx(before, abs=2)
    five_seconds_pass(his)
    expect(his.locator(".is-gone")).to_have_count(0)
    assert card(his, second).evaluate(TOP) == pytest.approx(before, abs=2)
    assert focused(his) == str(second)


def test_a_clock_that_loses_a_digit_moves_nothing(look, chloe, marco):
    chloe.favors(marco)
    offer = chloe.books_again(marco)
    his = look.open(marco, "/mechanic/dashboard", PHONE)
    his.clock.install()
    show = """(card, text) => {
      card.querySelector(".countdown__clock").textContent = text;
      return card.getBoundingClientRect().height;
    }"""
    assert card(his, offer).evaluate(show, "10:00") == card(his, offer).evaluate(show, "9:59")


def test_what_cannot_be_made_up_by_scrolling_stays_while_a_card_is_held(look, ana, ben, marco, nadia):
    first, second = ana.books(), ben.books()
    his = look.open(marco, "/mechanic/dashboard", DESKTOP, reduced_motion="reduce")
    his.clock.install()
    card(his, second).focus()
    his.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    before = card(his, second).evaluate(TOP)
    assert nadia.accepts(first).status_code == 200
    expect(his.locator(".is-gone[inert]")).to_have_count(1)
    five_seconds_pass(his)
    expect(his.locator(".is-space")).to_have_count(1)
    assert card(his, second).evaluate(TOP) == pytest.approx(before, abs=2)
    his.evaluate("document.activeElement.blur()")
    expect(his.locator(".is-space")).to_have_count(0)


def test_a_press_right_after_a_change_answers_nothing(look, ana, ben, nadia):
    first = ana.books()
    hers = look.open(nadia, "/mechanic/dashboard")
    expect(card(hers, first)).to_be_visible()
    hers.evaluate(
        """id => document.addEventListener("htmx:after:swap", () => {
             if (document.querySelectorAll("[data-card]").length < 2 || document.body.dataset.pressed) return;
             const button = document.querySelector(`[action$="${id}/accept"] button`);
             button.click();
             requestAnimationFrame(() => { button.click(); document.body.dataset.pressed = "yes"; });
           })""",
        str(first),
    )
    second = ben.books()
    expect(card(hers, second)).to_be_visible()
    expect(hers.locator("body[data-pressed]")).to_be_visible()
    assert status(first) == "pending"
    card(hers, first).get_by_role("button", name="Accept").click(delay=400)  # ms, a slow finger
    hers.wait_for_url("**/consultations/*")
    assert row(first).mechanic_id == nadia.id


def test_keys_go_from_card_to_card_and_answer_the_one_with_the_focus(look, ana, ben, marco):
    ben.favors(marco)
    first, offer = ana.books(), ben.books_again(marco)
    his = look.open(marco, "/mechanic/dashboard")
    his.keyboard.press("a")  # no card has the focus
    his.keyboard.press("j")
    assert focused(his) == str(offer)
    his.keyboard.press("j")
    his.keyboard.press("j")
    assert focused(his) == str(first)
    his.keyboard.press("k")
    his.keyboard.press("d")
    expect(card(his, offer).get_by_label("Reason")).to_be_visible()
    card(his, offer).get_by_label("Reason").focus()
    for key in ("a", "j", "Control+a"):  # typed there, or somebody else's
        his.keyboard.press(key)
    assert his.evaluate("document.activeElement.tagName") == "SELECT"
    assert [status(one_) for one_ in (first, offer)] == ["pending", "pending"]
    card(his, first).focus()
    his.keyboard.press("a")
    his.wait_for_url("**/consultations/*")
    assert row(first).mechanic_id == marco.id


def test_the_help_tells_the_keys_and_switches_them_off_for_good(look, ana, marco):
    request_id = ana.books()
    his = look.open(marco, "/mechanic/dashboard")
    his.keyboard.press("?")
    help_ = his.get_by_role("dialog", name="Keys on the board")
    expect(help_).to_be_visible()
    assert no_violations(his)
    help_.get_by_label("Use these keys on this device").uncheck()
    help_.get_by_role("button", name="Close").click()
    for _ in range(2):
        his.keyboard.press("?")
        expect(help_).to_be_hidden()
        card(his, request_id).focus()
        his.keyboard.press("a")
        assert status(request_id) == "pending"
        his.reload()
        expect(card(his, request_id)).to_be_visible()
    his.goto(f"{look.base}/mechanic/settings")
    switch = his.get_by_label("Use these keys on this device")
    expect(switch).not_to_be_checked()
    switch.check()
    his.goto(f"{look.base}/mechanic/dashboard")
    his.get_by_role("button", name="Keys").click()
    expect(help_.get_by_label("Use these keys on this device")).to_be_checked()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_filter_stands_in_the_address_and_never_hides_an_offer(look, ana, ben, chloe, marco, scripts):
    ben.favors(marco)
    chat, offer = ana.books("chat10"), ben.books_again(marco, "chat10")
    his = look.open(marco, "/mechanic/dashboard", PHONE, java_script_enabled=scripts)
    his.get_by_text("Filter", exact=True).click()
    his.get_by_label("Plan").select_option(label="Standard Video")
    his.get_by_role("button", name="Show", exact=True).click()
    his.wait_for_url("**/mechanic/dashboard?plan=video15*")
    expect(his.get_by_text("No open requests match.")).to_be_visible()
    expect(card(his, chat)).to_have_count(0)
    expect(card(his, offer)).to_be_visible()
    video = chloe.books("video15")
    if scripts:
        his.evaluate(RESYNC)
    else:
        his.reload()
    expect(card(his, video)).to_be_visible()  # by the fragment, which keeps the filter
    expect(card(his, chat)).to_have_count(0)
    his.get_by_role("link", name="Show all").click()
    expect(card(his, chat)).to_be_visible()
    assert not overflows(his)


def test_filters_by_workshop_and_by_who_favors_them(look, ana, ben, rita):
    theirs = ana.books()
    ben.favors(rita)
    liked = ben.books()
    sql(
        "UPDATE session_requests SET workshop_id = %s, routing_type = 'hybrid' WHERE id = %s", workshop_of(rita), theirs
    )
    hers = look.open(rita, "/mechanic/dashboard?workshop=1")
    expect(card(hers, theirs)).to_be_visible()
    expect(card(hers, liked)).to_have_count(0)
    hers.goto(f"{look.base}/mechanic/dashboard?mine=1")
    expect(card(hers, liked)).to_be_visible()
    expect(card(hers, theirs)).to_have_count(0)


def workshop_of(mechanic: object) -> UUID:
    found: UUID = one("SELECT workshop_id FROM mechanics WHERE id = %s", mechanic.id)  # type: ignore[attr-defined]
    return found


def test_five_more_minutes_are_seen_by_both_clocks(look, ana, marco):
    ana.favors(marco)
    request_id = ana.books_again(marco)
    his = look.open(marco, "/mechanic/dashboard", PHONE)
    hers = look.open(ana, f"/customer/requests/{request_id}", PHONE)
    card(his, request_id).get_by_role("button", name="Need 5 more minutes").click()
    for clock in (card(his, request_id).locator(".countdown"), hers.locator(".countdown")):
        expect(clock).to_contain_text(re.compile(r"\b14:\d\d\b"))
    expect(hers.get_by_text("Marco asked for 5 more minutes", exact=True)).to_be_visible()
    expect(card(his, request_id).get_by_role("button", name="Need 5 more minutes")).to_have_count(0)


def test_the_bar_is_the_servers_and_red_in_the_last_minute(look, ana, marco):
    ana.favors(marco)
    request_id = ana.books_again(marco)
    fast_forward(minutes=9, seconds=10)
    his = look.open(marco, "/mechanic/dashboard", timezone_id="Asia/Tokyo")
    clock = card(his, request_id).locator(".countdown")
    expect(clock).to_contain_text(re.compile(r"\b0:[0-4]\d\b"))
    expect(clock).to_have_class(re.compile("is-last-minute"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_away_is_told_on_the_board_and_one_tap_is_enough(look, ana, ben, marco, scheme):
    for customer in (ana, ben):
        customer.favors(marco)
        customer.books_again(marco)
        fast_forward(minutes=10)
    his = look.open(marco, "/mechanic/dashboard", PHONE, color_scheme=scheme)
    expect(his.get_by_text("You did not answer two offers, so you are not asked first.")).to_be_visible()
    assert no_violations(his)
    his.get_by_role("link", name="Your day").click()
    expect(his.get_by_text("You did not answer in time.").first).to_be_visible()
    assert no_violations(his)
    assert not overflows(his)
    his.get_by_role("link", name="Back to the board").click()
    his.get_by_role("button", name="I’m back").click()
    expect(his.get_by_text("You did not answer two offers")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_quiet_hours_and_consent_are_set_by_hand(look, marco, scheme):
    his = look.open(marco, "/mechanic/settings", PHONE, color_scheme=scheme)
    assert no_violations(his)
    his.get_by_label("From").fill("22:00")
    his.get_by_role("button", name="Save").click()
    expect(his.get_by_text("Write a time here, too, or leave both empty.")).to_be_visible()
    look.complaints.clear()  # Chromium notes a 422 as one
    his.get_by_label("Until").fill("06:30")
    his.get_by_label("Customers may ask for me first").uncheck()
    his.get_by_role("button", name="Save").click()
    expect(his.get_by_text("Saved.")).to_be_visible()
    expect(his.get_by_label("Until")).to_have_value("06:30")
    expect(his.get_by_label("Customers may ask for me first")).not_to_be_checked()
    assert not overflows(his)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_before_booking_a_favorite_who_is_off_shift_the_customer_chooses(look, ana, marco, scheme):
    ana.favors(marco)
    hers = look.open(ana, "/customer/dashboard", PHONE, color_scheme=scheme)
    hers.get_by_role("link", name="Book Again with Marco").click()
    told = hers.get_by_role("dialog")
    expect(told).to_contain_text("Wait for Marco, 10 minutes at most.")
    expect(told).to_contain_text("Ask everyone now: the first to accept takes it")
    expect(told.get_by_role("link", name="Find Anyone Available")).to_have_attribute("aria-describedby", "way-everyone")
    assert no_violations(hers)
    told.get_by_role("link", name="Priority Notification").click()
    expect(hers.get_by_text("Marco is off shift or has no board open")).to_be_visible()
    hers.get_by_role("link", name="Ask everyone now instead").click()
    expect(hers.get_by_text("Booking with Marco")).to_have_count(0)


def test_the_next_customer_is_told_before_booking(look, ana, ben, marco):
    for customer in (ana, ben):
        customer.favors(marco)
    ana.books_again(marco)
    his = look.open(ben, f"/customer/favorites/{marco.id}/book", PHONE, java_script_enabled=False)
    expect(his.get_by_text("Marco takes no first offers right now, so everyone is asked at once")).to_be_visible()
    expect(his.get_by_role("link", name="Find Anyone Available")).to_be_visible()


def test_figures_stand_in_one_line_and_links_are_as_large_as_a_finger(look, marco):
    page = look.open(marco, "/mechanic/days")
    tops = page.locator(".stats dd").evaluate_all("all => all.map((one) => one.getBoundingClientRect().top)")
    assert len(set(tops)) == 1
    heights = page.locator(".site-footer a").evaluate_all("all => all.map((one) => one.getBoundingClientRect().height)")
    assert min(heights) >= 44
