"""The customer's pages: the dashboard with its launcher, the dialog, favorites and mechanics."""

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.cast import NOBODY, Customer, Mechanic
from tests.database import one, sql
from tests.pages import DIALOG, choosing, counted, dialog, does_a_job, is_there, page


def test_u1_favorites_are_on_the_dashboard_if_and_only_if_there_are_some(ana: Customer, marco: Mechanic) -> None:
    assert "My Favorite Mechanics" not in page(ana, "/customer/dashboard")
    ana.favors(marco)
    seen = page(ana, "/customer/dashboard")
    assert "My Favorite Mechanics" in seen
    assert seen.count('aria-label="Book Again with Marco"') == 1


def test_a_favorite_shows_what_was_done_together(ana: Customer, ben: Customer, marco: Mechanic) -> None:
    ana.favors(marco)
    does_a_job(ana, marco)
    does_a_job(ana, marco, "video15")
    does_a_job(ben, marco)
    seen = page(ana, "/customer/dashboard")
    assert "<dt>Services done</dt><dd>2</dd>" in seen
    assert "<dd>$39.98</dd>" in seen
    assert "Independent" in seen


def test_the_dashboard_asks_the_same_number_of_questions_for_one_favorite_and_for_three(
    ana: Customer, ben: Customer, marco: Mechanic, nadia: Mechanic, omar: Mechanic
) -> None:
    ana.favors(marco)
    ben.favors(marco, nadia, omar)
    with counted() as for_one:
        page(ana, "/customer/dashboard")
    with counted() as for_three:
        page(ben, "/customer/dashboard")
    assert len(for_three) == len(for_one)


@pytest.mark.usefixtures("flag_on")
def test_u2_u3_u4_the_dialog_says_who_is_there_and_has_three_ways_on(ana: Customer, marco: Mechanic) -> None:
    ana.favors(marco)
    sql("UPDATE mechanics SET shift_started_at = NULL WHERE id = %s", marco.id)
    seen = dialog(ana, marco)
    assert "<h2>Book with Marco</h2>" in seen
    assert "<html" not in seen
    assert "Currently offline" in seen
    is_there(marco)
    seen = dialog(ana, marco)
    assert "Available now" in seen
    for way in ("Priority Notification", "Find Anyone Available", "Cancel"):
        assert f">{way}</" in seen
    assert "Marco is asked first and has 10 minutes. If they can&#39;t, we ask everyone." in seen
    assert "<html" in page(ana, f"/customer/favorites/{marco.id}/book")


def test_u3_a_mechanic_with_another_customer_is_on_a_job(ana: Customer, ben: Customer, marco: Mechanic) -> None:
    ana.favors(marco)
    marco.accepts(ben.books())
    is_there(marco)
    assert "On a job" in dialog(ana, marco)


def test_u5_without_presence_the_dialog_opens_and_booking_goes_on(
    ana: Customer, marco: Mechanic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> dict[Any, Any]:
        raise OperationalError("SELECT", {}, Exception("no such luck"))

    ana.favors(marco)
    is_there(marco)
    monkeypatch.setattr("favorites.queries.customer.presences", broken)
    assert "Currently offline" in dialog(ana, marco)
    assert "My Favorite Mechanics" in page(ana, "/customer/dashboard")
    ana.books_again(marco)


def test_the_note_is_honest_when_nobody_is_asked_first(
    ana: Customer, marco: Mechanic, nadia: Mechanic, zed: Mechanic
) -> None:
    ana.favors(marco, zed)
    assert "Everyone is asked at once; Marco is among them." in dialog(ana, marco)
    sql("UPDATE feature_flags SET is_enabled = true")
    assert "Everyone is asked at once; Nadia is among them." in dialog(ana, nadia)
    assert "Everyone is asked at once. Zed takes no session requests at the moment." in dialog(ana, zed)
    request_id = ana.books_again(marco)
    marco.declines(request_id)
    ana.does(request_id, "cancel")
    assert "Everyone is asked at once; Marco is among them." in dialog(ana, marco)


def test_a_mechanic_nobody_may_know_is_not_named(ana: Customer, zed: Mechanic) -> None:
    assert "Zed" not in dialog(ana, zed)
    assert "The mechanic you chose is not here any more." in page(ana, f"/customer/favorites/{uuid4()}/book")
    assert ana.client.post(f"/customer/favorites/{zed.id}").status_code == 404


@pytest.mark.usefixtures("flag_on")
def test_u7_u8_u14_the_banner_is_there_only_after_priority_was_chosen(ana: Customer, marco: Mechanic) -> None:
    ana.favors(marco)
    seen = page(ana, f"/customer/dashboard?{choosing(marco)}")
    assert "Booking with Marco" in seen
    assert "Marco is asked first and has 10 minutes." in seen
    assert f'<input type="hidden" name="preferred_mechanic_id" value="{marco.id}">' in seen
    anyone = page(ana, "/customer/dashboard")
    assert "Book a Session" in anyone
    assert "Booking with" not in anyone
    assert 'name="preferred_mechanic_id"' not in anyone
    assert 'name="routing_type"' not in anyone


@pytest.mark.parametrize("mechanic_id", ["nonsense", "%00", "x" * 500, NOBODY])
def test_an_unknown_favorite_in_the_address_never_breaks_a_page(ana: Customer, mechanic_id: str) -> None:
    for path in ("/customer/dashboard?plan=chat10", "/intake?plan=chat10"):
        answer = ana.client.get(f"{path}&preferred_mechanic_id={mechanic_id}&routing_type=priority_broadcast")
        assert answer.status_code == (400 if "%00" in mechanic_id else 200)


def test_u9_cancel_stores_nothing(ana: Customer, marco: Mechanic) -> None:
    ana.favors(marco)
    dialog(ana, marco)
    assert one("SELECT count(*) FROM sessions") == 0


def test_u13_favorites_can_be_searched_filtered_and_removed(ana: Customer, marco: Mechanic, nadia: Mechanic) -> None:
    assert "No favorites yet." in page(ana, "/customer/favorites")
    ana.favors(marco, nadia)
    is_there(marco)
    sql("UPDATE mechanics SET shift_started_at = NULL WHERE id = %s", nadia.id)
    assert page(ana, "/customer/favorites").count("Book Now</a>") == 2
    assert "Nadia" not in page(ana, "/customer/favorites?available=1")
    assert "Marco" not in page(ana, "/customer/favorites?q=HADD")
    assert "Nobody matches." in page(ana, "/customer/favorites?q=%25")
    assert ana.client.post(f"/customer/favorites/{marco.id}/remove").status_code == 303
    assert "Marco" not in page(ana, "/customer/favorites?q=rossi")


def test_mechanics_are_found_and_marked_but_only_the_approved(ana: Customer, marco: Mechanic, zed: Mechanic) -> None:
    assert "Zed" not in page(ana, "/mechanics")
    assert ana.client.post(f"/customer/favorites/{marco.id}").status_code == 303
    assert ana.client.post(f"/customer/favorites/{marco.id}").status_code == 303
    assert "Book Now" in page(ana, "/mechanics?q=marco")


def test_with_an_open_request_it_comes_first_and_there_is_no_launcher(ana: Customer) -> None:
    request_id = ana.books()
    seen = page(ana, "/customer/dashboard")
    assert f'href="/customer/requests/{request_id}"' in seen
    assert "Book a Session" not in seen


def test_who_is_not_signed_in_is_sent_to_the_sign_in(app: Flask) -> None:
    client = app.test_client()
    for path in ("/customer/dashboard", "/customer/favorites", "/mechanics", "/intake", f"/consultations/{uuid4()}"):
        assert client.get(path).status_code == 303
        assert client.get(path, headers=DIALOG).status_code == 401


def test_with_an_open_session_request_the_dialog_leads_there_and_nowhere_else(ana: Customer, marco: Mechanic) -> None:
    ana.favors(marco)
    request_id = ana.books()
    seen = dialog(ana, marco)
    assert f'href="/customer/requests/{request_id}">See where it stands</a>' in seen
    for way in ("Priority Notification", "Find Anyone Available", "is asked first"):
        assert way not in seen


@pytest.mark.parametrize(("method", "way_on"), [("get", "Try again</a>"), ("post", "Go back and send it again")])
def test_only_what_was_read_is_tried_again_by_a_link(
    app: Flask, ana: Customer, monkeypatch: pytest.MonkeyPatch, method: str, way_on: str
) -> None:
    def broken(**_: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setitem(app.view_functions, "intake.form" if method == "get" else "intake.sign", broken)
    path = "/intake" if method == "get" else f"/waiver/{uuid4()}"
    answer = getattr(ana.client, method)(path)
    assert answer.status_code == 503
    ways = ("Try again</a>", "Go back and send it again")
    assert [way for way in ways if way in answer.text] == [way_on]
    assert "in 1 second." in answer.text
