"""Where streams wait to be let in: beside the pages, not among them.

After a restart thousands of browsers come back at once. In one line with the pages they kept these waiting for half a
minute, while eight threads fought for the interpreter: 200 changes of thread an opening (measured, decision 24). So a
stream's socket leaves the server's hands as soon as its request is read, and one thread lets in whoever waits.
"""

import logging
import os
import select
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from favorites.live.stream import OURS, take

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

TOGETHER = 50  # who are let in by one query
IN_HAND = 2.0  # seconds for the one that is being opened when it ends
PATIENCE = 5.0  # seconds for a refusal to be written


class Admission:
    """A WSGI middleware: opens streams in a thread of its own. Where many wait, `let_in` opens those that it can.

    Everything else, and whatever comes before `start` or when `most` wait, goes its usual way.
    """

    def __init__(
        self, application: "WSGIApplication", most: int, let_in: Callable[[list["WSGIEnvironment"]], None]
    ) -> None:
        self._application, self._most, self._let_in = application, most, let_in
        self._waiting: SimpleQueue[WSGIEnvironment | None] = SimpleQueue()
        self._pid: int | None = None  # of whoever started it: a forked child has no thread

    def start(self) -> None:
        """Starts the thread."""
        self._waiting, self._pid = SimpleQueue(), os.getpid()
        self._thread = threading.Thread(target=self._run, name="live-admission", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after what is in hand; who still waits is hung up on, and comes back."""
        self._pid = None
        for environ in self._behind(self._waiting.qsize()):
            environ[OURS].close()
        self._waiting.put(None)
        self._thread.join(IN_HAND)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if self._pid != os.getpid() or not _asks_for_a_stream(environ) or self._waiting.qsize() >= self._most:
            return self._application(environ, start_response)
        self._waiting.put({**environ, OURS: take(environ["gunicorn.socket"]), "wsgi.input": BytesIO()})
        start_response("200 OK", [("Connection", "close")])  # to the dead socket: the server forgets it
        return []

    def _run(self) -> None:
        while together := self._next():
            waiting = _still_here(together)
            if len(waiting) > 1:
                self._guarded(self._let_in, waiting)
            for environ in waiting:
                if OURS in environ:
                    self._guarded(self._open, environ)

    def _next(self) -> list["WSGIEnvironment"]:
        """Who is next, and whoever stands behind them; nobody: it is stopped."""
        first = self._waiting.get()
        return [first, *self._behind(TOGETHER - 1)] if first else []

    def _behind(self, most: int) -> Iterator["WSGIEnvironment"]:
        with suppress(Empty):
            for _ in range(most):
                environ = self._waiting.get_nowait()
                if environ is None:
                    return self._waiting.put(None)
                yield environ
        return None

    def _guarded(self, step: Callable[[Any], None], what: Any) -> None:
        """One mistake must not keep everybody out."""
        try:
            step(what)
        except Exception:
            log.exception("a stream could not be opened")

    def _open(self, environ: "WSGIEnvironment") -> None:
        """A view that opens the stream takes the socket out of `environ`."""
        sock: socket.socket = environ[OURS]
        try:
            self._answer(environ, sock)
        finally:
            if OURS in environ:
                sock.close()

    def _answer(self, environ: "WSGIEnvironment", sock: socket.socket) -> None:
        words: list[bytes] = []

        def begin(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], None]:
            words.append(_head(status, headers))
            return words.append

        body = self._application(environ, begin)
        words += body
        getattr(body, "close", lambda: None)()
        if OURS in environ:
            sock.settimeout(PATIENCE)
            with suppress(OSError):  # who is refused may have gone, too
                sock.sendall(b"".join(words))


def _asks_for_a_stream(environ: "WSGIEnvironment") -> bool:
    return (
        environ["PATH_INFO"].endswith("/events")
        and environ["REQUEST_METHOD"] == "GET"
        and type(environ.get("gunicorn.socket")) is socket.socket
    )


def _still_here(environs: list["WSGIEnvironment"]) -> list["WSGIEnvironment"]:
    """Those whose browser has not given up meanwhile; the sockets of the others are closed."""
    look = select.poll()  # one call for all: each gives the interpreter away
    for environ in environs:
        look.register(environ[OURS], select.POLLIN)
    told = {descriptor for descriptor, _ in look.poll(0)}
    left = [environ[OURS] for environ in environs if environ[OURS].fileno() in told and _has_left(environ[OURS])]
    for sock in left:
        sock.close()
    return [environ for environ in environs if environ[OURS] not in left]


def _has_left(sock: socket.socket) -> bool:
    try:
        return not sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _head(status: str, headers: list[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
