"""Rule 5 on the streams: what the reader may not see, or not any more, is not told, live or on replay."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from favorites.queries import events
from tests.cast import Customer, Mechanic
from tests.database import fast_forward

Missed = Callable[[Mechanic], list[str]]


@pytest.fixture
def begin(session: Session) -> int:
    """Where this story begins in the table, which keeps the others', too."""
    newest = events.newest_id(session)
    session.rollback()
    return newest


@pytest.fixture
def missed(session: Session, begin: int) -> Missed:
    """The events that somebody who was away since the beginning is told."""

    def missed(mechanic: Mechanic) -> list[str]:
        signals = events.mechanic_backlog(session, mechanic.id, begin, 100)
        session.rollback()
        return [signal.event for signal in signals]

    return missed


@pytest.fixture
def in_window(begin: int, ana: Customer, marco: Mechanic, flag_on: None) -> UUID:
    ana.favors(marco)
    return ana.books_again(marco)


def test_rule_5_inside_the_window_only_the_preferred_mechanic_has_missed_it(
    in_window: UUID, marco: Mechanic, nadia: Mechanic, missed: Missed
) -> None:
    assert missed(marco) == ["priority_session_request"]
    fast_forward(minutes=10)  # everyone may answer now, but it is not for everyone to read what Marco was told
    assert missed(nadia) == []


def test_rule_5_what_is_taken_is_not_offered_on_replay(
    ana: Customer, marco: Mechanic, nadia: Mechanic, missed: Missed
) -> None:
    request_id = ana.books()
    assert missed(nadia) == ["new_request"]
    marco.accepts(request_id)
    assert missed(nadia) == ["request_accepted"]


def test_rule_5_whom_it_was_taken_back_from_hears_only_that(
    ana: Customer, marco: Mechanic, nadia: Mechanic, missed: Missed
) -> None:
    request_id = ana.books()
    marco.accepts(request_id)
    marco.does(request_id, "release")
    nadia.accepts(request_id)
    assert missed(marco) == ["request_withdrawn"]
    assert missed(nadia) == ["request_accepted", "request_accepted"]


def test_rule_5_a_workshops_news_are_its_own(ana: Customer, rita: Mechanic, nadia: Mechanic, missed: Missed) -> None:
    ana.client.post("/w/harbor-garage")
    ana.does(ana.books(), "cancel")
    assert (missed(rita), missed(nadia)) == (["request_cancelled"], [])


def test_rule_5_the_customer_is_told_what_is_for_the_customer(
    in_window: UUID, marco: Mechanic, begin: int, session: Session
) -> None:
    marco.declines(in_window)
    told = [signal.event for signal in events.customer_backlog(session, in_window, begin, 100)]
    assert told == ["request_offered", "request_declined", "request_broadcast"]


def test_rule_5_a_feed_that_is_late_offers_nothing_that_is_taken(
    ana: Customer, marco: Mechanic, begin: int, session: Session
) -> None:
    marco.accepts(ana.books())
    heard = [signal.event for signal in events.events_after(session, begin, 100) if signal.topics]
    assert heard == ["request_broadcast", "request_accepted", "request_accepted"]
