"""The answer that becomes a stream: it hands its socket to the hub, so no thread of the server waits with it."""

import os
import socket
from collections.abc import Callable, Iterable, Iterator
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


class StreamResponse(Response):
    """Server-Sent Events for `reader`, from `start` on.

    The hand-over happens in `__call__`, after every `after_request`, with the headers those made. Without a plain
    socket (test client, TLS in the server, other servers) the same stream is yielded; HEAD gets the headers alone.
    """

    default_mimetype = "text/event-stream"

    def __init__(self, hub: Taker, reader: Reader, start: Start = PRESENTLY) -> None:
        super().__init__()
        self.headers.update(HEADERS)
        self._hub, self._reader, self._start = hub, reader, start

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        self.response = iter(())  # an empty list would get a Content-Length
        if environ["REQUEST_METHOD"] == "HEAD":
            return super().__call__(environ, start_response)
        sock = environ.get(OURS) or environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        if type(sock) is not socket.socket:  # not isinstance: a TLS socket is one, too
            self.response = self._chunks()
            return super().__call__(environ, start_response)
        self.headers["Connection"] = "close"
        self.headers["Date"] = http_date()
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in self.get_wsgi_headers(environ))]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self._adopt(environ.pop(OURS, None) or take(sock), head)
        start_response(self.status, [("Connection", "close")])  # to the dead socket: the server forgets it
        return []

    def _adopt(self, sock: socket.socket, head: bytes = b"") -> None:
        start = self._start
        stream = Stream(sock, self._reader, start.last, delivered=start.delivered, is_reset=start.is_reset)
        self._hub.adopt(stream, head + retry() + start.missed)

    def _chunks(self) -> Iterator[bytes]:
        """What the hub writes into one end of a pair of sockets, as it comes out of the other."""
        ours, its = socket.socketpair()
        self._adopt(its)
        with ours:
            yield from iter(lambda: ours.recv(65536), b"")


def take(sock: socket.socket) -> socket.socket:
    """The connection of `sock`, for us alone; the server is left with a dead one that it may shut down and close."""
    ours = socket.socket(fileno=os.dup(sock.fileno()))
    dead, other = socket.socketpair()
    other.close()
    os.dup2(dead.fileno(), sock.fileno(), inheritable=False)
    dead.close()
    return ours
