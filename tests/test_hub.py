"""The hub, without a database: who hears what, from where on, and what becomes of those who do not read."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from flask import Flask

from favorites.live.crowd import Crowd
from favorites.live.frames import Frame, render
from favorites.live.hub import Hub
from favorites.live.reader import Reader, Stream
from favorites.live.resume import RESET, Start
from favorites.live.ring import LONGEST, Ring
from favorites.live.stream import StreamResponse
from favorites.queries.standing import Standing
from tests.streams import REQUEST, Room, frame, running


@pytest.fixture
def room() -> Iterator[Room]:
    yield from running(Hub(per_user=2, most=6, ring=Ring(10)))


def test_a_frame_is_written_once_to_each_who_listens(room: Room) -> None:
    here, elsewhere = room.listen(), room.listen(room.reader(topic="request:1"))
    room.publish(1)
    room.hub.publish([frame(2, "mechanics", "all")])  # two topics of one stream
    room.hub.publish([frame(3, "all")])
    assert here.until("id: 3").count("event: ") == 3
    assert elsewhere.until("id: 3").count("event: ") == 2
    assert (here.ids(), elsewhere.ids()) == ([1, 2, 3], [2, 3])


def test_a_topic_s_streams_are_told_in_the_order_in_which_they_came() -> None:
    """As they lie in memory; any other order takes longer."""
    ours, its = socket.socketpair()
    with ours, its:
        reader, crowd = Reader(Standing(uuid4(), uuid4(), "mechanic"), frozenset({"mechanics"})), Crowd()
        streams = tuple(Stream(its, reader) for _ in range(50))
        for stream in (*streams[1::2], *streams[::2]):
            crowd.add(stream)
        assert crowd.of("mechanics") == (*streams[1::2], *streams[::2])


def test_an_excluded_mechanic_hears_nothing_live_or_on_replay(room: Room) -> None:
    mechanic = uuid4()
    browser = room.listen(room.reader(mechanic))
    room.publish(1, excluded=(mechanic,))
    room.publish(2)
    browser.until("id: 2")
    assert browser.ids() == [2]
    late = room.listen(room.reader(mechanic), last=0)
    late.until("id: 2")
    assert late.ids() == [2]


@pytest.mark.parametrize("after", range(4, 11))
def test_catch_up_from_the_ring_is_exact(room: Room, after: int) -> None:
    room.publish(*range(1, 15))  # the ring keeps 10: it knows what comes after 4
    browser = room.listen(last=after)
    room.publish(15)
    browser.until("id: 15")
    assert browser.ids() == list(range(after + 1, 16))


def test_what_the_ring_has_lost_is_a_reset_never_a_gap(room: Room) -> None:
    room.publish(*range(1, 15))
    browser = room.listen(last=3)
    room.publish(15)
    assert "event: reset\nid: 14\n" in browser.until("id: 15")
    assert browser.ids() == [14, 15]


def test_the_table_and_the_feed_may_overlap_in_either_order(room: Room) -> None:
    room.publish(1, 2, 3)
    ahead = room.listen(last=5)  # the view has read up to 5 from the table, the feed comes later
    room.publish(4, 5, 6)
    ahead.until("id: 6")
    assert ahead.ids() == [6]


def test_a_record_moves_the_position_and_is_heard_by_nobody(room: Room) -> None:
    room.hub.publish([Frame(7, b"", (), (), REQUEST, False, False)])
    browser = room.listen(room.reader(), is_reset=True)
    assert "event: reset\nid: 7\n" in browser.until("id: 7")


def test_an_offer_that_was_closed_is_left_out_on_replay(room: Room) -> None:
    other = uuid4()
    room.publish(1, event="new_request")
    room.publish(2, event="new_request", request_id=other)
    room.publish(3, event="request_accepted", closes=True)
    room.publish(4, event="new_request")  # released: asked again
    browser = room.listen(last=0)
    browser.until("id: 4")
    assert browser.ids() == [2, 3, 4]


def test_a_closing_that_is_not_for_this_reader_voids_nothing(room: Room) -> None:
    room.publish(1, event="new_request")
    room.hub.publish([frame(2, "mechanic:other", event="request_withdrawn", closes=True)])
    browser = room.listen(last=0)
    browser.until("id: 1")
    assert browser.ids() == [1]


def test_a_long_backlog_is_a_reset() -> None:
    for room in running(Hub(per_user=1, most=2)):
        room.publish(*range(1, LONGEST + 2))
        assert room.listen(last=1).until(f"id: {LONGEST + 1}").count("event: reset") == 0
        assert room.listen(last=0).until("event: reset").count("id: ") == 1


def test_a_reader_who_does_not_read_is_cut_and_delays_nobody(room: Room) -> None:
    slow, quick = room.listen(), room.listen()
    for id_ in range(1, 200):
        room.publish(id_, size=10_000)
        quick.until(f"id: {id_}\n")
    room.until(lambda: room.hub.open_streams() == 1)
    assert slow.is_cut()
    assert quick.ids() == list(range(1, 200))
    assert slow.ids() == list(range(1, len(slow.ids()) + 1))  # no gap before the end: it resumes from there


def test_a_reader_who_pauses_gets_all_in_order(room: Room) -> None:
    browser = room.listen()
    room.publish(*range(1, 20), size=10_000)
    room.hub.publish([frame(20)])
    browser.until("id: 20")
    assert browser.ids() == list(range(1, 21))


def test_a_browser_that_leaves_frees_its_place_at_once(room: Room) -> None:
    browser = room.listen()
    browser.sock.close()
    began = time.monotonic()
    room.until(lambda: room.hub.open_streams() == 0)
    assert time.monotonic() - began < 2
    assert room.hub.standings() == []


def test_what_a_browser_sends_is_ignored(room: Room) -> None:
    browser = room.listen()
    browser.sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
    room.publish(1)
    browser.until("id: 1")


def test_a_person_has_a_limit_and_so_has_the_house(room: Room) -> None:
    person = uuid4()
    assert room.hub.refusal(person) is None
    first = room.listen(room.reader(user_id=person))
    room.listen(room.reader(user_id=person))
    assert "2 live pages" in (room.hub.refusal(person) or "")
    assert room.hub.refusal(uuid4()) is None
    first.sock.close()
    room.until(lambda: room.hub.refusal(person) is None)
    for _ in range(5):
        room.listen()
    assert "Too many" in (room.hub.refusal(uuid4()) or "")


def test_who_was_told_that_there_is_room_and_finds_none_is_hung_up_on(room: Room) -> None:
    user = uuid4()
    readers = [room.reader(user_id=user) for _ in range(4)]
    assert room.hub.refusal(user) is None  # as each of the four was told, all at once
    browsers = [room.listen(reader) for reader in readers]
    assert ["hello" in browser.text for browser in browsers] == [True, True, False, False]


def test_what_many_threads_say_at_once_is_all_said(room: Room) -> None:
    browser = room.listen(room.reader())
    with ThreadPoolExecutor(8) as pool:
        for place in range(8):
            pool.submit(lambda place=place: [room.hub.whisper("all", b"data: %d\n\n" % place) for _ in range(500)])
    room.hub.whisper("all", b"data: end\n\n")
    text = browser.until("data: end")
    assert [text.count(f"data: {place}\n") for place in range(8)] == [500] * 8


def test_an_ended_sign_in_loses_its_streams_and_gets_no_other(room: Room) -> None:
    reader, moved = room.reader(), room.reader()
    streams = [room.listen(reader), room.listen(reader), room.listen(moved), room.listen()]
    room.hub.end({reader.standing: True, moved.standing: False})
    assert all(stream.is_cut() for stream in streams[:3])
    assert room.hub.open_streams() == 1
    assert room.listen(reader).is_cut()
    assert room.hub.open_streams() == 1
    room.listen(moved)  # another workshop: the sign-in is good
    assert room.hub.open_streams() == 2


def test_a_ping_repeats_the_last_id_that_was_delivered() -> None:
    for room in running(Hub(per_user=9, most=9, heartbeat=0.05)):
        browser = room.listen(last=7)
        first = browser.until("event: ping\ndata: ")  # nothing delivered: no id, the browser keeps its own
        assert "id: " not in first
        room.publish(8)
        room.hub.publish([frame(9, "mechanic:other")])
        text = browser.until("event: ping\nid: 8\ndata: ")
        browser.until("}\n\n")
        ping = text.split("event: ping\ndata: ")[1].split("\n")[0]
        assert json.loads(ping)["at"].endswith("+00:00")
        resumed = room.listen(last=8, delivered=8)
        resumed.until("event: ping\nid: 8\n")


def test_who_begins_at_the_present_is_told_where_that_is(room: Room) -> None:
    room.publish(41)
    text = room.listen().until("id: 41\n\n")
    assert "data" not in text  # no event: a cursor, for who is cut before the first one


def test_a_new_beginning_resets_whoever_listens(room: Room) -> None:
    browser = room.listen()
    room.publish(50)
    browser.until("id: 50")
    room.hub.begin(3)  # a restored backup
    browser.until("event: reset\nid: 3\n")
    room.publish(4)
    browser.until("id: 4\n")


def test_one_mistake_does_not_end_the_hub(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    browser = room.listen()
    room.hub.publish([None])  # type: ignore[list-item]
    room.publish(1)
    browser.until("id: 1")
    assert "stumbled" in caplog.text


def test_a_stopped_hub_turns_everyone_away() -> None:
    for room in running(Hub(per_user=2, most=2)):
        browser = room.listen()
        room.hub.stop()
        assert browser.is_cut()
        ours, its = socket.socketpair()
        room.hub.adopt(Stream(ours, room.reader()))
        with its:
            assert its.recv(1) == b""


def test_without_a_socket_the_same_stream_is_yielded(room: Room) -> None:
    start = Start(4, 4, frame(4).data)
    response = served(room, StreamResponse(room.hub, room.reader(), start))
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert (response.headers["Cache-Control"], response.headers["X-Accel-Buffering"]) == ("no-store", "no")
    assert response.headers["X-After"] == "request"
    pieces = iter(response.response)
    assert next(pieces).decode().startswith("retry: ")
    room.publish(4, 5)
    assert b"id: 5" in next(pieces)
    response.close()
    room.until(lambda: room.hub.open_streams() == 0)


def test_reset_is_written_first(room: Room) -> None:
    room.publish(3)
    response = served(room, StreamResponse(room.hub, room.reader(), RESET))
    assert b"event: reset\nid: 3\ndata: {" in next(iter(response.response))
    response.close()


def test_head_opens_no_stream(room: Room) -> None:
    response = served(room, StreamResponse(room.hub, room.reader()), "HEAD")
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert room.hub.open_streams() == 0


def served(room: Room, stream: StreamResponse, method: str = "GET"):  # type: ignore[no-untyped-def]
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: stream)

    @app.after_request
    def after(response):  # type: ignore[no-untyped-def]
        response.headers["X-After"] = "request"
        return response

    return app.test_client().open("/", method=method, buffered=False)


def test_what_is_to_come_afterwards_comes_when_all_have_been_told(room: Room) -> None:
    browsers = [room.listen(), room.listen()]
    heard: list[bytes] = []

    def look() -> None:
        heard.extend(browser.sock.recv(4096, socket.MSG_DONTWAIT) for browser in browsers)

    room.publish(1)
    room.hub.afterwards(look)
    room.until(lambda: len(heard) == 2)
    assert all(b"id: 1\n" in each for each in heard)


def test_a_whisper_has_no_id_and_moves_nobody_s_position(room: Room) -> None:
    browser, other = room.listen(), room.listen(room.reader(topic="mechanic:x"))
    room.publish(7)
    room.hub.whisper("mechanics", render("typing", {"request_id": "r"}, None))
    room.publish(8)
    text = browser.until("id: 8")
    assert "event: typing\ndata: {" in text
    assert browser.ids() == [7, 8]
    assert room.hub.ring.newest == 8
    late = room.listen(last=6)  # it was for who listened then
    late.until("id: 8")
    assert "typing" not in late.text + other.text
