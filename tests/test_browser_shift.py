"""A shift in a real Chromium: what rings, what is shown on the icon, and the service worker."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Worker, expect

from tests import screens
from tests.cast import Customer, Mechanic
from tests.database import one, sql
from tests.pushing import NOWHERE, subscription
from tests.screens import PHONE, SPARE, WIDTHS, Screens, overflows
from tests.server import until
from tests.standards import checks

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("flag_on")]

ENDPOINT = f"http://{NOWHERE}/one"
KEYS = subscription(ENDPOINT)
# What a page does that no test can hear or see: tones and their volume, repeats (each 30 s is one of 100 ms here),
# the badge, what is told to the worker; and a push service that takes everybody.
WITNESS = """
Object.assign(window, { tones: [], repeats: new Set(), badges: [], told: [] });
const RealGain = GainNode, every = setInterval, stop = clearInterval;
window.GainNode = function (context, options) { tones.push(options.gain); return new RealGain(context, options); };
window.setInterval = (step, ms) => {
  const id = every(step, ms === 30000 ? 100 : ms);
  if (ms === 30000) repeats.add(id);
  return id;
};
window.clearInterval = (id) => { repeats.delete(id); stop(id); };
navigator.setAppBadge = async (number) => { badges.push(number); };
ServiceWorker.prototype.postMessage = function (message) { told.push(message); };
PushManager.prototype.subscribe = async (options) => {
  window.asked = options;
  return { toJSON: () => (SUBSCRIPTION) };
};
""".replace("SUBSCRIPTION", json.dumps({"endpoint": ENDPOINT, "keys": {key: KEYS[key] for key in ("p256dh", "auth")}}))
BROWSERS = "SELECT endpoint FROM push_subscriptions"


def opens(look: Screens, mechanic: Mechanic) -> Page:
    """The board of this mechanic, in a browser with a witness, where notifications may be shown."""
    page = look.open(mechanic, "/offline", permissions=["notifications"])
    page.add_init_script(WITNESS)
    page.goto(f"{look.base}/mechanic/dashboard")
    page.get_by_text("Sound and notifications").click()
    return page


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One that shows notifications and takes pushes."""
    with screens.launched(playwright, whole=True) as browser:
        yield browser


@pytest.fixture
def board(look: Screens, ana: Customer, marco: Mechanic) -> Page:
    """Marco's board; he is Ana's favorite."""
    ana.favors(marco)
    return opens(look, marco)


def becomes(page: Page, fact: str) -> None:
    """Waits until that is so. (Playwright's own way of waiting needs an `eval`, which our policy forbids.)"""
    until(lambda: page.evaluate(fact), fact, SPARE / 1000)


def starts(page: Page) -> None:
    page.get_by_role("button", name="Start shift").click()
    expect(page.get_by_text("On shift since")).to_be_visible()
    expect(page.get_by_text("Sound is off")).to_be_hidden()


def tones(page: Page, least: int) -> None:
    becomes(page, f"tones.length >= {least}")


def declines(page: Page) -> None:
    """With a slow finger: what has just moved takes no press."""
    page.locator("summary").filter(has_text="Decline").click(delay=400)
    page.get_by_role("button", name="Yes: Decline").click(delay=400)


def test_one_press_starts_it_all_and_an_offer_rings_until_it_is_seen(board: Page, ana: Customer, marco: Mechanic):
    starts(board)
    assert one("SELECT shift_started_at IS NOT NULL FROM mechanics WHERE id = %s", marco.id)
    request_id = ana.books_again(marco)
    tones(board, 4 * 3)  # at once, and each 30 s
    assert board.evaluate("repeats.size") == 1
    expect(board.locator(f'[data-request-id="{request_id}"]')).to_be_visible()
    board.keyboard.press("Shift")
    assert board.evaluate("repeats.size") == 0


def test_an_offer_that_is_gone_does_not_ring(board: Page, ana: Customer, marco: Mechanic):
    starts(board)
    request_id = ana.books_again(marco)
    tones(board, 1)
    assert ana.does(request_id, "cancel").status_code == 200
    becomes(board, "repeats.size === 0")


def test_who_looks_at_one_tab_has_seen_it_in_all(board: Page, ana: Customer, marco: Mechanic):
    starts(board)
    other = board.context.new_page()
    other.goto(board.url)
    ana.books_again(marco)
    becomes(board, "repeats.size === 1")
    expect(other.locator(".card--priority")).to_be_visible()
    other.mouse.click(5, 5)
    becomes(board, "repeats.size === 0")


def test_what_is_typed_in_another_tab_is_no_look_at_the_board(board: Page, ana: Customer, marco: Mechanic):
    starts(board)
    other = board.context.new_page()
    other.goto(f"{board.url.rpartition('/')[0]}/days")
    ana.books_again(marco)
    becomes(board, "repeats.size === 1")
    board.evaluate("addEventListener('storage', () => { window.stored = true; })")
    other.evaluate("localStorage.setItem('talk 1', 'a draft')")  # as talk.js does at each letter
    becomes(board, "window.stored")
    assert board.evaluate("repeats.size") == 1


def test_an_answer_leaves_the_sound_and_the_filter_as_they_are(
    board: Page, ana: Customer, ben: Customer, marco: Mechanic
):
    ben.favors(marco)
    board.goto(f"{board.url}?mine=1")
    starts(board)
    ana.books_again(marco)
    board.get_by_role("button", name="Need 5 more minutes").click(delay=400)
    expect(board.get_by_text("You have 15 minutes priority access")).to_be_visible()
    declines(board)
    expect(board.locator("[data-card]")).to_have_count(0)
    assert board.url.endswith("?mine=1")
    heard = board.evaluate("tones.length")
    ben.books_again(marco)
    tones(board, heard + 4)


@pytest.mark.planted
def test_an_answer_that_is_refused_is_told(board: Page, look: Screens, ana: Customer, marco: Mechanic):
    request_id = ana.books_again(marco)
    expect(board.locator("[data-card]")).to_be_visible()
    sql("UPDATE session_requests SET status = 'cancelled', closed_at = now() WHERE id = %s", request_id)
    declines(board)
    expect(board.get_by_text("The customer cancelled it.")).to_be_visible()
    look.complaints.clear()  # that it was refused


def test_volume_and_mute_last(board: Page, ana: Customer, marco: Mechanic):
    starts(board)
    board.get_by_label("Volume").fill("0.3")
    tones(board, 4)
    assert set(board.evaluate("tones")) == {"0.3"}
    board.get_by_label("Mute").check()
    expect(board.get_by_text("Muted: offers make no sound")).to_be_visible()
    board.reload()
    expect(board.get_by_text("Muted: offers make no sound")).to_be_visible()
    board.get_by_text("Sound and notifications").click()
    expect(board.get_by_label("Volume")).to_have_value("0.3")
    expect(board.get_by_label("Mute")).to_be_checked()
    board.get_by_role("button", name="Test sound").click()
    assert board.evaluate("tones") == []
    board.get_by_label("Mute").uncheck()
    board.get_by_role("button", name="Test sound").click()
    tones(board, 4)
    board.reload()
    board.get_by_role("button", name="Turn sound on").click()  # browsers forget that somebody pressed something
    expect(board.get_by_text("Sound is off")).to_be_hidden()


def test_the_count_is_in_the_title_on_the_icon_and_on_the_badge(
    board: Page, ana: Customer, ben: Customer, marco: Mechanic
):
    icon = board.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile(r"/static/icon\.svg"))
    request_id = ana.books_again(marco)
    ben.books()
    expect(board).to_have_title(re.compile(r"^\(2\) "))
    expect(icon).to_have_attribute("href", re.compile("%3E2%3C"))
    becomes(board, "badges.at(-1) === 2")
    assert marco.declines(request_id).status_code == 200
    expect(icon).to_have_attribute("href", re.compile("%3E1%3C"))


def test_the_worker_is_told_what_the_board_hears(board: Page, ana: Customer, marco: Mechanic):
    request_id = ana.books_again(marco)
    becomes(board, "told.length === 1")
    assert board.evaluate("told")[0] == {
        "id": str(request_id),
        "url": f"/mechanic/requests/{request_id}",
        "title": "Ana specifically requested you! You have 10 minutes priority access.",
        "body": "2014 Volkswagen Golf · Quick Chat",
        "until": one("SELECT priority_expires_at FROM session_requests").isoformat(),
        "isSilent": False,
    }
    assert ana.does(request_id, "open").status_code == 200
    becomes(board, "told.some((each) => each.until === undefined)")


def test_a_board_that_nobody_pressed_cannot_ring_and_says_so(board: Page, ana: Customer, marco: Mechanic):
    starts(board)
    board.reload()
    ana.books_again(marco)
    becomes(board, "told.length === 1")
    assert board.evaluate("[told[0].isSilent, tones.length]") == [True, 0]


def test_push_is_turned_on_with_the_shift_and_off_by_a_press(board: Page, marco: Mechanic):
    starts(board)
    expect(board.get_by_text("even when the board is closed")).to_be_visible()
    assert [row.endpoint for row in sql(BROWSERS)] == [ENDPOINT]
    assert board.evaluate("asked.userVisibleOnly && asked.applicationServerKey.length") == 87
    board.get_by_role("button", name="Turn off").click()
    expect(board.get_by_text("while a board is open")).to_be_visible()
    assert sql(BROWSERS) == []
    board.reload()
    board.get_by_text("Sound and notifications").click()
    expect(board.get_by_text("while a board is open")).to_be_visible()
    assert sql(BROWSERS) == []
    board.get_by_role("button", name="Turn on", exact=True).click()
    expect(board.get_by_text("even when the board is closed")).to_be_visible()


def test_blocked_notifications_are_explained(look: Screens, marco: Mechanic):
    page = look.open(marco, "/mechanic/dashboard", PHONE)
    if page.evaluate("Notification.permission") != "denied":
        page.add_init_script("Object.defineProperty(Notification, 'permission', { value: 'denied' })")
        page.reload()
    page.get_by_text("Sound and notifications").click()
    expect(page.get_by_text("Notifications are blocked here.")).to_be_visible()


@pytest.fixture
def worker(look: Screens, ana: Customer, marco: Mechanic) -> Worker:
    """The service worker of Marco's browser, whose only page is no board."""
    page = opens(look, marco)
    becomes(page, "navigator.serviceWorker.controller !== null")
    page.goto(f"{look.base}/change")
    worker = page.context.service_workers[0]
    until(lambda: worker.evaluate(PAGES) == ["/change"], "the worker knows that the board has gone", SPARE / 1000)
    return worker


@pytest.fixture
def push(worker: Worker, look: Screens) -> Callable[..., None]:
    """As a push service delivers it."""
    page = look.contexts[-1].pages[0]
    devtools = page.context.new_cdp_session(page)
    registered: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: registered.extend(each["registrationId"] for each in told["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    until(lambda: page.evaluate("true") and registered, "the worker is known", SPARE / 1000)
    worker.evaluate(COUNTS)

    def deliver(**data: Any) -> None:
        told = {"origin": look.base, "registrationId": registered[-1], "data": json.dumps(data)}
        before = worker.evaluate("heard")
        devtools.send("ServiceWorker.deliverPushMessage", told)
        # Who asks for notifications while one is being shown may make Chromium forget it: it is stored, not there yet.
        until(lambda: worker.evaluate("heard") > before, "the worker has done with it", SPARE / 1000)

    return deliver


COUNTS = """() => {
  const before = hear;
  Object.assign(self, { heard: 0, hear: (...told) => before(...told).finally(() => { heard += 1; }) });
}"""
SHOWN = """async () => (await registration.getNotifications()).map(
  ({ title, body, tag, data }) => ({ title, body, tag, data }))"""
PAGES = """async () => (await clients.matchAll({ type: "window" })).map(({ url }) => new URL(url).pathname)"""
IS_OFFLINE = """() => fetch("/offline", { cache: "no-store" }).then(() => false, () => true)"""
KEPT = """async () => (await (await caches.open("offline")).keys()).map(({ url }) => new URL(url).pathname)"""


def shown(worker: Worker, number: int) -> list[dict[str, str]]:
    """The notifications, once there are so many."""
    worker.evaluate(
        """async (number) => {
             for (let tries = 0; tries < 500; tries += 1) {
               if ((await registration.getNotifications()).length === number) return;
               await new Promise((done) => setTimeout(done, 20));
             }
           }""",
        number,
    )
    found: list[dict[str, str]] = worker.evaluate(SHOWN)
    assert len(found) == number, found
    return found


def offer(request_id: object, **more: str) -> dict[str, str]:
    return {
        "id": str(request_id),
        "url": f"/mechanic/requests/{request_id}",
        "title": "Ana specifically requested you!",
        "body": "2014 Volkswagen Golf · Quick Chat",
        "until": "2030-01-01T10:12:00+00:00",
        **more,
    }


def test_a_pushed_offer_is_shown_once_and_closed_when_it_is_over(worker: Worker, push: Callable[..., None]):
    first, second = uuid4(), uuid4()
    push(**offer(first))
    (told,) = shown(worker, 1)
    assert told["title"] == "Ana specifically requested you!"
    assert re.fullmatch(r"Until \d?\d:12(\s[AP]M)? · 2014 Volkswagen Golf · Quick Chat", told["body"])
    assert (told["tag"], told["data"]) == (str(first), f"/mechanic/requests/{first}")
    push(**offer(first, title="Ana, once more"))
    titles = "() => registration.getNotifications().then((all) => all.map((each) => each.title))"
    until(lambda: worker.evaluate(titles) == ["Ana, once more"], "it is told anew", SPARE / 1000)
    push(**offer(second))
    assert {each["title"] for each in shown(worker, 2)} == {"Ana, once more", "Ana specifically requested you!"}
    push(id=str(first), url="", title="This offer is over")
    assert [each["tag"] for each in shown(worker, 1)] == [str(second)]


def test_a_tap_opens_the_offer_and_takes_no_page_away(worker: Worker, push: Callable[..., None]):
    request_id = uuid4()
    push(**offer(request_id))
    shown(worker, 1)
    worker.evaluate(
        """async () => {
             Object.assign(self, { opened: [] });
             clients.openWindow = async (url) => { opened.push(url); };
             const [notification] = await registration.getNotifications();
             dispatchEvent(new NotificationEvent("notificationclick", { notification }));
           }"""
    )
    shown(worker, 0)
    assert worker.evaluate("opened") == [f"/mechanic/requests/{request_id}"]


def test_what_an_open_board_rings_is_not_shown_as_well_but_told_as_delivered(
    worker: Worker, push: Callable[..., None], look: Screens
):
    page = look.contexts[-1].pages[0]
    page.goto(f"{look.base}/mechanic/dashboard")
    worker.evaluate("() => { self.asked = []; self.fetch = async (...told) => { asked.push(told); }; }")
    request_id = uuid4()
    push(**offer(request_id))
    push(id=str(request_id), url="", title="This offer is over")
    until(lambda: worker.evaluate("asked.length"), "it is told as delivered", SPARE / 1000)
    assert worker.evaluate("asked") == [[f"/mechanic/requests/{request_id}/delivered", {"method": "POST"}]]
    assert shown(worker, 0) == []
    push(**offer(request_id), isSilent=True)  # no sound there, as browsers keep it
    assert len(shown(worker, 1)) == 1


def test_a_page_that_does_not_ring_keeps_no_offer_from_being_shown(
    worker: Worker, push: Callable[..., None], look: Screens
):
    page = look.contexts[-1].pages[0]
    for number, path in enumerate(("settings", "days"), start=1):
        page.goto(f"{look.base}/mechanic/{path}")
        until(lambda path=path: worker.evaluate(PAGES) == [f"/mechanic/{path}"], "the board is left", SPARE / 1000)
        push(**offer(uuid4()))
        assert len(shown(worker, number)) == number


def test_without_a_connection_an_honest_page_stands_in_and_nothing_of_a_person_is_kept(worker: Worker, look: Screens):
    context: BrowserContext = look.contexts[-1]
    page = context.pages[0]
    page.goto(f"{look.base}/mechanic/dashboard")
    expect(page.get_by_role("heading", name="Your board")).to_be_visible()
    assert worker.evaluate(KEPT) == ["/offline"]
    assert worker.evaluate("async () => (await caches.keys()).length") == 1
    context.set_offline(True)
    until(lambda: worker.evaluate(IS_OFFLINE), "the worker is cut off, which it is later than its page", SPARE / 1000)
    page.goto(f"{look.base}/mechanic/dashboard")
    expect(page.get_by_role("heading", name="You are offline")).to_be_visible()
    assert "Marco" not in page.content()
    context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="Your board")).to_be_visible()
    assert page.url.endswith("/mechanic/dashboard")
    look.complaints.clear()  # of a board without a connection


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_state_of_it_fits_and_shuts_nobody_out(look: Screens, marco: Mechanic, width: int, scheme: str):
    page = look.open(marco, "/mechanic/dashboard", width, color_scheme=scheme)
    page.get_by_text("Sound and notifications").click()
    page.evaluate("document.querySelectorAll('[data-if]').forEach((line) => { line.hidden = false; })")
    for path in ("", "/offline"):
        if path:
            page.goto(look.base + path)
        assert not overflows(page)
        assert checks.axe(page) == []
