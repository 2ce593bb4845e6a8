"""EVENT_RETENTION_DAYS: the events of session requests closed long ago go, whole stories of them, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from psycopg2.extensions import connection
from sqlalchemy.orm import Session

from favorites.dispatch import retention
from favorites.live.resume import RESET, resume
from favorites.live.ring import Ring
from favorites.queries import events as queries
from favorites.queries import invariants
from favorites.scheduler import Ticker
from favorites.settings import current
from tests.cast import Customer, Mechanic
from tests.database import broken, fast_forward, one, sql
from tests.pages import page
from tests.requests_table import events
from tests.server import until

DAY = 24 * 60  # minutes


@pytest.fixture(autouse=True)
def kept_for_two_days(quiet: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Earlier tests' events stay in the table for good; here they would be old. The invariants hold at the end."""
    monkeypatch.setattr(current(), "event_retention_days", 2)
    quiet()
    sql("DELETE FROM request_events")
    yield
    assert broken() == []
    sql("DELETE FROM session_requests; DELETE FROM request_events")


def _ages(days: float) -> None:
    fast_forward(minutes=days * DAY)
    sql("UPDATE request_events SET at = at - make_interval(mins => %s)", round(days * DAY))


@pytest.fixture
def cancelled(ana: Customer) -> UUID:
    """Ana's, closed three days ago."""
    request_id = ana.books()
    assert ana.does(request_id, "cancel").status_code == 200
    _ages(3)
    return request_id


def test_only_what_was_closed_longer_ago_goes(cancelled: UUID, ben: Customer, session: Session) -> None:
    still_open = ben.books()
    kept = events(still_open)
    assert retention.remove_old_events(session, 4) == 0
    assert retention.remove_old_events(session, 2) == 4
    assert events(cancelled) == []
    assert events(still_open) == kept != []


def test_an_open_one_keeps_its_events_however_old(ana: Customer, session: Session) -> None:
    request_id = ana.books()
    sql("UPDATE request_events SET at = at - interval '9 days'")
    kept = events(request_id)
    assert retention.remove_old_events(session, 2) == 0
    assert events(request_id) == kept


def test_stories_go_whole_batch_by_batch_past_those_that_stay(
    cancelled: UUID, ben: Customer, chloe: Customer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    waiting, ended = ben.books(), chloe.books()
    chloe.does(ended, "cancel")
    sql("UPDATE session_requests SET closed_at = closed_at - interval '3 days' WHERE id = %s", ended)
    sql("UPDATE request_events SET at = at - interval '3 days'")
    first = retention.remove_batch(session, 2, 0)
    assert (first.removed, events(cancelled)) == (4, [])  # its other events, too
    assert retention.remove_old_events(session, 2) == 4
    assert (events(ended), len(events(waiting))) == ([], 2)


def test_it_stops_when_it_is_told_to_and_goes_on_the_next_time(cancelled: UUID, session: Session) -> None:
    assert retention.remove_old_events(session, 2, lambda: False) == 0
    assert retention.remove_old_events(session, 2) == 4


def test_a_deleted_customer_s_events_go_when_they_are_as_old(cancelled: UUID, ana: Customer, session: Session) -> None:
    sql("DELETE FROM customers WHERE id = %s", ana.id)
    assert retention.remove_old_events(session, 4) == 0
    assert retention.remove_old_events(session, 2) == 4


@contextmanager
def _a_batch_not_yet_committed(session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as held:
        held.setattr(session, "commit", lambda: None)
        assert retention.remove_batch(session, 2, 0).removed == 4
    yield
    session.commit()


def test_no_writer_waits_for_it(
    cancelled: UUID, ben: Customer, marco: Mechanic, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _a_batch_not_yet_committed(session, monkeypatch):
        request_id = ben.books()  # over connections of the server's; each waits for a lock for five seconds at most
        assert marco.accepts(request_id).status_code == 200
        assert events(cancelled) != []
    assert events(cancelled) == []


def test_the_page_of_an_old_one_can_be_read_and_nothing_is_broken(
    cancelled: UUID, ana: Customer, ben: Customer, session: Session
) -> None:
    ended = ben.books()
    ben.does(ended, "cancel")
    retention.remove_old_events(session, 2)
    assert "The steps are not kept." in page(ana, f"/customer/requests/{cancelled}")
    assert invariants.broken(session) == []
    sql("DELETE FROM request_events WHERE session_request_id = %s AND kind = 'request_cancelled'", ended)
    assert [found.rows for found in invariants.broken(session)] == [[str(ended)]]
    sql("DELETE FROM session_requests")


def test_a_stream_that_was_away_for_a_day_reads_its_state_anew(
    cancelled: UUID, ana: Customer, ben: Customer, session: Session
) -> None:
    before = one("SELECT min(id) FROM request_events") - 1
    ben.books()
    newest = queries.newest_id(session)
    ring = Ring()
    ring.begin(newest)
    nothing: Callable[[int, int], list[Any]] = lambda after, limit: []  # noqa: E731
    assert resume(session, ring, str(before), nothing) == RESET  # the next ones may be gone, and are not yet
    retention.remove_old_events(session, 2)
    assert resume(session, ring, str(before), nothing) == RESET
    assert resume(session, ring, str(newest - 2), nothing).is_reset is False  # the next one is there, and young
    assert queries.whole_above(session, before) == before
    _ages(2)
    assert queries.whole_above(session, before) == newest


def test_the_leader_does_it_beside_its_polls(
    cancelled: UUID, monkeypatch: pytest.MonkeyPatch, connect: Callable[[], connection]
) -> None:
    monkeypatch.setattr("favorites.scheduler.LOCK", "tests of retention")
    ticker = Ticker(0.2, retention_days=2)
    ticker.start()
    try:
        until(lambda: events(cancelled) == [], "the events are gone", 10)
    finally:
        ticker.stop()


def test_without_the_setting_nothing_goes() -> None:
    assert len(Ticker(60)._scheduler.get_jobs()) == 1
    assert len(Ticker(60, retention_days=1)._scheduler.get_jobs()) == 2
