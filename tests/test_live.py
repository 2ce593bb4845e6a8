"""The two stream addresses: who may listen, from where on, and what a stream costs."""

import socket
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from favorites import revisions
from favorites.db import db
from favorites.live import live_of
from tests.cast import Customer, Mechanic, Owner
from tests.database import one, sql
from tests.server import until

BOARD = "/mechanic/events"


@pytest.fixture
def wish(ana: Customer) -> str:
    """A session request of Ana's."""
    request_id = one(
        "INSERT INTO session_requests (customer_id, session_type, plan_code)"
        " VALUES (%s, 'chat', 'chat10') RETURNING id",
        ana.id,
    )
    return f"/customer/requests/{request_id}/events"


@pytest.fixture
def open_streams(app: Flask, port: int) -> Callable[[], int]:
    return live_of(app).hub.open_streams


def happens(wish: str) -> int:
    """An event for the customer; its id."""
    id_: int = one(
        "INSERT INTO request_events (session_request_id, kind, audience)"
        " VALUES (%s, 'request_broadcast', 'customer') RETURNING id",
        wish.split("/")[3],
    )
    return id_


def answers(app: Flask, person: Any, path: str, **headers: str) -> tuple[int, int, str]:
    """The status of HEAD, of GET, and the sentence."""
    client = person.client if person else app.test_client()
    head, get = client.head(path, headers=headers), client.get(path, headers=headers)
    assert head.data == b""
    return head.status_code, get.status_code, get.get_json()["error"]


def test_who_is_not_signed_in_gets_401(app: Flask, wish: str) -> None:
    for path in (BOARD, wish):
        assert answers(app, None, path) == (401, 401, "Please sign in.")


def test_other_roles_and_mechanics_who_wait_get_403(
    app: Flask, ana: Customer, marco: Mechanic, zed: Mechanic, olga: Owner, wish: str
) -> None:
    for person in (ana, zed, olga):
        assert answers(app, person, BOARD)[:2] == (403, 403)
    for person in (marco, olga):
        assert answers(app, person, wish)[:2] == (403, 403)


def test_someone_else_s_session_request_is_like_a_missing_one(app: Flask, ben: Customer, wish: str) -> None:
    missing = answers(app, ben, f"/customer/requests/{uuid4()}/events")
    assert answers(app, ben, wish) == missing
    assert missing[:2] == (404, 404)


def test_other_sites_get_403(app: Flask, ana: Customer, wish: str) -> None:
    assert ana.client.get(wish, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_an_owner_with_a_mechanic_s_row_listens(olga: Owner) -> None:
    sql("INSERT INTO mechanics (user_id, first_name, status) VALUES (%s, 'Olga', 'approved')", olga.user_id)
    assert olga.client.head(BOARD).status_code == 200


def test_head_opens_no_stream(ana: Customer, wish: str, open_streams: Callable[[], int]) -> None:
    answer = ana.client.head(wish)
    assert (answer.status_code, answer.mimetype, open_streams()) == (200, "text/event-stream", 0)


def test_the_test_client_gets_the_same_stream(ana: Customer, wish: str, open_streams: Callable[[], int]) -> None:
    answer = ana.client.get(wish, buffered=False)
    pieces = iter(answer.response)
    assert next(pieces).startswith(b"retry: ")
    id_ = happens(wish)
    assert f"event: request_broadcast\nid: {id_}\n".encode() in next(pieces)
    answer.close()
    until(lambda: open_streams() == 0, "the place is free", 5)


def test_last_event_id_comes_before_after(ana: Customer, wish: str, quiet: Callable[[], None]) -> None:
    ids = [happens(wish) for _ in range(3)]
    quiet()
    for headers, after in ({"Last-Event-ID": str(ids[1])}, ids[0]), ({}, ids[1]):
        answer = ana.client.get(f"{wish}?after={after}", headers=headers, buffered=False)
        first = next(iter(answer.response)).decode()
        answer.close()
        assert [id_ for id_ in ids if f"id: {id_}\n" in first] == ids[2:]


def test_after_that_is_no_number_is_a_reset(ana: Customer, wish: str) -> None:
    for after in ("x", "-1", str(2**70)):
        answer = ana.client.get(f"{wish}?after={after}", buffered=False)
        assert b"event: reset\nid: " in next(iter(answer.response))
        answer.close()


def test_streams_hold_no_database_connection(app: Flask, ana: Customer, wish: str) -> None:
    ears = [ana.listens(wish) for _ in range(12)]
    with app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    id_ = happens(wish)
    assert {ear.until("request_broadcast").id for ear in ears} == {id_}


def test_a_person_has_a_limit(
    app: Flask, ana: Customer, wish: str, open_streams: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_of(app).hub, "per_user", 2)
    ears = [ana.listens(wish), ana.listens(wish)]
    until(lambda: open_streams() == 2, "both are open", 5)
    refused = ana.client.get(wish)
    assert (refused.status_code, refused.get_json()["error"].startswith("You have 2 live pages")) == (503, True)
    assert "Retry-After" in refused.headers
    ears[0].close()
    until(lambda: open_streams() == 1, "a place is free", 5)
    assert ana.listens(wish).status == 200


@pytest.mark.usefixtures("port")
def test_a_browser_that_falls_silent_is_cut_after_half_a_minute(app: Flask, ana: Customer, wish: str) -> None:
    """Found by K46: a laptop that slept kept its place, and its mechanic "available", for a quarter of an hour."""
    ana.listens(wish)
    (stream,) = live_of(app).hub._crowd.of(f"request:{wish.split('/')[3]}")
    assert stream.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_signing_out_ends_the_stream_and_the_next_is_401(app: Flask, ana: Customer, wish: str) -> None:
    ear = ana.listens(wish)
    sql("UPDATE sign_ins SET ended_at = clock_timestamp() WHERE user_id = %s", ana.user_id)
    assert ear.until_closed() < 2
    assert answers(app, ana, wish)[:2] == (401, 401)


def test_a_suspended_mechanic_s_board_ends(marco: Mechanic) -> None:
    sql("UPDATE mechanics SET status = 'suspended' WHERE id = %s", marco.id)
    assert marco.board
    assert marco.board.until_closed() < 2


def test_making_the_application_starts_no_thread(app: Flask) -> None:
    from favorites import create_app

    assert live_of(create_app(TESTING=True))._pid is None


def test_alive_and_ready(app: Flask, port: int) -> None:
    client = app.test_client()
    assert (client.get("/healthz").status_code, client.get("/healthz").get_json()) == (200, {"ok": True})
    assert client.get("/readyz").get_json() == {"ok": False, "wrong": ["scheduler"]}
    beat = (
        "INSERT INTO engine_beats (leader, lapsed, expired, at) VALUES ('x', 0, 0, clock_timestamp() - interval {!r})"
    )
    sql(beat.format("181 s"))
    assert client.get("/readyz").status_code == 503
    sql(beat.format("170 s"))
    assert (client.get("/readyz").status_code, client.get("/readyz").get_json()) == (200, {"ok": True})


def test_not_ready_says_what_is_wrong_by_name(app: Flask, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sql("INSERT INTO engine_beats (leader, lapsed, expired) VALUES ('x', 0, 0)")
    client, live = app.test_client(), live_of(app)
    with monkeypatch.context() as patch:
        patch.setattr(live.feed, "is_late", lambda: True)
        assert client.get("/readyz").get_json()["wrong"] == ["feed"]
    sql("UPDATE alembic_version SET version_num = '0002'")
    try:
        assert client.get("/readyz").get_json()["wrong"] == ["schema"]
    finally:
        sql("UPDATE alembic_version SET version_num = %s", revisions.newest())
