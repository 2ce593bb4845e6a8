"""Rule 4's one exception: five more minutes, once, by the preferred mechanic, while the window is open."""

from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from tests.cast import Customer, Mechanic
from tests.database import fast_forward, sql
from tests.pages import page
from tests.requests_table import events, row, status
from tests.server import until

pytestmark = pytest.mark.usefixtures("flag_on")


@pytest.fixture
def asked(ana: Customer, marco: Mechanic) -> UUID:
    ana.favors(marco)
    return ana.books_again(marco)


def code(answer: object) -> str:
    """The refusal's."""
    assert answer.status_code in (404, 409)  # type: ignore[attr-defined]
    return str(answer.get_json()["code"])  # type: ignore[attr-defined]


def test_rule_4_both_hear_of_five_more_minutes_and_the_others_of_nothing(
    ana: Customer, marco: Mechanic, nadia: Mechanic, asked: UUID
) -> None:
    hers = ana.listens_to(asked)
    marco.hears("priority_session_request")
    answer = marco.client.post(f"/mechanic/requests/{asked}/extend")
    assert (answer.status_code, answer.location) == (303, "/mechanic/dashboard")
    assert hers.until("request_extended").data["request_id"] == str(asked)
    assert marco.hears("request_extended").data == {"request_id": str(asked)}
    assert nadia.heard_nothing
    assert "Marco asked for 5 more minutes" in page(ana, f"/customer/requests/{asked}")
    assert row(asked).priority_expires_at - row(asked).priority_notified_at == timedelta(minutes=15)


def test_rule_4_a_second_press_is_no_second_extension(marco: Mechanic, asked: UUID) -> None:
    assert "Need 5 more minutes" in page(marco, "/mechanic/dashboard")
    for _ in range(2):
        assert marco.does(asked, "extend").status_code == 200
    assert row(asked).priority_window_minutes == 15
    assert events(asked).count(("request_extended", "customer")) == 1
    assert "Need 5 more minutes" not in page(marco, "/mechanic/dashboard")


def test_rule_4_a_poll_at_the_old_end_leaves_the_window_open(
    marco: Mechanic, nadia: Mechanic, asked: UUID, sweep: object
) -> None:
    marco.does(asked, "extend")
    fast_forward(minutes=10, seconds=1)
    assert sweep().lapsed == 0  # type: ignore[operator]
    assert nadia.accepts(asked).status_code == 404
    fast_forward(minutes=5)
    assert sweep().lapsed == 1  # type: ignore[operator]
    assert nadia.accepts(asked).status_code == 200


@pytest.mark.usefixtures("poller")
def test_rule_4_the_poller_learns_the_new_end(
    app: Flask, ana: Customer, marco: Mechanic, nadia: Mechanic, asked: UUID
) -> None:
    """It is told of the old one by the offer, and comes again for the new one."""
    marco.does(asked, "extend")
    marco.hears("request_extended")
    fast_forward(minutes=14, seconds=59.5)
    app.extensions["live"].ticker.wake(row(asked).priority_expires_at)
    assert nadia.hears("new_request", fallback_reason="priority_timeout")


def test_the_feed_tells_the_poller_of_the_new_end(app: Flask, marco: Mechanic, asked: UUID) -> None:
    from favorites.live import feed

    told: list[object] = []
    live = app.extensions["live"]
    before, live.feed._tell = live.feed._tell, told.append
    try:
        marco.does(asked, "extend")
        marco.hears("request_extended")
        until(lambda: row(asked).priority_expires_at in told, "the poller is told, after the streams", 5)
    finally:
        live.feed._tell = before
    assert feed.Feed is type(live.feed)


def test_rule_4_only_by_who_is_asked_first(nadia: Mechanic, zed: Mechanic, asked: UUID) -> None:
    assert code(nadia.does(asked, "extend")) == "NOT_FOUND"
    assert zed.does(asked, "extend").status_code == 403
    fast_forward(minutes=10)
    assert code(nadia.does(asked, "extend")) == "NOT_FOUND"
    assert row(asked).extended_at is None


def declined(ana: Customer, marco: Mechanic, asked: UUID) -> None:
    marco.declines(asked)


def lapsed(ana: Customer, marco: Mechanic, asked: UUID) -> None:
    fast_forward(minutes=10)


def opened(ana: Customer, marco: Mechanic, asked: UUID) -> None:
    ana.does(asked, "open")


def cancelled(ana: Customer, marco: Mechanic, asked: UUID) -> None:
    ana.does(asked, "cancel")


def accepted(ana: Customer, marco: Mechanic, asked: UUID) -> None:
    marco.accepts(asked)


def long_as_it_may_be(ana: Customer, marco: Mechanic, asked: UUID) -> None:
    sql("UPDATE session_requests SET priority_window_minutes = 116 WHERE id = %s", asked)


@pytest.mark.parametrize(
    ("before", "refusal"),
    [
        (declined, "DECLINED"),
        (lapsed, "NOT_OFFERED"),
        (opened, "NOT_OFFERED"),
        (cancelled, "CANCELLED"),
        (accepted, "TAKEN"),
        (long_as_it_may_be, "WINDOW_IS_FULL"),
    ],
)
def test_rule_4_no_extension_once_it_is_over_or_full(
    ana: Customer, marco: Mechanic, asked: UUID, before: object, refusal: str
) -> None:
    before(ana, marco, asked)  # type: ignore[operator]
    kept = row(asked)
    assert code(marco.does(asked, "extend")) == refusal
    assert row(asked) == kept


def test_the_table_knows_no_extension_without_a_window(ana: Customer) -> None:
    from psycopg2.errors import CheckViolation

    request_id = ana.books()
    with pytest.raises(CheckViolation):
        sql("UPDATE session_requests SET extended_at = now() WHERE id = %s", request_id)
    assert status(request_id) == "pending"
