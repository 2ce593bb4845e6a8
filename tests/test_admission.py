"""Streams are let in one after the other, beside the pages, and nobody is forgotten at the door."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

from favorites.live.admission import TOGETHER, Admission
from favorites.live.stream import OURS
from tests.server import until
from tests.streams import Browser

PATH = "/mechanic/events"
PAGE = "/customer/favorites"


class House:
    """An application that opens the stream, or refuses it, once it may; how many were let in together."""

    def __init__(self) -> None:
        self.may_answer, self.refuses = threading.Event(), False
        self.opened: list[socket.socket] = []
        self.asked: list[str] = []
        self.together: list[int] = []
        self.fails: list[Exception] = []
        self.welcome = 0  # how many of a group are let in without being asked for

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.asked.append(environ["PATH_INFO"])
        if OURS not in environ:
            start_response("200 OK", [])
            return [b"a page"]
        assert self.may_answer.wait(10)
        if self.fails:
            raise self.fails.pop()
        if self.refuses:
            start_response("401 UNAUTHORIZED", [("Content-Length", "14")])
            return [b"Please ", b"sign in"]
        self.opened.append(environ.pop(OURS))
        start_response("200 OK", [])
        return []

    def let_in(self, waiting: list[dict[str, Any]]) -> None:
        self.together.append(len(waiting))
        if self.fails:
            raise self.fails.pop()
        for environ in waiting[: self.welcome]:
            self.opened.append(environ.pop(OURS))


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def door(house: House) -> Iterator[Admission]:
    admission = Admission(house, 100, house.let_in)
    admission.start()
    yield admission
    house.may_answer.set()
    admission.stop()
    for sock in house.opened:
        sock.close()


@pytest.fixture
def knock(door: Admission) -> Iterator[Callable[..., Browser]]:
    """A browser that asks for a stream; the server's side has done with it."""
    ends: list[socket.socket] = []

    def ask(path: str = PATH, **more: Any) -> Browser:
        ours, its = socket.socketpair()
        ends.extend((ours, its))
        environ = EnvironBuilder(path=path, **more).get_environ() | {"gunicorn.socket": its}
        assert list(door(environ, lambda *_: None)) in ([], [b"a page"])
        return Browser(ours)

    yield ask
    for end in ends:
        end.close()


def test_the_server_s_thread_is_free_while_a_stream_waits(house: House, knock) -> None:
    knock()
    until(lambda: house.asked, "it is its turn", 5)
    knock(PAGE)  # answered, though nobody has been let in
    assert house.asked == [PATH, PAGE]
    house.may_answer.set()
    until(lambda: house.opened, "it is open", 5)


def test_a_refusal_is_written_whole_and_the_connection_closed(house: House, knock) -> None:
    house.refuses = True
    house.may_answer.set()
    browser = knock()
    assert browser.is_cut()
    head, _, body = browser.text.partition("\r\n\r\n")
    assert head.split("\r\n") == ["HTTP/1.1 401 UNAUTHORIZED", "Content-Length: 14", "Connection: close"]
    assert body == "Please sign in"


def test_who_waits_is_let_in_together(house: House, knock) -> None:
    for _ in range(TOGETHER + 10):
        knock()
    house.may_answer.set()
    until(lambda: len(house.opened) == TOGETHER + 10, "all are let in", 5)
    assert sum(house.together) >= TOGETHER + 8  # but the first, who found nobody; and a last one, alone
    assert max(house.together) <= TOGETHER


def test_only_who_was_not_let_in_is_asked_for_one_by_one(house: House, knock, caplog: pytest.LogCaptureFixture) -> None:
    house.welcome = 3
    knock()
    until(lambda: house.asked, "the first is in hand", 5)
    for _ in range(5):
        knock()
    house.may_answer.set()
    until(lambda: len(house.opened) == 6, "all are in", 5)
    assert house.together == [5]
    assert len(house.asked) == 1 + 2  # the first, who found nobody
    assert not caplog.records


def test_a_mistake_keeps_nobody_out(house: House, knock) -> None:
    house.fails = [RuntimeError("of those together"), RuntimeError("of the first stream's")]
    first, *_ = [knock() for _ in range(4)]
    house.may_answer.set()
    until(lambda: len(house.opened) == 3, "the others are let in", 5)
    assert first.is_cut()  # and comes back


def test_who_has_left_is_not_opened(house: House, knock) -> None:
    knock()
    knock().sock.close()
    knock()
    house.may_answer.set()
    knock().sock.send(b"more that nobody asked for")
    until(lambda: len(house.opened) == 3, "the three who stayed", 5)
    assert len(house.asked) == 3


def test_who_still_waits_at_the_end_is_hung_up_on(house: House, door: Admission, knock) -> None:
    knock()
    until(lambda: house.asked, "the first is in hand", 5)
    second = knock()
    door.stop()
    assert second.is_cut()  # it comes back to whoever serves next


def test_before_the_start_and_for_everything_else_the_application_is_asked_at_once(house: House) -> None:
    closed = Admission(house, 100, house.let_in)
    with socket.socket() as sock:
        for path in (PATH, PAGE):
            assert closed({"PATH_INFO": path, "REQUEST_METHOD": "GET", "gunicorn.socket": sock}, print) == [b"a page"]


def test_where_too_many_wait_the_server_s_own_threads_do_it(house: House) -> None:
    door = Admission(house, 0, house.let_in)
    door.start()
    with socket.socket() as sock:
        environ = {"PATH_INFO": PATH, "REQUEST_METHOD": "GET", "gunicorn.socket": sock}
        assert door(environ, lambda *_: None) == [b"a page"]
    door.stop()
