"""The hand-over of a socket, under the real servers whose interfaces it relies on."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from werkzeug.serving import make_server

from tests import handover_app
from tests.server import PATIENCE, ROOT, until

THREADS = 2


class Client:
    """Speaks to the small application."""

    def __init__(self, port: int) -> None:
        self.port, self.sockets = port, list[socket.socket]()

    def get(self, path: str, patience: float = 5) -> str:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=patience)
        connection.request("GET", path)
        body = connection.getresponse().read().decode()
        connection.close()
        return body

    def send(self, *lines: str, on: socket.socket | None = None) -> socket.socket:
        sock = on or socket.create_connection(("127.0.0.1", self.port), timeout=5)
        self.sockets.append(sock)
        sock.sendall("\r\n".join([*lines, "Host: here", "", ""]).encode())
        return sock

    def stream(self) -> socket.socket:
        sock = self.send("GET /events HTTP/1.1")
        assert b"retry: " in read_until(sock, b"\n\n")
        return sock

    def open_streams(self, number: int) -> None:
        until(lambda: self.get("/open") == str(number), f"{number} streams", 5)


def read_until(sock: socket.socket, words: bytes) -> bytes:
    text = b""
    while words not in text:
        piece = sock.recv(65536)
        assert piece, f"ended before {words!r}: {text!r}"
        text += piece
    return text


@pytest.fixture(params=["gunicorn", "werkzeug"], scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[Client]:
    yield from {"gunicorn": gunicorn, "werkzeug": werkzeug}[request.param]()


@pytest.fixture
def client(server: Client) -> Iterator[Client]:
    yield server
    for sock in server.sockets:
        sock.close()
    server.sockets.clear()
    server.open_streams(0)


def gunicorn() -> Iterator[Client]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        bind = ["-b", f"fd://{listening.fileno()}", "--no-control-socket", "--log-level", "warning"]
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "-k",
                "gthread",
                "--threads",
                str(THREADS),
                *bind,
                "tests.handover_app:app",
            ],
            cwd=ROOT,
            pass_fds=[listening.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        )
        client = Client(listening.getsockname()[1])
        client.get("/open", patience=PATIENCE)  # the worker is up: its start is not what is measured
        yield client
    process.terminate()
    _, said = process.communicate(timeout=10)
    assert said == ""  # the hand-over leaves nothing in the log


def werkzeug() -> Iterator[Client]:
    server = make_server("127.0.0.1", 0, handover_app.app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield Client(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()
    handover_app.hub.stop()


def test_more_streams_than_threads_and_the_pages_answer(client: Client) -> None:
    streams = [client.stream() for _ in range(5 * THREADS)]
    client.open_streams(len(streams))
    id_ = client.get("/publish")
    for stream in streams:
        assert f"id: {id_}\n".encode() in read_until(stream, b"data: {}\n\n")


def test_the_headers_are_flask_s(client: Client) -> None:
    head = read_until(client.send("GET /events HTTP/1.1"), b"\r\n\r\n").decode()
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    for line in (
        "Content-Type: text/event-stream; charset=utf-8",
        "Cache-Control: no-store",
        "X-Accel-Buffering: no",
        "Content-Security-Policy: default-src 'none'",
        "Set-Cookie: session=",
        "Vary: Cookie",
        "Connection: close",
    ):
        assert f"\r\n{line}" in head
    assert "Content-Length" not in head
    assert "Transfer-Encoding" not in head


def test_a_page_then_a_stream_on_one_connection(client: Client) -> None:
    sock = client.send("HEAD /events HTTP/1.1")
    head = read_until(sock, b"\r\n\r\n")
    assert b"text/event-stream" in head
    if b"connection: close" not in head.lower():  # the development server keeps none
        client.send("GET /events HTTP/1.1", on=sock)
        read_until(sock, b"retry: ")
        client.open_streams(1)


def test_who_hangs_up_frees_the_place_at_once(client: Client) -> None:
    stream = client.stream()
    client.open_streams(1)
    stream.shutdown(socket.SHUT_RDWR)
    began = time.monotonic()
    client.open_streams(0)
    assert time.monotonic() - began < 2


def test_a_second_request_on_a_stream_is_ignored(client: Client) -> None:
    stream = client.stream()
    client.send("GET /open HTTP/1.1", on=stream)
    id_ = client.get("/publish")
    assert f"id: {id_}\n".encode() in read_until(stream, b"data: {}\n\n")
