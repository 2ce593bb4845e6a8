"""The answer that becomes a stream: it hands its socket to the hub, so no thread of the server waits with it."""

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Protocol

from flask import Response
from werkzeug.http import http_date

from favorites.live.frames import retry
from favorites.live.reader import Reader, Stream
from favorites.live.resume import PRESENTLY, Start

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


OURS = "book_again.socket"  # in the WSGI environment: a connection that is out of the server's hands already
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx then passes it on as it comes


class Taker(Protocol):
    """A hub, or a seat in one."""

    @property
    def adopt(self) -> Callable[[Stream, bytes], None]:
        """Takes the stream, with the head of its answer."""


class Beginning(Response):
    """What stands before a stream: the headers."""

    default_mimetype = "text/event-stream"

    def __init__(self) -> None:
        super().__init__(iter(()))  # an empty list would get a Content-Length
        self.headers.update(HEADERS)

    def head(self, environ: "WSGIEnvironment") -> bytes:
        """As it is written: no server comes after us."""
        self.headers["Connection"] = "close"
        self.headers["Date"] = http_date()
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in self.get_wsgi_headers(environ))]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


class StreamResponse(Beginning):
    """Server-Sent Events for `reader`, from `start` on.

    The hand-over happens in `__call__`, after every `after_request`, with the headers those made. Without a plain
    socket (test client, TLS in the server, other servers) the same stream is yielded; HEAD gets the headers alone.
    """

    def __init__(self, hub: Taker, reader: Reader, start: Start = PRESENTLY) -> None:
        super().__init__()
        self._hub, self._reader, self._start = hub, reader, start

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "HEAD":
            return super().__call__(environ, start_response)
        sock = environ.get(OURS) or environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        if type(sock) is not socket.socket:  # not isinstance: a TLS socket is one, too
            self.response = self._chunks()
            return super().__call__(environ, start_response)
        head = self.head(environ)
        hand_over(self._hub, environ.pop(OURS, None) or take(sock), self._reader, self._start, head)
        start_response(self.status, [("Connection", "close")])  # to the dead socket: the server forgets it
        return []

    def _chunks(self) -> Iterator[bytes]:
        """What the hub writes into one end of a pair of sockets, as it comes out of the other."""
        ours, its = socket.socketpair()
        hand_over(self._hub, its, self._reader, self._start)
        with ours:
            yield from iter(lambda: ours.recv(65536), b"")


def hand_over(hub: Taker, sock: socket.socket, reader: Reader, start: Start, head: bytes = b"") -> None:
    """The socket is the hub's from now on; `head` is written first, then what was missed."""
    stream = Stream(sock, reader, start.last, delivered=start.delivered, is_reset=start.is_reset)
    hub.adopt(stream, head + retry() + start.missed)


def take(sock: socket.socket) -> socket.socket:
    """The connection of `sock`, for us alone; the server is left with a dead one that it may shut down and close."""
    ours = socket.socket(fileno=os.dup(sock.fileno()))
    os.dup2(_dead(), sock.fileno(), inheritable=False)
    return ours


@cache
def _dead() -> int:
    """The descriptor of one for all: nobody is at its other end, whatever the server does to it."""
    dead, other = socket.socketpair()
    other.close()
    return dead.detach()
