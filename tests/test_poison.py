"""K12: a row on which the sweep fails holds up no other; after three tries it goes a plain way, or is named."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from flask import Flask

from favorites.dispatch import due, fallback, money, plainly, poison
from favorites.dispatch.fallback import Swept
from favorites.models.money import RefundReason
from tests.cast import Customer, Mechanic
from tests.database import fast_forward, one, sql
from tests.requests_table import count, events, row, status

pytestmark = [pytest.mark.usefixtures("flag_on"), pytest.mark.planted]

Sweep = Callable[[], Swept]
TOUCHED = """CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'poison'; END $$;
             CREATE TRIGGER poison BEFORE {what} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION poison()"""
BALANCE = "SELECT sum(credits) FROM credit_entries WHERE customer_id = %s"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    poison._uncounted.clear()


@pytest.fixture
def asked(
    ana: Customer, ben: Customer, chloe: Customer, marco: Mechanic, nadia: Mechanic, omar: Mechanic
) -> list[UUID]:
    """Three windows that have lapsed; the first is the poison."""
    requests = []
    for customer, favorite in ((ana, marco), (ben, nadia), (chloe, omar)):
        customer.favors(favorite)
        requests.append(customer.books_again(favorite))
        favorite.hears("priority_session_request")
    fast_forward(minutes=10)
    return requests


@contextmanager
def poisoned(what: str, when: str) -> Iterator[None]:
    """The database refuses to write that."""
    sql(TOUCHED.format(what=what, when=when))
    try:
        yield
    finally:
        sql("DROP FUNCTION poison CASCADE")


ALARM = ("request_unattended", "record")  # nobody is on shift


def failing(name: str, request_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """That step of the sweep raises for one row."""
    step = getattr(fallback, name)

    def fail(*arguments: Any, **named: Any) -> Any:
        if any(getattr(argument, "id", None) == request_id for argument in arguments):
            raise ValueError(f"of {request_id}")
        return step(*arguments, **named)

    monkeypatch.setattr(fallback, name, fail)


def errors(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record)["fields"] for record in caplog.records if record.levelno == logging.ERROR]


@pytest.mark.parametrize("step", ["_announce", "broadcast"])
def test_k12_a_window_on_which_the_sweep_fails_holds_up_no_other_and_is_broadcast_after_three_tries(
    asked: list[UUID],
    nadia: Mechanic,
    sweep: Sweep,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    step: str,
) -> None:
    failing(step if step == "_announce" else "Recorder", asked[0], monkeypatch)
    swept = [sweep().lapsed for _ in range(4)]
    assert swept == [2, 0, 1, 0]
    assert row(asked[0]).attempts == 3
    assert row(asked[0]).fallback_reason == "preferred_mechanic_no_response"
    assert [count(request_id, "new_request", "mechanics") for request_id in asked] == [1, 1, 1]
    told = [[event for event in events(request_id) if event != ALARM] for request_id in asked[:2]]
    assert told[0] == told[1]
    assert events(asked[0]).count(ALARM) == events(asked[1]).count(ALARM) == 1  # it holds up no alarm either
    assert nadia.hears("new_request", fallback_reason="priority_timeout", routing_type="priority_broadcast")
    assert errors(caplog) == [{"session_request": asked[0], "error": "ValueError"}]
    assert nadia.accepts(asked[0]).status_code == 200


def test_k12_a_time_that_python_does_not_know_stops_nobody(asked: list[UUID], sweep: Sweep) -> None:
    for request_id, start in zip(asked, ("-infinity", "4000-01-01 BC", "infinity"), strict=True):
        sql("UPDATE session_requests SET priority_notified_at = %s WHERE id = %s", start, request_id)
    assert sum(sweep().lapsed for _ in range(3)) == 2
    assert [row.fallback_reason is None for row in sql("SELECT fallback_reason FROM session_requests")].count(True) == 1
    sql("DELETE FROM session_requests")


def test_k12_a_row_that_cannot_be_written_at_all_is_named_and_the_others_go_on(
    app: Flask, asked: list[UUID], sweep: Sweep, caplog: pytest.LogCaptureFixture
) -> None:
    with poisoned("UPDATE ON session_requests", f"OLD.id = '{asked[0]}'"):
        swept = [sweep() for _ in range(3)]
        assert [each.lapsed for each in swept] == [2, 0, 0]
        assert one("SELECT %s > clock_timestamp()", swept[2].next_due)  # the others' expiry
        assert len(errors(caplog)) == 1
        fast_forward_others(asked)
        told = app.test_cli_runner().invoke(args=["doctor", "invariants"])
        assert told.exit_code == 1
        assert str(asked[0]) in told.output
        assert app.test_client().get("/readyz").get_json()["wrong"].count("session requests") == 1
    assert sweep().lapsed == 1
    assert poison._uncounted == set()


def fast_forward_others(asked: list[UUID]) -> None:
    """Three minutes, which the poison does not survive being written."""
    sql("ALTER TABLE session_requests DISABLE TRIGGER poison")
    fast_forward(minutes=3)
    sql("ALTER TABLE session_requests ENABLE TRIGGER poison")


def test_k12_an_event_that_is_refused_leaves_its_row_as_it_was(
    asked: list[UUID], nadia: Mechanic, sweep: Sweep, caplog: pytest.LogCaptureFixture
) -> None:
    with poisoned("INSERT ON request_events", f"NEW.session_request_id = '{asked[0]}'"):
        assert [sweep().lapsed for _ in range(4)] == [2, 0, 0, 0]
        assert row(asked[0]).fallback_broadcast_at is None
        assert row(asked[0]).attempts == 3
        assert len(errors(caplog)) == 1
    assert sweep().lapsed == 1
    assert count(asked[0], "new_request", "mechanics") == 1


def test_k12_an_expiry_on_which_the_sweep_fails(
    ana: Customer, ben: Customer, rita: Mechanic, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana.client.post("/w/harbor-garage")
    requests = [ana.books(), ben.books()]
    fast_forward(minutes=15)
    failing("Recorder", requests[0], monkeypatch)
    assert [sweep().expired for _ in range(4)] == [1, 0, 1, 0]
    assert [status(request_id) for request_id in requests] == ["expired", "expired"]
    assert events(requests[0])[-2:] == [("request_expired", "customer"), ("request_expired", "workshop")]
    assert rita.hears("request_expired", request_id=str(requests[0]))
    assert one(BALANCE, ana.id) == 100


def test_k12_without_its_money_back_nothing_expires(
    ana: Customer, ben: Customer, nadia: Mechanic, sweep: Sweep
) -> None:
    requests = [ana.books(), ben.books()]
    fast_forward(minutes=15)
    with poisoned("INSERT ON credit_entries", f"NEW.customer_id = '{ana.id}'"):
        assert [sweep().expired for _ in range(4)] == [1, 0, 0, 0]
        assert nadia.accepts(requests[0]).status_code == 200
    assert one(BALANCE, ben.id) == 100


def test_k12_a_row_that_somebody_holds_is_no_poison_and_holds_up_no_other(
    ana: Customer, ben: Customer, sweep: Sweep, connect: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [ana.books(), ben.books()]
    fast_forward(minutes=15)
    holder = connect()
    holder.cursor().execute(
        "SELECT FROM sessions s JOIN session_requests r ON r.session_id = s.id WHERE r.id = %s FOR UPDATE OF s",
        [str(requests[0])],
    )
    give_back = money.give_back

    def impatiently(session: Any, ids: Any, reason: RefundReason) -> None:
        if len(ids) > 1:  # the batch would wait for five seconds
            raise psycopg2.errors.LockNotAvailable
        give_back(session, ids, reason)

    monkeypatch.setattr(money, "give_back", impatiently)
    assert sweep().expired == 1
    assert row(requests[0]).attempts == 0
    holder.rollback()
    assert sweep().expired == 1


def test_the_plain_way_does_nothing_where_nothing_is_due(asked: list[UUID], session: Any, marco: Mechanic) -> None:
    marco.accepts(asked[0])
    assert plainly.lapse(session, due.windows(asked[0], is_aside=True)) == []
    assert plainly.expire(session, due.expiries(asked[1], is_aside=True)) == []
