"""Olga at the engine page: an offer that the push service refused stands there; she presses, and it goes."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from favorites.settings import current
from tests.cast import Customer, Mechanic, Owner
from tests.database import sql
from tests.pushing import PushService, push_service
from tests.screens import Screens
from tests.server import until
from tests.test_push import subscribes

pytestmark = pytest.mark.browser

GIVEN_UP = "SELECT 1 FROM push_sendings WHERE tries >= 5 AND due_at <= clock_timestamp()"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, flag_on: None) -> Iterator[PushService]:
    with push_service() as service:
        monkeypatch.setattr(current(), "push_hosts", [service.host])
        yield service


def test_olga_sees_an_offer_that_was_not_sent_and_sends_it_again(
    service: PushService, ana: Customer, marco: Mechanic, olga: Owner, look: Screens
) -> None:
    ana.favors(marco)
    assert subscribes(marco.client, service.endpoint("phone")) == 200
    page = look.open(olga, "/admin/engine")
    page.clock.install()
    page.reload()
    expect(page.locator("#not-sent").locator("..")).to_contain_text("Everything was sent.")

    service.answers = [403]
    ana.books_again(marco)
    until(lambda: sql(GIVEN_UP), "it is given up", 10)
    for _ in range(7):  # it reads itself anew every half minute; what is asked for meanwhile is answered in real time
        page.clock.run_for(5_000)
        expect(page.locator(".htmx-request")).to_have_count(0)
    row = page.get_by_role("row", name="Marco")
    expect(row).to_contain_text("Ana asks, until")

    row.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status").filter(has_text="1 is being sent again.")).to_be_visible()
    expect(page.get_by_text("Everything was sent.")).to_be_visible()
    until(lambda: len(service.told("phone")) == 2, "Marco's phone is told", 10)


@pytest.mark.parametrize("has_alarm", [False, True])
def test_the_heading_keeps_clear_of_the_line_above_it(
    ana: Customer, olga: Owner, look: Screens, has_alarm: bool
) -> None:
    if has_alarm:
        ana.books()
    page = look.open(olga, "/admin/engine")
    above = page.locator("#alarm" if has_alarm else ".room-nav").bounding_box()
    heading = page.get_by_role("heading", level=1).bounding_box()
    assert above
    assert heading
    assert heading["y"] - (above["y"] + above["height"]) >= 12
