"""K33, K36–K38, K40: what happens to people and settings while somebody waits."""

from collections.abc import Callable
from uuid import UUID

import psycopg2
import pytest

from favorites.settings import current
from tests.cast import Customer, Mechanic, Owner
from tests.database import fast_forward, one, sql
from tests.requests_table import row, status

FLAG = "UPDATE feature_flags SET is_enabled = %s WHERE flag_key = 'ENABLE_FAVORITES_PRIORITY'"


@pytest.fixture
def asked(flag_on: None, ana: Customer, marco: Mechanic) -> UUID:
    """Ana has booked Marco again."""
    ana.favors(marco)
    return ana.books_again(marco)


def window(request_id: UUID) -> tuple[object, ...]:
    kept = row(request_id)
    return kept.priority_window_minutes, kept.priority_notified_at, kept.priority_expires_at, kept.fallback_reason


@pytest.mark.parametrize("who", ["the customer", "the mechanic"])
def test_k35_a_removed_favorite_does_not_touch_an_open_window(
    asked: UUID, ana: Customer, marco: Mechanic, nadia: Mechanic, who: str
) -> None:
    before = window(asked)
    if who == "the customer":
        ana.client.post(f"/customer/favorites/{marco.id}/remove")
    else:
        marco.client.post(f"/mechanic/customers/{ana.id}/leave")
    assert not sql("SELECT FROM customer_favorites")
    assert window(asked) == before
    assert nadia.accepts(asked).status_code == 404
    assert marco.accepts(asked).status_code == 200


def test_k36_the_flag_off_and_on_and_off_again_leaves_open_windows_to_their_end(
    asked: UUID, ben: Customer, marco: Mechanic, nadia: Mechanic, sweep: Callable[[], object]
) -> None:
    before = window(asked)
    for is_on in (False, True, False):
        sql(FLAG, is_on)
        sweep()
        assert window(asked) == before
        assert nadia.accepts(asked).status_code == 404
    ben.favors(nadia)
    assert row(ben.books_again(nadia)).priority_notified_at is None
    fast_forward(minutes=11)
    sweep()
    assert row(asked).fallback_reason == "preferred_mechanic_no_response"


@pytest.mark.parametrize("minutes", [1, 60])
def test_k37_another_window_is_for_those_who_book_from_now_on(
    asked: UUID, ben: Customer, nadia: Mechanic, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    before = window(asked)
    monkeypatch.setattr(current(), "priority_window_minutes", minutes)
    ben.favors(nadia)
    assert row(ben.books_again(nadia)).priority_window_minutes == minutes
    assert window(asked) == before


@pytest.mark.parametrize("minutes", [0, -5, None, 121, 2**31 - 1, 2**31])
def test_k37_a_window_that_makes_no_sense_is_refused_by_the_table(asked: UUID, minutes: int | None) -> None:
    before = window(asked)
    refused = psycopg2.errors.CheckViolation, psycopg2.errors.NotNullViolation, psycopg2.errors.NumericValueOutOfRange
    with pytest.raises(refused):
        sql("UPDATE session_requests SET priority_window_minutes = %s WHERE id = %s", minutes, asked)
    assert window(asked) == before


def through_the_workshop(ana: Customer, marco: Mechanic) -> UUID:
    """Booked by the workshop's link, with a favorite to be asked first all the same."""
    ana.favors(marco)
    assert ana.client.post("/w/harbor-garage").status_code == 303
    return ana.books_again(marco)


@pytest.mark.usefixtures("flag_on")
def test_k38_a_workshop_comes_before_a_favorite(ana: Customer, marco: Mechanic, rita: Mechanic) -> None:
    request_id = through_the_workshop(ana, marco)
    assert (row(request_id).routing_type, row(request_id).priority_notified_at) == ("workshop_only", None)
    assert marco.accepts(request_id).status_code == 404
    assert rita.accepts(request_id).status_code == 200


@pytest.mark.usefixtures("flag_on")
def test_k38_who_moves_to_another_workshop_is_looked_at_when_they_accept(
    ana: Customer, marco: Mechanic, rita: Mechanic, nadia: Mechanic, olga: Owner
) -> None:
    request_id = through_the_workshop(ana, marco)
    harbor = one("SELECT workshop_id FROM mechanics WHERE id = %s", rita.id)
    for mechanic, workshop_id in ((rita, ""), (nadia, str(harbor))):
        answer = olga.client.post(f"/admin/mechanics/{mechanic.id}/workshop", data={"workshop_id": workshop_id})
        assert answer.status_code == 303
    assert rita.accepts(request_id).status_code == 404
    assert nadia.accepts(request_id).status_code == 200


@pytest.mark.usefixtures("flag_on")
def test_k38_a_workshop_that_is_deleted_leaves_nobody_waiting(
    ana: Customer, marco: Mechanic, rita: Mechanic, nadia: Mechanic, sweep: Callable[[], object]
) -> None:
    request_id = through_the_workshop(ana, marco)
    sql("DELETE FROM workshops")
    assert ana.client.get(f"/customer/requests/{request_id}").status_code == 200
    fast_forward(minutes=16)
    sweep()
    assert status(request_id) == "expired"
    assert one("SELECT sum(credits) FROM credit_entries WHERE customer_id = %s", ana.id) == 100


@pytest.mark.usefixtures("flag_on")
def test_k38_a_workshop_that_is_deleted_can_be_left_for_everyone(
    ana: Customer, marco: Mechanic, rita: Mechanic, nadia: Mechanic
) -> None:
    request_id = through_the_workshop(ana, marco)
    sql("DELETE FROM workshops")
    assert ana.does(request_id, "open").status_code == 200
    assert nadia.accepts(request_id).status_code == 200


def test_k39_without_any_approved_mechanic_it_expires_and_costs_nothing(
    ana: Customer, zed: Mechanic, sweep: Callable[[], object]
) -> None:
    request_id = ana.books()
    page = ana.listens_to(request_id)
    fast_forward(minutes=16)
    sweep()
    assert status(request_id) == "expired"
    assert page.until("request_expired")
    assert one("SELECT sum(credits) FROM credit_entries WHERE customer_id = %s", ana.id) == 100


@pytest.mark.parametrize("statement", ["DELETE FROM users WHERE id = %s", "DELETE FROM mechanics WHERE user_id = %s"])
def test_k40_an_account_with_an_accepted_job_is_not_deleted_from_under_the_customer(
    ana: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner, statement: str
) -> None:
    request_id = ana.books()
    assert marco.accepts(request_id).status_code == 200
    with pytest.raises(psycopg2.errors.CheckViolation, match="accepted_has_a_mechanic"):
        sql(statement, marco.user_id)
    assert (status(request_id), row(request_id).mechanic_id) == ("accepted", marco.id)
    assert (
        olga.client.post(f"/admin/mechanics/{marco.id}/suspend", data={"reason": "pause"}).status_code == 303
    )  # the way: suspend, then delete
    sql(statement, marco.user_id)
    assert status(request_id) == "pending"
    assert nadia.accepts(request_id).status_code == 200
