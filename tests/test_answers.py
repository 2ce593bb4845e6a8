"""Rules 1, 6–10, 12 and 14–16 at their borders: clocks, waits, repeats, and what must stay as it is."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from sqlalchemy.orm import Session

from favorites.dispatch import answers
from favorites.dispatch.errors import NotAllowed
from favorites.settings import current
from tests.cast import INTAKE, Customer, Mechanic, Owner
from tests.database import fast_forward, one, sql
from tests.requests_table import count, events, row, status
from tests.server import until

LIFETIME = timedelta(minutes=14, seconds=50)  # what is left of fifteen minutes a moment later


@pytest.fixture
def in_window(ana: Customer, marco: Mechanic, flag_on: None) -> UUID:
    ana.favors(marco)
    return ana.books_again(marco)


@contextmanager
def held(statement: str, key: UUID) -> Iterator[Any]:
    """Another transaction that has run the statement and not ended; it commits at the end of the block."""
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.cursor().execute(statement, [str(key)])
    try:
        yield
        connection.commit()
    finally:
        connection.close()


def waits(call: "Future[None]") -> None:
    """Until somebody waits for a lock, or the call is over."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    until(lambda: call.done() or one(waiting), "it waits", 5)


def left(request_id: UUID) -> timedelta:
    """What is left of its lifetime."""
    time_left: timedelta = one("SELECT expires_at - clock_timestamp() FROM session_requests WHERE id = %s", request_id)
    return time_left


def test_rule_1_opening_a_workshops_request_gives_it_a_fresh_lifetime(ana: Customer, rita: Mechanic) -> None:
    ana.client.post("/w/harbor-garage")
    request_id = ana.books()
    fast_forward(minutes=14)
    assert ana.does(request_id, "open").status_code == 200
    assert left(request_id) > LIFETIME


def test_rule_6_the_clock_ends_the_window_for_the_preferred_mechanic_too(in_window: UUID, marco: Mechanic) -> None:
    fast_forward(minutes=10)
    assert marco.declines(in_window).get_json()["code"] == "NOT_OFFERED"
    assert row(in_window).declined_at is None
    assert marco.accepts(in_window).status_code == 200


def test_rule_7_asking_everyone_twice_has_one_effect(in_window: UUID, ana: Customer) -> None:
    assert [ana.does(in_window, "open").status_code for _ in range(2)] == [200, 200]
    assert count(in_window, "new_request", "mechanics") == 1


def test_rule_8_what_was_cancelled_inside_its_window_cannot_be_declined(
    in_window: UUID, ana: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    ana.does(in_window, "cancel")
    assert marco.declines(in_window).get_json()["code"] == "CANCELLED"
    assert row(in_window).fallback_reason is None
    assert nadia.heard_nothing


def test_rule_9_who_declined_and_is_deleted_hides_it_from_nobody(
    in_window: UUID, marco: Mechanic, nadia: Mechanic
) -> None:
    marco.declines(in_window)
    sql("DELETE FROM mechanics WHERE id = %s", marco.id)
    assert nadia.accepts(in_window).status_code == 200


def test_rule_9_a_suspension_that_came_first_is_waited_for(ana: Customer, marco: Mechanic, session: Session) -> None:
    request_id = ana.books()
    with ThreadPoolExecutor(1) as pool:
        with held("UPDATE mechanics SET status = 'suspended' WHERE id = %s", marco.id):
            accept = pool.submit(answers.accept, session, request_id, marco.id)
            waits(accept)
        with pytest.raises(NotAllowed):
            accept.result()
    assert status(request_id) == "pending"


def test_x4_a_job_that_is_over_leaves_the_mechanic_free(ana: Customer, ben: Customer, marco: Mechanic) -> None:
    done = ana.books()
    for verb in ("accept", "start", "complete"):
        assert marco.does(done, verb).status_code == 200
    assert marco.accepts(ben.books()).status_code == 200


def test_rule_10_a_window_longer_than_the_lifetime_is_not_eaten(
    ana: Customer, marco: Mechanic, flag_on: None, sweep: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current(), "priority_window_minutes", 30)
    ana.favors(marco)
    request_id = ana.books_again(marco)
    fast_forward(minutes=20)
    assert (sweep().expired, status(request_id)) == (0, "pending")


def test_rule_10_what_was_accepted_never_expires(ana: Customer, nadia: Mechanic, sweep: Any) -> None:
    request_id = ana.books()
    nadia.accepts(request_id)
    fast_forward(minutes=20)
    assert (sweep().expired, status(request_id)) == (0, "accepted")


def test_rule_12_a_released_one_has_a_fresh_lifetime(ana: Customer, nadia: Mechanic) -> None:
    request_id = ana.books()
    nadia.accepts(request_id)
    fast_forward(minutes=14)
    nadia.does(request_id, "release")
    assert left(request_id) > LIFETIME


def test_rule_12_suspending_the_mechanic_on_the_way_asks_everyone_else(
    ana: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner
) -> None:
    request_id = ana.books()
    marco.accepts(request_id)
    olga.client.post(f"/admin/mechanics/{marco.id}/suspend", data={"reason": "pause"})
    assert row(request_id).released_from == [marco.id]
    assert nadia.hears("new_request", fallback_reason="released")


def test_rule_14_an_intake_sent_twice_at_once_is_one_consultation(ana: Customer) -> None:
    form = {**INTAKE, "plan": "chat10", "form_key": "of-one-page"}
    clients = [ana.new_client() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda client: client.post("/api/intake/start", json=form), clients))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.get_json()["session_id"] for answer in answers}) == 1


def test_rule_14_a_favorite_marked_twice_is_one(ana: Customer, marco: Mechanic) -> None:
    assert [ana.client.post(f"/customer/favorites/{marco.id}").status_code for _ in range(2)] == [303, 303]
    assert one("SELECT count(*) FROM customer_favorites") == 1


def test_rule_15_an_accept_that_waited_is_stamped_as_it_happened(
    ana: Customer, marco: Mechanic, session: Session
) -> None:
    request_id = ana.books()
    with ThreadPoolExecutor(1) as pool:
        with held("UPDATE session_requests SET attempts = 1 WHERE id = %s", request_id):
            accept = pool.submit(answers.accept, session, request_id, marco.id)
            waits(accept)
            waited_until: datetime = one("SELECT clock_timestamp()")
        accept.result()
    assert row(request_id).accepted_at > waited_until


def test_rule_16_the_customer_is_told_of_each_step(in_window: UUID, marco: Mechanic, sweep: Any) -> None:
    fast_forward(minutes=10)
    sweep()
    for verb in ("accept", "start", "complete"):
        assert marco.does(in_window, verb).status_code == 200
    assert [kind.removeprefix("request_") for kind, audience in events(in_window) if audience == "customer"] == [
        *("offered", "broadcast", "accepted", "started", "completed")
    ]


def test_rule_14_a_release_whose_answer_was_lost_can_be_repeated(ana, marco, nadia):
    request_id = ana.books()
    marco.accepts(request_id)
    assert [marco.does(request_id, "release").status_code for _ in range(2)] == [200, 200]
    assert row(request_id).released_from == [marco.id]
    assert nadia.does(request_id, "release").status_code == 404
