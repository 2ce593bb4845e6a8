"""What the owner changes while it runs: ranges and defaults, who changed what, and that what is open stays as it is."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg2.errors
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from favorites.dispatch import house
from favorites.dispatch.actors import SYSTEM, Actor
from favorites.dispatch.errors import NotFound
from favorites.models.house_rules import RULES, Rule, Unit
from favorites.settings import Settings, current
from tests.cast import Customer, Mechanic, Owner
from tests.conftest import engine
from tests.database import fast_forward, one, sql
from tests.pages import DIALOG, choosing, counted, is_there, page
from tests.requests_table import first_reason, row

MINUTES = [rule for rule in RULES.values() if rule.unit is Unit.MINUTES]
ALL_DAY = {"quiet_hours-from": "00:00", "quiet_hours-until": "23:59"}


def saves(olga: Owner, **form: object) -> None:
    """As a program that sends what it wants changed."""
    assert olga.client.post("/admin/settings", data=form).status_code == 303


def told() -> list[tuple[Any, ...]]:
    """The owner's events: by whom, of what, from what to what."""
    what = "actor, payload->>'key' AS key, payload->'before' AS before, payload->'after' AS after"
    return [tuple(event) for event in sql(f"SELECT {what} FROM owner_events ORDER BY id")]


def asked_first(customer: Customer, mechanic: Mechanic, plan: str = "chat10", **fields: Any) -> UUID:
    customer.favors(mechanic)
    request_id = customer.books_again(mechanic, plan, **fields)
    assert row(request_id).priority_notified_at
    return request_id


def length(request_id: UUID) -> timedelta:
    """How long everyone is asked."""
    stored = row(request_id)
    return stored.expires_at - (stored.fallback_broadcast_at or stored.created_at)


@contextmanager
def away(table: str) -> Iterator[None]:
    sql(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        sql(f"ALTER TABLE {table}_away RENAME TO {table}")


# Each setting: a range, a default and one plain sentence.


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_each_setting_has_a_range_a_default_and_one_sentence_on_the_page(olga: Owner, rule: Rule) -> None:
    seen = page(olga, "/admin/settings")
    assert rule.title in seen
    assert rule.sentence.endswith(".")
    assert f"{rule.sentence} {rule.range.capitalize()}; default: {rule.words(house.default(rule))}." in seen


def test_the_defaults_are_the_environments(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for rule in MINUTES:
        if rule.setting and not rule.instead:
            monkeypatch.setattr(current(), rule.setting, 77)
    rules = house.rules(session)
    assert {getattr(rules, rule.key) for rule in MINUTES if not rule.plan} == {77}
    assert [rules.window(rule.plan, False) for rule in MINUTES if rule.plan] == [77] * 4
    assert (rules.quiet_hours, rules.time_zone) == (None, ZoneInfo("UTC"))


def test_the_house_s_zone_is_one_that_there_is() -> None:
    assert Settings(_env_file=None, time_zone="Asia/Tokyo").time_zone == "Asia/Tokyo"
    with pytest.raises(ValueError, match="must be the name of a time zone"):
        Settings(_env_file=None, time_zone="Mars/Base")


@pytest.mark.parametrize("rule", MINUTES, ids=[rule.key for rule in MINUTES])
def test_minutes_are_whole_and_inside_their_range_and_the_table_refuses_others_too(rule: Rule) -> None:
    least, most = rule.bounds
    assert (rule.read(str(least)), rule.read(f" {most} ")) == (least, most)
    for typed in (least - 1, most + 1, "", "1.5", "1e2", "٣", "-1", "9" * 400):
        with pytest.raises(ValueError, match=rf"^Please give a whole number from {least} to {most:,}\.$"):
            rule.read(str(typed))
    sql(f"INSERT INTO house_rules ({rule.key}) VALUES (%s)", most)
    for wrong in (least - 1, most + 1):
        with pytest.raises(psycopg2.errors.CheckViolation):
            sql(f"UPDATE house_rules SET {rule.key} = %s", wrong)


@pytest.mark.parametrize("typed", ["22:00", "22:00-", "-06:00", "24:00-06:00", "22:60-06:00", "22:00-22:00"])
def test_quiet_hours_have_two_ends_that_differ(typed: str) -> None:
    assert RULES["quiet_hours"].read("22:00-06:00") == "22:00-06:00"
    with pytest.raises(ValueError, match=r"both ends|at the same time"):
        RULES["quiet_hours"].read(typed)
    with pytest.raises(psycopg2.errors.CheckViolation):
        sql("INSERT INTO house_rules (quiet_hours) VALUES (%s)", typed)


def test_there_is_one_row_of_them() -> None:
    sql("INSERT INTO house_rules DEFAULT VALUES")
    with pytest.raises(psycopg2.errors.UniqueViolation):
        sql("INSERT INTO house_rules DEFAULT VALUES")
    with pytest.raises(psycopg2.errors.CheckViolation):
        sql("INSERT INTO house_rules (house) VALUES (false)")


# The next booking follows.


@pytest.mark.usefixtures("flag_on")
def test_a_plan_has_its_own_window_and_the_others_the_house_s(
    olga: Owner, ana: Customer, ben: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    saves(olga, priority_window_minutes=20, chat10_window_minutes=3)
    assert row(asked_first(ana, marco, "chat10")).priority_window_minutes == 3
    assert row(asked_first(ben, nadia, "diagnostic")).priority_window_minutes == 20
    assert marco.hears("priority_session_request", priority_window_minutes=3)


@pytest.mark.usefixtures("flag_on")
@pytest.mark.parametrize(("plans", "urgents", "expected"), [(10, 5, 5), (3, 5, 3), (10, 30, 10)])
def test_of_an_urgent_one_the_shorter_window_counts(
    olga: Owner, ana: Customer, marco: Mechanic, plans: int, urgents: int, expected: int
) -> None:
    saves(olga, video15_window_minutes=plans, urgent_window_minutes=urgents)
    assert row(asked_first(ana, marco, "video15", urgent=True)).priority_window_minutes == expected


@pytest.mark.usefixtures("flag_on")
def test_an_urgent_one_is_shorter_by_default(ana: Customer, marco: Mechanic) -> None:
    assert row(asked_first(ana, marco, urgent=True)).priority_window_minutes == 5


def test_lifetime_and_grace_are_the_owner_s(olga: Owner, ana: Customer, marco: Mechanic) -> None:
    saves(olga, request_lifetime_minutes=30, start_grace_minutes=2)
    request_id = ana.books()
    assert abs(length(request_id) - timedelta(minutes=30)) < timedelta(seconds=5)
    assert marco.accepts(request_id).status_code == 200
    assert ana.does(request_id, "open").get_json()["code"] == "TOO_EARLY"
    fast_forward(minutes=2)
    assert ana.does(request_id, "open").status_code == 200
    assert row(request_id).released_from == [marco.id]


@pytest.mark.usefixtures("flag_on")
@pytest.mark.parametrize(("minutes", "is_first"), [(60, False), (0, True)])
def test_the_rest_after_a_no_is_the_owner_s(
    olga: Owner, ana: Customer, marco: Mechanic, minutes: int, is_first: bool
) -> None:
    saves(olga, priority_cooldown_minutes=minutes)
    declined = asked_first(ana, marco)
    assert marco.declines(declined).status_code == 200
    assert ana.does(declined, "cancel").status_code == 200
    assert (row(ana.books_again(marco)).priority_notified_at is not None) is is_first


@pytest.mark.usefixtures("flag_on")
def test_in_quiet_hours_everyone_is_asked_at_once_and_the_customer_reads_why(
    olga: Owner, ana: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    ana.favors(marco)
    now, hour = datetime.now(ZoneInfo("Asia/Tokyo")), timedelta(hours=1)
    hours = {"quiet_hours-from": f"{now - hour:%H:%M}", "quiet_hours-until": f"{now + hour:%H:%M}"}
    saves(olga, **hours, time_zone="Asia/Tokyo")
    before = "Nobody is asked first at this hour, so everyone is asked at once; Marco is among them."
    assert before in page(ana, f"/customer/favorites/{marco.id}/book", DIALOG)
    request_id = ana.books_again(marco)
    assert first_reason(request_id) == "quiet_hours"
    assert (row(request_id).priority_notified_at, row(request_id).preferred_mechanic_id) == (None, None)
    assert nadia.hears("new_request", fallback_reason=None)
    assert marco.hears("new_request")
    assert "Nobody is asked first at this hour, so everyone was asked" in page(ana, f"/customer/requests/{request_id}")


@pytest.mark.parametrize(
    ("hours", "zone", "is_quiet"),
    [
        ("09:00-17:00", "UTC", True),
        ("12:00-17:00", "UTC", True),
        ("09:00-12:00", "UTC", False),
        ("22:00-06:00", "UTC", False),
        ("22:00-06:00", "Asia/Tokyo", False),
        ("21:00-06:00", "Asia/Tokyo", True),
        ("20:00-04:00", "America/Los_Angeles", False),
        ("20:00-04:01", "America/Los_Angeles", True),
        (None, "UTC", False),
    ],
)
def test_quiet_hours_go_by_the_clock_of_the_house(hours: str | None, zone: str, is_quiet: bool) -> None:
    noon = datetime(2026, 11, 26, 12, tzinfo=UTC)  # 21:00 in Tokyo, 4:00 in Los Angeles
    rules = house.rules_of({"quiet_hours": hours, "time_zone": zone})
    assert rules.is_quiet(noon) is is_quiet


@pytest.mark.usefixtures("flag_on")
def test_the_customer_reads_the_window_of_what_they_are_about_to_book(
    olga: Owner, ana: Customer, marco: Mechanic
) -> None:
    ana.favors(marco)
    is_there(marco)
    book = f"/customer/favorites/{marco.id}/book"
    seen = page(ana, book, DIALOG)
    assert "Marco is asked first and has 10 minutes. If they can&#39;t, we ask everyone." in seen
    assert "When it is urgent, Marco has 5 minutes." in seen
    saves(olga, diagnostic_window_minutes=30, urgent_window_minutes=8)
    assert "Marco is asked first and has 10 to 30 minutes, depending on the plan." in page(ana, book, DIALOG)
    intake = f"/intake?{choosing(marco)}&plan=diagnostic"
    assert "Marco is asked first and has 30 minutes." in page(ana, intake)
    assert "Marco is asked first and has 8 minutes." in page(ana, f"{intake}&urgent=1")
    assert "When it is urgent, Marco" not in page(ana, f"{intake}&urgent=1")


# What is open keeps what it began with.


@pytest.fixture
def other_values(olga: Owner) -> Callable[[], None]:
    """Every setting becomes another one."""

    def change() -> None:
        saves(olga, **{rule.key: 45 for rule in MINUTES}, **ALL_DAY, time_zone="Asia/Tokyo")

    return change


@pytest.mark.usefixtures("flag_on")
def test_k37_an_open_offer_keeps_its_window_and_what_comes_after_it(
    ana: Customer, marco: Mechanic, nadia: Mechanic, other_values: Callable[[], None], sweep: Callable[[], object]
) -> None:
    request_id = asked_first(ana, marco)
    before, offer = row(request_id), page(ana, f"/customer/requests/{request_id}/live")
    other_values()
    assert row(request_id) == before
    assert 'max="600"' in offer
    assert 'max="600"' in page(ana, f"/customer/requests/{request_id}/live")
    assert "You have 10 minutes priority access." in page(marco, "/mechanic/board")
    fast_forward(minutes=10)
    sweep()
    assert abs(length(request_id) - timedelta(minutes=15)) < timedelta(seconds=5)
    assert 'max="900"' in page(nadia, "/mechanic/board")
    assert nadia.accepts(request_id).status_code == 200
    fast_forward(minutes=10)
    assert "Ask everyone again" in page(ana, f"/customer/requests/{request_id}/live")
    assert ana.does(request_id, "open").status_code == 200
    assert abs(row(request_id).expires_at - before.created_at) < timedelta(minutes=15, seconds=30)


def test_k37_what_everyone_is_asked_ends_when_it_was_to_end_and_is_prolonged_by_as_much(
    ana: Customer, marco: Mechanic, other_values: Callable[[], None], sweep: Callable[[], object]
) -> None:
    request_id = ana.books()
    before = row(request_id)
    other_values()
    assert row(request_id) == before
    fast_forward(minutes=10)  # the last third
    seen = page(ana, f"/customer/requests/{request_id}/live")
    assert "You can wait 15 minutes longer, once." in seen
    assert 'max="900"' in seen
    assert ana.does(request_id, "prolong").status_code == 200
    assert abs(length(request_id) - timedelta(minutes=30)) < timedelta(seconds=5)
    fast_forward(minutes=20)
    sweep()
    assert row(request_id).status == "expired"


@pytest.mark.planted
def test_k37_a_row_without_times_of_its_own_has_the_environment_s(
    ana: Customer, other_values: Callable[[], None], sweep: Callable[[], object]
) -> None:
    """Written by hand, or open when the columns came."""
    columns = "(customer_id, session_type, plan_code)"
    by_hand = one(f"INSERT INTO session_requests {columns} VALUES (%s, 'chat', 'chat10') RETURNING id", ana.id)
    other_values()
    fast_forward(minutes=14)
    sweep()
    assert row(by_hand).status == "pending"
    fast_forward(minutes=1)
    sweep()
    assert row(by_hand).status == "expired"


@pytest.mark.parametrize("column", ["request_lifetime_minutes", "start_grace_minutes"])
def test_a_session_request_without_time_is_refused_by_the_table(ana: Customer, column: str) -> None:
    request_id = ana.books()
    with pytest.raises(psycopg2.errors.CheckViolation):
        sql(f"UPDATE session_requests SET {column} = 0 WHERE id = %s", request_id)


# Nothing here fails a booking.


@pytest.mark.usefixtures("flag_on")
def test_unreadable_rules_leave_it_to_the_environment_and_the_booking_goes_on(
    olga: Owner, ana: Customer, marco: Mechanic, caplog: pytest.LogCaptureFixture
) -> None:
    saves(olga, priority_window_minutes=33)
    with away("house_rules"):
        assert row(asked_first(ana, marco)).priority_window_minutes == 10
    assert "What the owner decided is unreadable, the environment decides" in caplog.text


def test_an_unreadable_flag_leaves_the_owner_s_rules(
    olga: Owner, ana: Customer, marco: Mechanic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current(), "enable_favorites_priority", True)
    saves(olga, priority_window_minutes=33)
    with away("feature_flags"):
        assert row(asked_first(ana, marco)).priority_window_minutes == 33


@pytest.mark.usefixtures("flag_on")
def test_a_zone_that_is_none_leaves_it_to_the_environment(
    olga: Owner, ana: Customer, marco: Mechanic, caplog: pytest.LogCaptureFixture
) -> None:
    saves(olga, priority_window_minutes=33)
    sql("UPDATE house_rules SET time_zone = 'Mars/Base'")
    assert row(asked_first(ana, marco)).priority_window_minutes == 33
    assert "A value of the house is unreadable" in caplog.text
    assert "Mars/Base" in page(olga, "/admin/settings")


def test_all_of_them_are_one_statement(session: Session) -> None:
    with counted() as statements:
        house.rules(session)
    assert len([told for told in statements if "house_rules" in told]) == 1


# Every change is an event with who and when.


def test_a_change_is_an_event_and_what_stays_is_none(olga: Owner) -> None:
    by = f"admin:{olga.user_id}"
    saves(olga, priority_window_minutes=8, rescue_after_minutes=3)
    saves(olga, priority_window_minutes=8, rescue_after_minutes="")
    expected = [(by, "priority_window_minutes", None, 8), (by, "rescue_after_minutes", None, 3)]
    assert told() == [*expected, (by, "rescue_after_minutes", 3, None)]
    assert {event.kind for event in sql("SELECT kind FROM owner_events")} == {"setting_changed"}
    assert one("SELECT bool_and(at > now() - interval '1 minute') FROM owner_events")


def test_the_flag_is_told_likewise(olga: Owner) -> None:
    by, flag = f"admin:{olga.user_id}", "ENABLE_FAVORITES_PRIORITY"
    sql("DELETE FROM feature_flags")
    for state in ("on", "on", "off", "environment"):
        assert olga.client.post("/admin/flag", data={"state": state}).status_code == 303
    assert told() == [(by, flag, None, True), (by, flag, True, False), (by, flag, False, None)]
    assert {event.kind for event in sql("SELECT kind FROM owner_events")} == {"flag_set"}


def test_a_change_that_is_refused_leaves_no_event(session: Session) -> None:
    with pytest.raises(NotFound):
        house.change(session, {"priority_window_minutes": 8, "house": 1}, SYSTEM)
    assert told() == []
    assert sql("SELECT priority_window_minutes FROM house_rules WHERE priority_window_minutes IS NOT NULL") == []


def test_of_a_page_only_what_was_touched_is_saved(olga: Owner) -> None:
    """Another owner changed the lifetime while the page was open."""
    stale = {"was-request_lifetime_minutes": "15", "request_lifetime_minutes": "15"}
    saves(olga, request_lifetime_minutes=20)
    saves(olga, **stale, **{"was-priority_window_minutes": "10"}, priority_window_minutes=8)
    assert one("SELECT request_lifetime_minutes, priority_window_minutes FROM house_rules") == (20, 8)


def test_two_owners_at_once_lose_no_change_and_each_reads_what_was_before(app: Flask) -> None:
    def change(minutes: int) -> None:
        with Session(engine(app)) as session:
            own = {"rescue_after_minutes": minutes} if minutes == 1 else {}
            house.change(session, {"priority_window_minutes": minutes, **own}, Actor("admin"))

    with ThreadPoolExecutor(6) as at_once:
        list(at_once.map(change, range(1, 7)))
    steps = [event for event in told() if event[1] == "priority_window_minutes"]
    assert [event[2] for event in steps] == [None, *(event[3] for event in steps[:-1])]
    assert len(steps) == 6
    stored = one("SELECT priority_window_minutes, rescue_after_minutes FROM house_rules")
    assert stored == (steps[-1][3], 1)


def test_the_page_tells_who_changed_what_and_all_of_it_page_by_page(olga: Owner, session: Session) -> None:
    assert "Nothing was changed." in page(olga, "/admin/settings")
    for minutes in range(1, 24):
        house.change(session, {"priority_window_minutes": minutes}, SYSTEM)
    saves(olga, quiet_hours="", time_zone="Asia/Tokyo")
    sql("INSERT INTO owner_events (kind, actor, payload) VALUES ('flag_set', 'admin:gone', %s)", '{"key": "OLD"}')
    seen = page(olga, "/admin/settings")
    for words in (f"Changed by {olga.email}", "Changed by the command line", "All changes", "Asia/Tokyo"):
        assert words in seen
    assert seen.count('<td data-label="Who">') == 5
    newest = page(olga, "/admin/settings/changes")
    assert newest.count('data-label="Who"') == 20
    for words in ("a former owner", "22 minutes", "the default"):
        assert words in newest
    (earlier,) = sql("SELECT id FROM owner_events ORDER BY id DESC OFFSET 19 LIMIT 1")
    assert f"before={earlier.id}" in newest
    oldest = page(olga, f"/admin/settings/changes?before={earlier.id}")
    assert (oldest.count('data-label="Who"'), "Earlier changes" in oldest) == (5, False)
    for wrong in ("-1", "x", "9" * 30):
        assert olga.client.get(f"/admin/settings/changes?before={wrong}").status_code == 200


def test_a_mistake_stands_at_its_field_and_nothing_typed_is_lost(olga: Owner) -> None:
    saves(olga, rescue_after_minutes=3)
    typed = {"priority_window_minutes": "500", "request_lifetime_minutes": "20", "back": "rescue_after_minutes"}
    answer = olga.client.post("/admin/settings", data={**typed, "quiet_hours-from": "22:00", "quiet_hours-until": ""})
    assert answer.status_code == 422
    seen = " ".join(answer.text.split())
    for words in (
        "Please give a whole number from 1 to 120.",
        "Please give a time for both ends",
        'value="500"',
        'value="20"',
        'value="22:00"',
        'value="rescue_after_minutes" checked',
        "Nothing was saved yet.",
    ):
        assert words in seen, words
    assert one("SELECT request_lifetime_minutes, rescue_after_minutes FROM house_rules") == (None, 3)


def test_back_to_the_default_wins_over_what_stands_in_the_field(olga: Owner) -> None:
    saves(olga, priority_window_minutes=8, time_zone="Asia/Tokyo", **ALL_DAY)
    seen = page(olga, "/admin/settings")
    assert "Back to the default, 10 minutes" in seen
    assert "Back to the default, UTC" in seen
    saves(olga, priority_window_minutes=9, back=["priority_window_minutes", "time_zone", "quiet_hours", "house"])
    assert one("SELECT priority_window_minutes, time_zone, quiet_hours FROM house_rules") == (None, None, None)
    assert "Back to the default" not in page(olga, "/admin/settings")


def test_the_page_says_what_the_times_come_to(olga: Owner) -> None:
    saves(olga, chat10_window_minutes=8, **ALL_DAY)
    seen = page(olga, "/admin/settings")
    assert "A favorite booked with Quick Chat is asked first for 8 minutes; urgent, for 5 minutes." in seen
    assert "A favorite booked with Full Diagnostic is asked first for 10 minutes; urgent, for 5 minutes." in seen
    assert "until 11:59 PM by the clock of UTC nobody is asked first." in seen
    assert "Priority is switched off" in seen


# From the terminal.


@pytest.fixture
def flask(app: Flask) -> Callable[..., Result]:
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=["setting", *(str(word) for word in words)])


def test_the_terminal_lists_sets_and_resets(flask: Callable[..., Result]) -> None:
    assert flask("set", "priority_window_minutes", 8).stdout == "PRIORITY_WINDOW_MINUTES: 8 minutes\n"
    assert flask("set", "PRIORITY_WINDOW_MINUTES", 8).stdout == "PRIORITY_WINDOW_MINUTES: 8 minutes, as before\n"
    assert flask("set", "QUIET_HOURS", "22:00-06:00").stdout == "QUIET_HOURS: 22:00 to 06:00\n"
    listed = flask("list").stdout
    window = RULES["priority_window_minutes"].sentence
    assert f"PRIORITY_WINDOW_MINUTES: 8 minutes (default: 10 minutes; 1 to 120 minutes). {window}\n" in listed
    assert "CHAT10_WINDOW_MINUTES: the default (default: as for every plan; 1 to 120 minutes)." in listed
    assert len(listed.splitlines()) == len(RULES)
    assert flask("reset", "priority_window_minutes").stdout == "PRIORITY_WINDOW_MINUTES: 10 minutes, the default\n"
    assert [event[0] for event in told()] == ["system"] * 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("set", "WINGS", 2), "There is no setting WINGS; `flask setting list` shows them."),
        (("reset", "house"), "There is no setting house; `flask setting list` shows them."),
        (("set", "START_GRACE_MINUTES", 0), "START_GRACE_MINUTES: Please give a whole number from 1 to 1,440."),
        (
            ("set", "TIME_ZONE", "Mars"),
            "TIME_ZONE: There is no time zone of this name. Please write it like Europe/Berlin.",
        ),
    ],
)
def test_the_terminal_says_what_is_wrong(flask: Callable[..., Result], words: tuple[str, ...], sentence: str) -> None:
    result = flask(*words)
    assert (result.exit_code, f"Error: {sentence}\n" in result.stderr) == (1, True)
    assert told() == []
