"""How times and money read."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from favorites.web import filters
from tests.database import sql

AT = datetime(2026, 11, 22, 9, 2, 3, 456_000, UTC)


def test_times_are_the_readers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    class Reader:
        is_authenticated = True
        time_zone = "Europe/Vienna"

    monkeypatch.setattr(filters, "current_user", Reader)
    with app.test_request_context():
        assert (filters.clock(AT), filters.day(AT)) == ("10:02", "22 Nov 2026")
        assert filters.with_zone(AT) == "22 Nov 2026, 10:02 CET"
    Reader.time_zone = "Nowhere/At-all"
    with app.test_request_context():
        assert filters.with_zone(AT) == "22 Nov 2026, 09:02 UTC"
    assert filters.iso(AT) == "2026-11-22T09:02:03.456Z"


@pytest.mark.parametrize(
    ("cents", "read"), [(999, "$9.99"), (0, "$0.00"), (5, "$0.05"), (123_456_789, "$1,234,567.89"), (-250, "-$2.50")]
)
def test_money(cents: int, read: str) -> None:
    assert filters.money(cents) == read


def test_other_money() -> None:
    assert filters.money(999, "eur") == "9.99 EUR"


@pytest.mark.parametrize(
    ("seconds", "read"), [(545, "9:05"), (0, "0:00"), (-3, "0:00"), (59.9, "0:59"), (3600, "60:00")]
)
def test_minutes_and_seconds(seconds: float, read: str) -> None:
    assert filters.minsec(seconds) == read


@pytest.mark.parametrize(("seconds", "read"), [(0.2, 1), (59.0, 59), (59.001, 60), (0, 0), (-3.5, 0)])
def test_seconds_that_are_left(seconds: float, read: int) -> None:
    assert filters.seconds_after(AT + timedelta(seconds=seconds), AT) == read


@pytest.mark.parametrize(
    ("seconds", "read"), [(5, "just now"), (185, "3 min ago"), (7200, "2 h ago"), (180_000, "2 d ago")]
)
def test_how_long_ago(seconds: int, read: str) -> None:
    assert filters.ago(datetime.now(UTC) - timedelta(seconds=seconds)) == read


@pytest.mark.parametrize(("minutes_ago", "is_late"), [(1, False), (4, True)])
def test_every_page_says_when_the_poll_has_stopped(app: Flask, minutes_ago: int, is_late: bool) -> None:
    assert "Notifications may be late" not in app.test_client().get("/").text
    beat = "INSERT INTO engine_beats (at, leader, lapsed, expired) VALUES (clock_timestamp() - %s, 'x', 0, 0)"
    sql(beat, timedelta(minutes=minutes_ago))
    assert ("Notifications may be late" in app.test_client().get("/").text) is is_late


@pytest.mark.parametrize("minutes", [-60, 60])
def test_a_beat_from_before_the_clock_was_set_back_says_nothing(app: Flask, minutes: int) -> None:
    beat = "INSERT INTO engine_beats (at, leader, lapsed, expired) VALUES (clock_timestamp() + %s, 'x', 0, 0)"
    sql(beat, timedelta(minutes=60))
    sql(beat, timedelta(minutes=minutes))
    assert "Notifications may be late" in app.test_client().get("/").text
    sql(beat, timedelta(0))
    assert "Notifications may be late" not in app.test_client().get("/").text
