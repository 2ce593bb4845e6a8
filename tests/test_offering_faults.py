"""K45: whatever fails while the favorite is asked, the booking stands, and everyone is asked at once."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from favorites.dispatch import events, facts, fulfillment, offering, verb
from favorites.models import Kind
from tests.cast import Customer, Mechanic
from tests.database import one, sql
from tests.requests_table import events as told
from tests.requests_table import first_reason, row

pytestmark = pytest.mark.usefixtures("flag_on")

REFUSED = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no offers today'; END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON request_events FOR EACH ROW
             WHEN (NEW.kind = '{}') EXECUTE FUNCTION refuse()"""
BROADCAST = [("request_broadcast", "customer"), ("new_request", "mechanics")]


def explode(*_: object, **__: object) -> None:
    raise RuntimeError("boom")


def at(owner: Any, name: str, when: Callable[..., bool] = lambda *_, **__: True) -> Callable[[Any], None]:
    """A failpoint in that call, the first time that `when` holds for its arguments."""

    def arm(monkeypatch: pytest.MonkeyPatch) -> None:
        works, left = getattr(owner, name), [True]

        def call(*arguments: Any, **named: Any) -> Any:
            if left and when(*arguments, **named):
                left.clear()
                explode()
            return works(*arguments, **named)

        monkeypatch.setattr(owner, name, call)

    return arm


STEPS = {
    "the first line of the log": at(offering, "say", lambda _s, words, **__: "Notifying" in words),
    "opening the window": at(offering, "offer"),
    "telling at all": at(offering, "_tell_preferred"),
    "the recorder": at(offering, "Recorder"),
    "telling the customer": at(events.Recorder, "customer", lambda _r, kind, **__: kind is Kind.REQUEST_OFFERED),
    "telling the mechanic": at(events.Recorder, "mechanic"),
    "the line of the notification": at(offering, "say", lambda _s, words, **__: "Sent priority" in words),
    "the line of the fallback": at(offering, "say", lambda _s, words, **__: "Scheduling" in words),
    "the last line": at(offering, "say", lambda _s, words, **__: "initiated" in words),
    "writing the events": at(offering, "insert_events"),
}


def booked(ana: Customer, marco: Mechanic) -> Any:
    ana.favors(marco)
    return ana.books_again(marco)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def is_broadcast(request_id: Any, ana: Customer) -> bool:
    """By the row, by its events, by the ledger."""
    stored = row(request_id)
    assert (stored.status, stored.fallback_reason, stored.priority_notified_at) == ("pending", "error", None)
    assert told(request_id) == BROADCAST
    assert one("SELECT count(*) FROM credit_entries WHERE customer_id = %s AND kind = 'spend'", ana.id) == 1
    return True


@pytest.mark.parametrize("step", STEPS)
def test_k45_an_exception_anywhere_in_offering_broadcasts_at_once(
    ana: Customer,
    marco: Mechanic,
    nadia: Mechanic,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    step: str,
) -> None:
    STEPS[step](monkeypatch)
    request_id = booked(ana, marco)
    assert is_broadcast(request_id, ana)
    assert errors(caplog) == ["Offering failed"]
    assert "Sent priority notification" not in caplog.text
    assert nadia.hears("new_request", fallback_reason="error")
    assert nadia.accepts(request_id).status_code == 200


@pytest.mark.parametrize("kind", ["priority_session_request", "request_offered"])
def test_k45_the_offer_s_event_is_refused_by_the_database(
    ana: Customer, marco: Mechanic, nadia: Mechanic, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    sql(REFUSED.format(kind))
    try:
        request_id = booked(ana, marco)
    finally:
        sql("DROP FUNCTION refuse CASCADE")
    assert is_broadcast(request_id, ana)
    assert errors(caplog) == ["Offering failed"]
    assert nadia.hears("new_request", fallback_reason="error")


@pytest.mark.parametrize("call", ["decide", "facts_of", "_preferred", "takes_offers", "was_recently_asked"])
def test_k45_whether_the_favorite_can_be_asked_cannot_be_found_out(
    ana: Customer,
    marco: Mechanic,
    nadia: Mechanic,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    call: str,
) -> None:
    monkeypatch.setattr(facts, "_usual", facts._usual.__wrapped__)  # what is made once is made here
    at(fulfillment if hasattr(fulfillment, call) else facts, call)(monkeypatch)
    request_id = booked(ana, marco)
    assert told(request_id) == BROADCAST
    assert first_reason(request_id) == "error"
    assert row(request_id).preferred_mechanic_id is None
    assert errors(caplog) == ["Whom to ask first is unknown"]
    assert nadia.hears("new_request")


def test_k45_a_workshop_comes_first_all_the_same(
    ana: Customer, marco: Mechanic, rita: Mechanic, nadia: Mechanic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fulfillment, "facts_of", explode)
    ana.client.post("/w/harbor-garage")
    booked(ana, marco)
    assert rita.hears("new_request", routing_type="workshop_only")
    assert nadia.heard_nothing


def test_k45_a_log_that_fails_after_the_commit_fails_no_booking(
    ana: Customer, marco: Mechanic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb.log, "log", explode)
    request_id = booked(ana, marco)
    assert row(request_id).priority_notified_at
    assert told(request_id) == [("request_offered", "customer"), ("priority_session_request", "mechanic")]


def test_k45_where_everyone_cannot_be_asked_either_nothing_is_kept(
    app: Flask, ana: Customer, marco: Mechanic, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana.favors(marco)
    chosen = {"preferred_mechanic_id": str(marco.id), "routing_type": "priority_broadcast"}
    consultation_id = ana.starts_intake(**chosen)
    ana.signs(consultation_id)
    with monkeypatch.context() as broken:
        broken.setattr(offering, "Recorder", explode)
        with pytest.raises(RuntimeError):
            fulfillment.fulfill(session, consultation_id, fulfillment.PaidBy.CREDITS)
    assert not sql("SELECT FROM session_requests")
    assert not sql("SELECT FROM credit_entries WHERE kind = 'spend'")
    ana.pays_by_credits(consultation_id)
