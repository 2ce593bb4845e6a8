"""Rows F1–F5, F7 and F8: the flag (F6 stands with the owner's page, F9 with the served story)."""

import pytest

from favorites.settings import Settings, current
from tests.database import one, sql
from tests.requests_table import events, first_reason, row

KEY = "ENABLE_FAVORITES_PRIORITY"


def switch(value: str) -> None:
    sql(f"UPDATE feature_flags SET is_enabled = {value} WHERE flag_key = '{KEY}'")


@pytest.fixture
def environment_says_on(monkeypatch):
    monkeypatch.setattr(current(), "enable_favorites_priority", True)


def was_priority(request_id) -> bool:
    return row(request_id).priority_notified_at is not None


def test_f1_the_variable_exists_and_is_off_by_default(monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    assert Settings(_env_file=None).enable_favorites_priority is False


def test_f1_the_row_leaves_it_to_the_environment():
    assert one(f"SELECT is_enabled FROM feature_flags WHERE flag_key = '{KEY}'") is None


def test_f2_off_a_favorite_is_broadcast_to_all_at_once(ana, marco, nadia, caplog):
    ana.favors(marco)
    request_id = ana.books_again(marco)
    assert nadia.hears("new_request", fallback_reason=None)
    assert marco.hears("new_request")
    assert first_reason(request_id) == "flag_off"
    assert "[fulfillment] Broadcast routing to all mechanics" in caplog.text
    assert "[Priority]" not in caplog.text
    assert ("priority_session_request", "mechanic") not in events(request_id)


def test_f3_off_nothing_is_notified_and_no_fallback_is_due(ana, marco, sweep):
    ana.favors(marco)
    request_id = ana.books_again(marco)
    assert row(request_id).priority_notified_at is None
    assert row(request_id).preferred_mechanic_id is None
    assert sweep().lapsed == 0


def test_f4_one_update_switches_the_next_booking_and_back(ana, ben, chloe, marco):
    for customer, value, expected in ((ana, "true", True), (ben, "false", False), (chloe, "true", True)):
        customer.favors(marco)
        switch(value)
        request_id = customer.books_again(marco)
        assert was_priority(request_id) is expected
        assert customer.does(request_id, "cancel").status_code == 200


def test_f4_an_open_window_is_not_touched_by_a_flip(ana, marco, nadia, flag_on):
    ana.favors(marco)
    request_id = ana.books_again(marco)
    switch("false")
    assert marco.hears("priority_session_request")
    assert nadia.accepts(request_id).status_code == 404
    assert marco.accepts(request_id).status_code == 200


@pytest.mark.usefixtures("environment_says_on")
def test_f5_a_missing_row_leaves_it_to_the_environment(ana, marco):
    ana.favors(marco)
    sql("DELETE FROM feature_flags")
    assert was_priority(ana.books_again(marco))


@pytest.mark.usefixtures("environment_says_on")
def test_f5_an_undecided_row_leaves_it_to_the_environment_and_a_decided_one_does_not(ana, ben, marco):
    ana.favors(marco)
    ben.favors(marco)
    first = ana.books_again(marco)
    assert was_priority(first)
    assert ana.does(first, "cancel").status_code == 200
    switch("false")
    assert not was_priority(ben.books_again(marco))


@pytest.mark.usefixtures("environment_says_on")
def test_f5_an_unreadable_flag_leaves_it_to_the_environment_and_the_booking_goes_on(ana, marco):
    ana.favors(marco)
    sql("ALTER TABLE feature_flags RENAME TO feature_flags_away")
    try:
        request_id = ana.books_again(marco)
    finally:
        sql("ALTER TABLE feature_flags_away RENAME TO feature_flags")
    assert was_priority(request_id)


@pytest.mark.parametrize("path", ["/customer/dashboard", "/customer/favorites", "/mechanics", "/intake?plan=chat10"])
@pytest.mark.parametrize("value", ["true", "false"])
def test_f7_every_page_of_the_customer_is_there_on_and_off(ana, marco, path, value):
    ana.favors(marco)
    switch(value)
    assert ana.client.get(path).status_code == 200


@pytest.mark.parametrize("value", ["true", "false"])
def test_f7_the_board_is_there_on_and_off(marco, value):
    switch(value)
    assert marco.client.get("/mechanic/dashboard").status_code == 200


@pytest.mark.parametrize("preferred", ["{marco}", "not-a-uuid", "00000000-0000-0000-0000-000000000000", "☃"])
def test_f8_off_a_preferred_mechanic_in_the_address_does_no_harm(ana, marco, preferred):
    ana.favors(marco)
    chosen = preferred.format(marco=marco.id)
    assert (
        ana.client.get("/intake", query_string={"plan": "chat10", "preferred_mechanic_id": chosen}).status_code == 200
    )
    request_id = ana.books(preferred_mechanic_id=chosen, routing_type="priority_broadcast")
    assert row(request_id).status == "pending"
    assert not was_priority(request_id)
