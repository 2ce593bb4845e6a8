"""The stream as an independent client library reads it, PyPI's httpx-sse: our own readers could share our mistakes."""

import json
from collections.abc import Iterator

import httpx
import pytest
from httpx_sse import EventSource, ServerSentEvent, connect_sse

from favorites.live import live_of
from tests.cast import Customer, Mechanic

SPARE = 10.0  # seconds


@pytest.fixture
def client(port: int, marco: Mechanic) -> Iterator[httpx.Client]:
    """Marco's program."""
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Cookie": marco.cookie}, timeout=SPARE, trust_env=False
    ) as client:
        yield client


def board(client: httpx.Client, **headers: str) -> EventSource:
    """Marco's board."""
    return connect_sse(client, "GET", "/mechanic/events", headers=headers)  # type: ignore[return-value] # its context


def news(source: EventSource) -> Iterator[ServerSentEvent]:
    """What a page would be told of: a block without data is none."""
    return (event for event in source.iter_sse() if event.data and event.event != "ping")


def test_names_ids_data_and_the_pause_are_read(client: httpx.Client, ana: Customer, flag_on: None, marco) -> None:
    ana.favors(marco)
    with board(client) as source:
        pause = next(source.iter_sse())
        assert source.response.status_code == 200
        assert pause.retry
        assert 500 <= pause.retry <= 2000
    with board(client) as source:
        request_id = ana.books_again(marco)
        ana.does(request_id, "cancel")
        events = news(source)
        offer, withdrawn = next(events), next(events)
    assert (offer.event, withdrawn.event) == ("priority_session_request", "request_cancelled")
    assert offer.json()["request"]["id"] == str(request_id)
    assert json.loads(withdrawn.data)["request_id"] == str(request_id)
    assert 0 < int(offer.id) < int(withdrawn.id)


def test_it_goes_on_after_the_last_id(client: httpx.Client, ana: Customer) -> None:
    with board(client) as source:
        request_id = ana.books()
        first = next(news(source))
    ana.does(request_id, "cancel")
    ana.books()
    with board(client, **{"Last-Event-ID": first.id}) as source:
        events = news(source)
        later = [next(events), next(events)]
    assert [event.event for event in later] == ["request_cancelled", "new_request"]
    assert int(first.id) < int(later[0].id) < int(later[1].id)


def test_who_is_cut_before_the_first_event_has_a_cursor_all_the_same(client: httpx.Client, ana: Customer) -> None:
    """Found by 1,000 streams through a kill -9: those who had heard nothing yet came back without an id."""
    with board(client) as source:
        blocks = source.iter_sse()
        cursor = next(block.id for block in blocks if block.id)
    request_id = ana.books()
    with board(client, **{"Last-Event-ID": cursor}) as source:
        assert next(news(source)).json()["request"]["id"] == str(request_id)


def test_a_cursor_that_never_was_is_a_reset(client: httpx.Client, ana: Customer) -> None:
    for cursor in ("9" * 18, "-1", "x"):
        with board(client, **{"Last-Event-ID": cursor}) as source:
            assert next(news(source)).event == "reset"


def test_a_ping_is_a_named_event(app, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_of(app).hub, "heartbeat", 0.2)
    with board(client) as source:
        ping = next(event for event in source.iter_sse() if event.event == "ping")
    assert set(ping.json()) == {"at", "spread"}
