"""gunicorn's worker, mended: the door stands open for everybody, whoever leaves slowly."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from favorites.worker import LINGER
from tests.scratch import migrated_database
from tests.server import Server, until

PAGE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
REFUSED = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n"  # too large by its own word


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    instance: Path = tmp_path_factory.mktemp("workers") / "instance"
    with migrated_database() as database, Server(instance, DATABASE_URL=database.url) as server:
        server.ready()
        yield server


def seconds_of_a_page(server: Server) -> float:
    began = time.monotonic()
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=20)) as connection:
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
    return time.monotonic() - began


def send(server: Server, words: bytes) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    sock.sendall(words)
    return sock


def test_who_is_slow_to_hang_up_keeps_nobody_waiting(server: Server) -> None:
    """gunicorn's own way is to wait, in the one thread that lets people in, two seconds for each."""
    slow = [send(server, PAGE) for _ in range(5)]
    for sock in slow:
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert seconds_of_a_page(server) < LINGER / 2
    for sock in slow:
        sock.close()


def test_who_still_sends_hears_why_it_was_refused(server: Server) -> None:
    with send(server, REFUSED) as sock:
        head = sock.recv(65536)
        assert b" 413 " in head
        sock.sendall(b"x" * 10_000)  # was under way
        while piece := sock.recv(65536):  # no reset before the last of our words
            head += piece


def test_who_never_hangs_up_is_hung_up_on(server: Server) -> None:
    [worker] = server.workers()
    before = worker.num_fds()
    slow = [send(server, PAGE) for _ in range(20)]
    for sock in slow:
        while sock.recv(65536):
            pass
    until(lambda: worker.num_fds() <= before + 2, "their descriptors are free", LINGER + 5)
    for sock in slow:
        sock.close()
