"""The talk of the two in their browsers: what one writes the other sees, and what does not arrive is not lost."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.cast import Customer, Mechanic
from tests.database import fast_forward, one, sql
from tests.screens import PHONE, Screens, overflows
from tests.standards import checks

pytestmark = pytest.mark.browser


@pytest.fixture
def place(ana: Customer, marco: Mechanic) -> str:
    """The page of the two: Ana has booked, Marco has accepted."""
    request_id = ana.books()
    assert marco.accepts(request_id).status_code == 200
    return f"/consultations/{one('SELECT session_id FROM session_requests WHERE id = %s', request_id)}"


@pytest.fixture
def hers(look: Screens, ana: Customer, place: str) -> Page:
    return look.open(ana, place, PHONE)


@pytest.fixture
def his(look: Screens, marco: Mechanic, place: str) -> Page:
    return look.open(marco, place)


def field(page: Page) -> Locator:
    return page.get_by_label("Your message")


def line(page: Page, words: str | re.Pattern[str]) -> Locator:
    return page.locator(".talk__line", has_text=words)


def writes(page: Page, words: str) -> None:
    field(page).fill(words)
    page.get_by_role("button", name="Send", exact=True).click()


def many(place: str, writer: Customer | Mechanic, mechanic: Mechanic) -> None:
    """Sixty-four messages."""
    sql(
        "INSERT INTO messages (session_id, user_id, mechanic_id, number, body)"
        " SELECT %s, %s, %s, n, 'No ' || n || '.' FROM generate_series(1, 64) n",
        place.rsplit("/", 1)[-1],
        writer.user_id,
        mechanic.id,
    )


def picture(name: str = "hose.jpg", size: tuple[int, int] = (800, 600)) -> dict[str, object]:
    out = io.BytesIO()
    Image.new("RGB", size, "darkred").save(out, "JPEG")
    return {"name": name, "mimeType": "image/jpeg", "buffer": out.getvalue()}


def test_what_one_writes_the_other_sees_at_once_typing_included(hers: Page, his: Page) -> None:
    field(hers).press_sequentially("It")
    expect(his.get_by_text("Ana is typing …")).to_be_visible()
    writes(hers, "It smokes.\nA lot.")
    expect(line(his, "It smokes.")).to_contain_text("Ana")
    expect(his.get_by_text("Ana is typing …")).to_be_hidden()
    expect(line(hers, "It smokes.")).to_contain_text(re.compile(r"Sent \d+:\d\d"))
    expect(field(hers)).to_be_focused()
    expect(field(hers)).to_have_value("")
    expect(his.locator(".talk__said")).to_contain_text("It smokes.")
    field(his).press_sequentially("Since when?")
    his.keyboard.press("Shift+Enter")
    his.keyboard.type("And where?")
    his.keyboard.press("Enter")
    expect(line(hers, re.compile("Since when.\\s+And where."))).to_be_visible()
    expect(line(his, "Since when?")).to_have_count(1)
    for page in (hers, his):
        assert checks.axe(page) == []
        assert not overflows(page)


def test_what_did_not_arrive_says_so_is_kept_and_arrives_once(hers: Page, his: Page, look: Screens) -> None:
    hers.context.set_offline(True)
    writes(hers, "Are you there?")
    expect(line(hers, "Are you there?")).to_contain_text("Not sent.")
    hers.get_by_role("button", name="Try again").click()
    expect(line(hers, "Are you there?")).to_contain_text("Not sent.")
    field(hers).fill("A draft")
    hers.context.set_offline(False)  # tries again by itself
    expect(line(his, "Are you there?")).to_be_visible()
    expect(line(hers, "Are you there?")).to_contain_text("Sent")
    hers.reload()
    expect(field(hers)).to_have_value("A draft")
    expect(line(hers, "Are you there?")).to_have_count(1)
    assert one("SELECT count(*) FROM messages") == 1
    look.complaints.clear()  # what Chromium says of the lost connection


def test_a_message_whose_answer_was_lost_is_sent_again_and_said_once(hers: Page, his: Page, look: Screens) -> None:
    def swallow(route: object) -> None:
        route.fetch()  # type: ignore[attr-defined] # it arrives
        route.abort()  # type: ignore[attr-defined] # and nobody knows

    hers.route("**/messages", swallow, times=1)
    writes(hers, "Did you get this?")
    expect(line(his, "Did you get this?")).to_be_visible()
    expect(line(hers, "Did you get this?")).to_have_count(1)
    hers.reload()
    expect(line(hers, "Did you get this?")).to_have_count(1)
    expect(line(hers, "Did you get this?")).to_contain_text("Sent")
    hers.wait_for_function("!Object.keys(localStorage).some((name) => name.split(' ')[3])")
    assert one("SELECT count(*) FROM messages") == 1
    look.complaints.clear()


def test_an_unsent_message_survives_a_reload(hers: Page, his: Page, look: Screens) -> None:
    hers.route("**/messages", lambda route: route.abort())
    writes(hers, "Hello?")
    expect(line(hers, "Hello?")).to_contain_text("Not sent.")
    hers.unroute("**/messages")
    hers.reload()
    expect(line(his, "Hello?")).to_be_visible()
    expect(line(hers, "Hello?")).to_have_count(1)
    look.complaints.clear()


def test_a_draft_does_not_outlive_the_sign_out(hers: Page, look: Screens, place: str) -> None:
    field(hers).fill("Between us")
    assert "Between us" in hers.evaluate("JSON.stringify(localStorage)")
    hers.get_by_role("button", name="Sign out").click()
    hers.wait_for_url(f"{look.base}/")
    hers.wait_for_function("localStorage.length === 0")


def test_earlier_messages_come_in_by_scrolling_and_the_place_is_kept(
    look: Screens, ana: Customer, marco: Mechanic, place: str
) -> None:
    many(place, ana, marco)
    page = look.open(marco, place, PHONE)
    box = page.locator(".talk__box")
    box.scroll_into_view_if_needed()
    expect(line(page, "No 64.")).to_be_in_viewport()
    assert page.locator(".talk__line").count() == 30
    line(page, "No 35.").scroll_into_view_if_needed()
    expect(line(page, "No 5.")).to_be_attached()
    top = line(page, "No 35.").bounding_box()
    frame = box.bounding_box()
    assert top
    assert frame
    assert frame["y"] - 80 <= top["y"] <= frame["y"] + frame["height"]
    line(page, "No 5.").first.scroll_into_view_if_needed()
    expect(page.locator(".talk__line")).to_have_count(64)
    expect(page.get_by_role("link", name="Earlier messages")).to_have_count(0)


def test_a_photo_is_seen_by_the_other_and_by_nobody_else(hers: Page, his: Page, look: Screens, nadia: Mechanic) -> None:
    hers.get_by_label("Add photos").set_input_files([picture(), picture("two.jpg", (600, 800))])  # type: ignore[list-item]
    expect(his.get_by_role("img", name="Photo from Ana")).to_have_count(2)
    expect(hers.get_by_role("img", name="Photo from you")).to_have_count(2)
    first = his.get_by_role("img", name="Photo from Ana").first
    first.scroll_into_view_if_needed()
    his.wait_for_function("document.querySelector('.talk__photo img').naturalWidth === 480")
    address = his.locator(".talk__photo").first.get_attribute("href")
    other = look.open(nadia, address or "")
    expect(other.get_by_role("heading", name="Not here")).to_be_visible()
    look.complaints.clear()  # Chromium notes the 404


LARGE = """() => {
  const carried = new DataTransfer(), input = document.querySelector("#photo");
  carried.items.add(new File([new Uint8Array(10 * 2 ** 20 + 1)], "large.jpg", { type: "image/jpeg" }));
  input.files = carried.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}"""


def test_what_is_no_photo_is_told_in_a_sentence(hers: Page, look: Screens) -> None:
    hers.get_by_label("Add photos").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"GIF89a"})
    expect(line(hers, "Please send a JPEG, PNG or WebP.")).to_be_visible()
    hers.evaluate(LARGE)
    expect(line(hers, "more than 10 MB")).to_be_visible()
    refused = hers.get_by_role("button", name="Remove")  # no use to try again: neither by hand, nor by itself
    expect(refused).to_have_count(2)
    expect(hers.get_by_role("button", name="Try again")).to_have_count(0)
    hers.evaluate("dispatchEvent(new Event('online'))")
    expect(refused).to_have_count(2)
    refused.first.click()
    refused.click()
    expect(line(hers, "Not sent")).to_have_count(0)
    expect(field(hers)).to_be_focused()
    assert one("SELECT count(*) FROM messages") == 0
    look.complaints.clear()  # Chromium notes the 422


def test_the_board_says_how_many_wait_and_the_page_marks_them_read(
    hers: Page, look: Screens, marco: Mechanic, place: str
) -> None:
    board = look.open(marco, "/mechanic/dashboard", PHONE)
    expect(board.get_by_role("link", name="Open the consultation")).to_be_visible()
    writes(hers, "One")
    expect(board.get_by_text("1 new message", exact=True)).to_be_visible()
    writes(hers, "Two")
    expect(board.get_by_text("2 new messages")).to_be_visible()
    board.get_by_role("link", name="Open the consultation").click()
    expect(line(board, "Two")).to_be_visible()
    board.wait_for_function("document.querySelector('.talk')")
    board.goto(f"{look.base}{place}")
    expect(line(board, "Two")).to_be_visible()
    expect(board.get_by_text("2 new")).to_have_count(0)


def test_what_comes_after_the_end_is_told_on_the_board(his: Page, hers: Page) -> None:
    his.get_by_role("button", name="Start", exact=True).click()
    his.locator("summary", has_text="Complete").click()
    his.get_by_role("button", name="Yes: Complete").click()
    talks = his.locator("#talks")
    expect(talks).to_contain_text("You can still write")
    writes(hers, "It still hisses.")
    expect(talks).to_contain_text("1 new message")
    talks.get_by_role("link", name="Ana").click()
    expect(line(his, "It still hisses.")).to_be_visible()


def test_the_title_counts_while_nobody_looks(hers: Page, his: Page) -> None:
    his.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => globalThis.away ?? true, configurable: true })"
    )
    writes(hers, "One")
    expect(his).to_have_title(re.compile(r"^\(1\) Consultation"))
    his.evaluate("globalThis.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(his).to_have_title(re.compile("^Consultation"))


def test_it_works_without_javascript_too(look: Screens, ana: Customer, marco: Mechanic, place: str) -> None:
    many(place, marco, marco)
    page = look.open(ana, place, PHONE, java_script_enabled=False)
    writes(page, "By a form")
    expect(line(page, "By a form")).to_contain_text("Sent")
    page.get_by_label("Add photos").set_input_files(picture())  # type: ignore[arg-type]
    page.get_by_role("button", name="Send the photos").click()
    expect(page.get_by_role("img", name="Photo from you")).to_be_visible()
    page.get_by_role("link", name="Look for new messages").click()
    page.get_by_role("link", name="Earlier messages").click()
    expect(line(page, "No 20.")).to_be_attached()
    expect(page.get_by_role("link", name="Newest messages")).to_be_visible()


def test_start_summary_complete_receipt(hers: Page, his: Page) -> None:
    his.get_by_role("button", name="Start").click()
    his.get_by_text("Write what you found").click()
    his.get_by_label("What was it, and what comes next?").fill("A loose hose.")
    his.get_by_role("button", name="Save the summary").click()
    expect(hers.get_by_text("A loose hose.")).to_be_visible()
    field(hers).fill("Half a")
    his.locator("summary", has_text="Complete").click()
    his.get_by_role("button", name="Yes: Complete").click()
    expect(hers.get_by_text("Completed", exact=True)).to_be_visible()
    expect(field(hers)).to_have_value("Half a")  # what is being written is left alone
    expect(hers.get_by_role("button", name="Add Marco to your favorites")).to_be_visible()
    hers.get_by_role("link", name="Receipt").click()
    expect(hers.get_by_text("3 credits")).to_be_visible()
    assert checks.axe(hers) == []


def test_an_open_page_closes_when_the_talk_does(
    hers: Page, his: Page, ana: Customer, marco: Mechanic, place: str
) -> None:
    writes(hers, "Thank you")
    expect(line(his, "Thank you")).to_be_visible()
    request_id = one("SELECT id FROM session_requests")
    for verb in ("start", "complete"):
        assert marco.does(request_id, verb).status_code == 200
    expect(his.get_by_text("Completed", exact=True)).to_be_visible()
    expect(field(his)).to_be_visible()
    fast_forward(minutes=25 * 60)
    for page in (hers, his):
        page.locator("#live").dispatch_event("resync")
        expect(page.get_by_text("This talk can only be read now")).to_be_visible()
        expect(field(page)).to_have_count(0)
        expect(line(page, "Thank you")).to_be_visible()


def test_whom_it_was_taken_back_from_sees_nothing_of_it_any_more(his: Page, marco: Mechanic, look: Screens) -> None:
    writes(his, "Between us")
    expect(line(his, "Between us")).to_contain_text("Sent")
    assert marco.does(one("SELECT id FROM session_requests"), "release").status_code == 200
    expect(his.get_by_role("heading", name="This is not your job any more")).to_be_visible()
    expect(line(his, "Between us")).to_have_count(0)
    his.close()
    look.complaints.clear()  # Chromium notes the 404 of what was on its way
