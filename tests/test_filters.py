"""How times and money read."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, time, timedelta

import pytest
from flask import Flask, get_template_attribute

from favorites.models import User
from favorites.web import filters, reader
from tests.database import sql

AT = datetime(2026, 11, 22, 9, 2, 3, 456_000, UTC)
Reads = Callable[..., AbstractContextManager[object]]


@pytest.fixture
def reads(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Reads:
    """`with reads("de"):` as somebody in Vienna whose browser asks for that language."""

    def begin(languages: str, zone: str = "Europe/Vienna") -> AbstractContextManager[object]:
        monkeypatch.setattr(reader, "current_user", User(time_zone=zone, active=True))
        return app.test_request_context(headers={"Accept-Language": languages} if languages else {})

    return begin


@pytest.mark.parametrize(
    ("languages", "clock", "day", "price"),
    [
        ("", "10:02\u202fAM", "Nov 22, 2026", "$9.99"),
        ("en-US,en;q=0.9", "10:02\u202fAM", "Nov 22, 2026", "$9.99"),
        ("en-GB", "10:02", "22 Nov 2026", "US$9.99"),
        ("de-AT,de;q=0.8,en;q=0.5", "10:02", "22.11.2026", "$\xa09,99"),
        ("en;q=0.2, fr-CA", "10 h 02", "22 nov. 2026", "9,99\xa0$\xa0US"),
        ("de-XX", "10:02", "22.11.2026", "9,99\xa0$"),
        ("xx-YY, *, ../../etc, ja", "10:02", "2026/11/22", "$9.99"),
        ("!" * 9000, "10:02\u202fAM", "Nov 22, 2026", "$9.99"),
    ],
)
def test_times_and_money_read_as_the_readers_browser_writes_them(
    reads: Reads, languages: str, clock: str, day: str, price: str
) -> None:
    with reads(languages):
        assert (filters.clock(AT), filters.day(AT), filters.money(999)) == (clock, day, price)


def test_times_are_the_readers(reads: Reads) -> None:
    with reads("en-GB"):
        assert filters.with_zone(AT) == "22 Nov 2026, 10:02 CET"
    with reads("en-GB", "Nowhere/At-all"):
        assert filters.with_zone(AT) == "22 Nov 2026, 09:02 UTC"
    assert filters.with_zone(AT) == "Nov 22, 2026, 9:02\u202fAM UTC"  # a mail, which no browser asks for
    assert filters.iso(AT) == "2026-11-22T09:02:03.456Z"


def test_seconds_and_hours_of_the_day_read_so_too(reads: Reads) -> None:
    for languages, to_the_second, hour in (
        ("en-GB", "10:02:03", "22:30"),
        ("en-US", "10:02:03\u202fAM", "10:30\u202fPM"),
    ):
        with reads(languages):
            assert filters.clock_to_the_second(AT) == to_the_second
            assert filters.time_of_day(time(22, 30)) == hour


def test_a_time_in_another_language_says_so_and_an_english_one_needs_not(app: Flask, reads: Reads) -> None:
    for languages, lang in (("en-GB", ""), ("pt-BR", 'lang="pt-BR"')):
        with reads(languages):
            made = get_template_attribute("_macros.html", "clock")(AT)
            assert made.partition(">")[0].partition('CET"')[2].strip() == lang


@pytest.mark.parametrize(
    ("cents", "read"), [(999, "$9.99"), (0, "$0.00"), (5, "$0.05"), (123_456_789, "$1,234,567.89"), (-250, "-$2.50")]
)
def test_money(cents: int, read: str) -> None:
    assert filters.money(cents) == read


def test_other_money() -> None:
    assert filters.money(999, "eur") == "€9.99"


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
