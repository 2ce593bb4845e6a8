"""K30 and V21: the browser's clock and zone decide nothing of what its page counts down to."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.cast import Customer, Mechanic
from tests.database import one
from tests.screens import Screens

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("flag_on")]

LEFT = "SELECT extract(epoch FROM priority_expires_at - clock_timestamp())::float FROM session_requests WHERE id = %s"
CLOCK = ".countdown__clock"


@pytest.mark.parametrize(
    ("zone", "wrong_by"),
    [("Pacific/Kiritimati", timedelta(days=1)), ("America/New_York", timedelta(days=-1))],
)
def test_k30_a_wrong_clock_and_another_zone_count_down_to_the_same_instant(
    look: Screens, ana: Customer, marco: Mechanic, zone: str, wrong_by: timedelta
) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    for person, path in ((ana, f"/customer/requests/{request_id}"), (marco, "/mechanic/dashboard")):
        page = look.open(person, "/", timezone_id=zone)
        page.clock.install(time=datetime.now(UTC) + wrong_by)
        page.goto(look.base + path)
        before = page.locator(CLOCK).first.inner_text()
        expect(page.locator(CLOCK).first).not_to_have_text(before)  # the page's own clock ticks
        minutes, _, seconds = page.locator(CLOCK).first.inner_text().strip().partition(":")
        assert abs(int(minutes) * 60 + int(seconds[:2]) - one(LEFT, request_id)) < 3
