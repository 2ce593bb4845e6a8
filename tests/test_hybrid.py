"""Rule 1, hybrid: a workshop's own mechanics are asked first, then everyone, by the clock."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from favorites.dispatch import due, fallback, plainly
from favorites.dispatch.fallback import Swept
from favorites.queries import events as queries
from favorites.queries import invariants
from tests.cast import NOBODY, Customer, Mechanic
from tests.conftest import engine
from tests.database import fast_forward, one, sql
from tests.requests_table import count, row, status

Sweep = Callable[[], Swept]
OVER = {"routing_type": "hybrid", "fallback_reason": "head_start_over"}


@pytest.fixture
def asked(ana: Customer, rita: Mechanic, nadia: Mechanic) -> UUID:
    """Through the link of Harbor Garage, whose mechanic Rita is; Nadia could help, too."""
    sql("UPDATE workshops SET routing = 'hybrid'")
    assert ana.client.post("/w/harbor-garage").status_code == 303
    request_id = ana.books()
    assert rita.hears("new_request", routing_type="hybrid", fallback_reason=None)
    return request_id


def sees(mechanic: Mechanic, request_id: UUID) -> bool:
    """In the list of open requests, which is also where the counts are taken from."""
    return str(request_id) in mechanic.client.get("/mechanic/board").text


def page(ana: Customer, request_id: UUID) -> str:
    return " ".join(ana.client.get(f"/customer/requests/{request_id}").text.split())


def test_rule_5_inside_the_head_start_nobody_else_finds_it_anywhere(asked: UUID, rita: Mechanic, nadia: Mechanic):
    assert sees(rita, asked)
    assert not sees(nadia, asked)
    for verb in ("accept", "decline", "extend", "release"):
        theirs, nobodys = nadia.does(asked, verb), nadia.does(UUID(NOBODY), verb)
        assert (theirs.status_code, theirs.text) == (nobodys.status_code, nobodys.text)
    shown, missing = (nadia.client.get(f"/mechanic/requests/{id_}") for id_ in (asked, NOBODY))
    assert shown.status_code == missing.status_code == 404
    assert nadia.heard_nothing
    assert rita.accepts(asked).status_code == 200


def test_rule_6_the_clock_ends_the_head_start_even_if_nobody_polls(asked: UUID, rita: Mechanic, nadia: Mechanic):
    fast_forward(minutes=4.9)
    assert not sees(nadia, asked)
    fast_forward(minutes=0.1)
    assert sees(nadia, asked)
    assert sees(rita, asked)
    assert nadia.accepts(asked).status_code == 200
    assert row(asked).workshop_over_at is None  # nobody has announced anything


def test_the_poll_announces_it_once_however_many_run_and_only_to_the_others(
    app: Flask, asked: UUID, ana: Customer, rita: Mechanic, nadia: Mechanic, pool: ThreadPoolExecutor
):
    waiting = ana.listens_to(asked)
    fast_forward(minutes=5)
    list(pool.map(lambda _: _sweep(app), range(6)))
    assert nadia.hears("new_request", **OVER)
    assert nadia.heard_nothing
    assert rita.heard_nothing
    assert waiting.until("request_broadcast", reason="head_start_over")
    assert (count(asked, "new_request", "workshop"), count(asked, "new_request", "mechanics")) == (1, 1)
    assert status(asked) == "pending"


def _sweep(app: Flask) -> None:
    with Session(engine(app)) as session:
        fallback.sweep(session)


def test_the_poll_comes_when_the_head_start_ends(asked: UUID, sweep: Sweep):
    assert sweep().next_due == row(asked).workshop_until
    fast_forward(minutes=5)
    assert sweep().next_due == row(asked).expires_at


def test_the_head_start_does_not_eat_the_time_that_everyone_has(asked: UUID, ana: Customer, sweep: Sweep):
    stored = row(asked)
    assert round((stored.workshop_until - stored.created_at).total_seconds()) == 5 * 60
    assert stored.expires_at - stored.workshop_until >= timedelta(minutes=15) - timedelta(seconds=1)
    fast_forward(minutes=19)
    assert sweep().expired == 0
    fast_forward(minutes=1)
    assert sweep().expired == 1


def test_its_length_is_frozen_when_it_is_asked(asked: UUID, nadia: Mechanic, monkeypatch: pytest.MonkeyPatch):
    from favorites.settings import current

    monkeypatch.setattr(current(), "workshop_head_start_minutes", 1)
    sql("UPDATE workshops SET routing = 'workshop_only'")
    fast_forward(minutes=4)
    assert not sees(nadia, asked)
    fast_forward(minutes=1)
    assert sees(nadia, asked)


def test_what_was_taken_in_its_head_start_answers_others_like_a_missing_one(
    asked: UUID, rita: Mechanic, nadia: Mechanic, sweep: Sweep
):
    assert rita.accepts(asked).status_code == 200
    fast_forward(minutes=6)
    sweep()
    assert nadia.accepts(asked).status_code == 404
    assert nadia.client.get(f"/mechanic/requests/{asked}").status_code == 404
    assert nadia.heard_nothing


def test_what_was_taken_after_it_is_taken_for_everyone(asked: UUID, rita: Mechanic, nadia: Mechanic):
    fast_forward(minutes=5)
    assert rita.accepts(asked).status_code == 200
    assert nadia.accepts(asked).get_json()["code"] == "TAKEN"


def test_what_is_cancelled_in_its_head_start_is_told_to_the_workshop_alone(
    asked: UUID, ana: Customer, rita: Mechanic, nadia: Mechanic
):
    assert ana.does(asked, "cancel").status_code == 200
    assert rita.hears("request_cancelled")
    assert nadia.heard_nothing


def test_the_customer_opens_it_to_everyone_and_has_no_less_time(
    asked: UUID, ana: Customer, nadia: Mechanic, sweep: Sweep
):
    before = row(asked).expires_at
    assert ana.does(asked, "open").status_code == 200
    assert nadia.hears("new_request", routing_type="broadcast", fallback_reason="customer_opened")
    opened = row(asked)
    assert (opened.routing_type, opened.fallback_reason) == ("broadcast", None)
    assert opened.expires_at >= before
    fast_forward(minutes=6)
    sweep()
    assert nadia.heard_nothing  # it is not announced once more
    assert nadia.accepts(asked).status_code == 200


def test_who_waits_longer_and_then_asks_everyone_keeps_that_time(asked: UUID, ana: Customer):
    assert ana.does(asked, "prolong").status_code == 200
    before = row(asked).expires_at
    assert ana.does(asked, "open").status_code == 200
    assert row(asked).expires_at == before


@pytest.mark.parametrize("minutes", [1, 6])
def test_what_the_workshop_gives_back_is_asked_of_everyone_once(
    asked: UUID, rita: Mechanic, nadia: Mechanic, sweep: Sweep, minutes: int
):
    rita.accepts(asked)
    fast_forward(minutes=minutes)
    assert rita.does(asked, "release").status_code == 200
    assert nadia.hears("new_request", fallback_reason="released")
    fast_forward(minutes=5)
    sweep()
    assert nadia.heard_nothing
    assert nadia.accepts(asked).status_code == 200


def test_at_its_very_end_one_of_two_who_accept_at_once_has_it(
    asked: UUID, rita: Mechanic, nadia: Mechanic, pool: ThreadPoolExecutor, app: Flask
):
    sql("UPDATE session_requests SET workshop_until = clock_timestamp() + interval '20 ms'")
    jobs = [lambda: rita.accepts(asked).status_code, lambda: _until_known(nadia, asked), lambda: _sweep(app)]
    first, second, _ = (job.result() for job in [pool.submit(job) for job in jobs])
    assert sorted([first, second]) in ([200, 404], [200, 409])
    assert one("SELECT count(*) FROM session_requests WHERE status = 'accepted'") == 1
    winner = rita if first == 200 else nadia
    assert row(asked).mechanic_id == winner.id


def _until_known(mechanic: Mechanic, request_id: UUID) -> int:
    for _ in range(30):
        answer = mechanic.accepts(request_id).status_code
        if answer != 404:
            break
    return int(answer)


def test_on_replay_each_is_told_what_they_were_told(
    session: Session, asked: UUID, rita: Mechanic, nadia: Mechanic, sweep: Sweep
):
    begin = one("SELECT min(id) - 1 FROM request_events WHERE session_request_id = %s", asked)
    assert _missed(session, nadia, begin) == []
    fast_forward(minutes=5)
    sweep()
    assert _missed(session, nadia, begin) == ["new_request"]
    assert _missed(session, rita, begin) == ["new_request"]


def _missed(session: Session, mechanic: Mechanic, after: int) -> list[str]:
    signals = queries.mechanic_backlog(session, mechanic.id, after, 100)
    session.rollback()
    return [signal.event for signal in signals]


def test_the_customer_reads_who_is_asked_first_until_when_and_what_follows(asked: UUID, ana: Customer, sweep: Sweep):
    first = page(ana, asked)
    assert "Harbor Garage is asked first" in first
    assert "The mechanics of Harbor Garage are asked first, then everyone at <time" in first
    assert "Ask everyone now" in first
    assert "The mechanics of Harbor Garage were asked first" in first
    fast_forward(minutes=5)
    assert "Everyone is asked" in page(ana, asked)
    sweep()
    assert "Nobody of Harbor Garage took it at once, so everyone was asked" in page(ana, asked)


def test_a_mechanic_reads_for_whom_it_is(asked: UUID, rita: Mechanic, nadia: Mechanic):
    assert "For your workshop first" in rita.client.get("/mechanic/board").text
    fast_forward(minutes=5)
    assert "Asked a workshop first" in nadia.client.get("/mechanic/board").text


def test_before_booking_it_is_said_who_is_asked(ana: Customer, rita: Mechanic):
    sql("UPDATE workshops SET routing = 'hybrid'")
    told = "its own mechanics are asked first, and 5 minutes later everyone"
    assert told in ana.client.get("/w/harbor-garage").text
    ana.client.post("/w/harbor-garage")
    assert told in ana.client.get("/customer/dashboard").text


def test_one_on_which_the_sweep_fails_is_announced_the_plain_way(
    session: Session, asked: UUID, nadia: Mechanic, sweep: Sweep
):
    fast_forward(minutes=5)
    assert plainly.open_up(session, due.head_starts(asked, is_aside=True)) == [asked]
    assert nadia.hears("new_request", **OVER)
    sweep()
    assert nadia.heard_nothing


def test_one_that_holds_up_the_sweep_holds_up_nobody(
    asked: UUID, nadia: Mechanic, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
):
    def fails(*_: Any) -> None:
        raise ValueError

    monkeypatch.setattr(fallback, "announce_head_start_over", fails)
    fast_forward(minutes=5)
    for _ in range(4):
        sweep()
    assert nadia.hears("new_request", **OVER)
    assert row(asked).attempts == 3
    sql("UPDATE session_requests SET attempts = 0")


def test_an_end_that_nobody_announces_is_found(session: Session, asked: UUID):
    assert invariants.broken(session, cheap=True) == []
    fast_forward(minutes=30)
    assert [found.invariant.name for found in invariants.broken(session, cheap=True)] == ["V1 nobody is stuck"]
