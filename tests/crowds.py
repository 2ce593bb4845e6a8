"""Many streams in one thread: each reads, and comes back, as a browser's EventSource does.

A stream that ends is opened again after the `retry:` that the server named, with the last id in `Last-Event-ID`. After
any other answer than 200 it waits a moment and tries again, as the page's script does.
"""

import re
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from tests.server import until

AGAIN = 0.5  # seconds after an answer that is no stream, or none at all
FIELDS = re.compile(rb"^(event|id|retry|data): (.*)$", re.MULTILINE)


class Listener:
    """One stream, through all its connections."""

    def __init__(self, cookie: str) -> None:
        self.cookie = cookie
        self.heard: list[tuple[str, int]] = []  # (event, id), pings left out
        self.statuses: list[int] = []  # of each answer
        self.last_id = ""
        self.retry = AGAIN
        self.open_since: float | None = None
        self.ended_at: float | None = None
        self.sock: socket.socket | None = None
        self.rest = b""

    def request(self, path: str) -> bytes:
        """What it asks for."""
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: text/event-stream", f"Cookie: {self.cookie}"]
        if self.last_id:
            lines.append(f"Last-Event-ID: {self.last_id}")
        return "\r\n".join([*lines, "", ""]).encode()

    def take(self, piece: bytes) -> None:
        """What has arrived."""
        self.rest += piece
        if self.open_since is None:
            head, found, rest = self.rest.partition(b"\r\n\r\n")
            if not found:
                return
            self.statuses.append(int(head.split(None, 2)[1]))
            if self.statuses[-1] != 200:
                return
            self.open_since, self.rest = time.monotonic(), rest
        *blocks, self.rest = self.rest.split(b"\n\n")
        for block in blocks:
            self._hear(dict(FIELDS.findall(block)))

    def _hear(self, fields: dict[bytes, bytes]) -> None:
        if b"retry" in fields:
            self.retry = int(fields[b"retry"]) / 1000
        if b"id" in fields:
            self.last_id = fields[b"id"].decode()
        if b"data" in fields and fields.get(b"event") != b"ping":
            self.heard.append((fields.get(b"event", b"message").decode(), int(self.last_id or 0)))

    def ids(self, event: str) -> list[int]:
        """The ids of all events of that name, as they came."""
        return [id_ for name, id_ in self.heard if name == event]


class Crowd:
    """Listeners on one address; a thread reads for all of them."""

    def __init__(self, port: Callable[[], int], path: str, cookies: Sequence[str]) -> None:
        self.listeners = [Listener(cookie) for cookie in cookies]
        self._port, self._path = port, path
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, Listener]] = [(0.0, listener) for listener in self.listeners]
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def open(self) -> int:
        """How many streams are open."""
        return sum(listener.open_since is not None for listener in self.listeners)

    def all_open(self, seconds: float, since: float = 0.0) -> float:
        """Waits until each is open, by an answer after `since`; when the last one opened."""

        def opened() -> bool:
            return all((listener.open_since or -1.0) > since for listener in self.listeners)

        until(opened, f"all of {len(self.listeners)} streams are open; {self.open()} are", seconds)
        return max(listener.open_since or 0.0 for listener in self.listeners)

    def all_heard(self, event: str, ids: list[int], seconds: float) -> list[list[int]]:
        """Waits until everybody has heard exactly these; what those heard for whom it did not come true."""
        deadline = time.monotonic() + seconds
        while wrong := [heard for each in self.listeners if (heard := each.ids(event)) != ids]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return wrong

    def close(self) -> None:
        """Hangs up all."""
        self._is_over.set()
        self._thread.join(30)
        for listener in self.listeners:
            if listener.sock:
                listener.sock.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._is_over.is_set():
            now = time.monotonic()
            due = [listener for at, listener in self._due if at <= now]
            self._due = [(at, listener) for at, listener in self._due if at > now]
            for listener in due:
                self._connect(listener)
            for key, events in self._selector.select(0.02):
                self._serve(key.data, events)

    def _connect(self, listener: Listener) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        listener.sock, listener.rest = sock, b""
        sock.connect_ex(("127.0.0.1", self._port()))
        self._selector.register(sock, selectors.EVENT_WRITE, listener)

    def _serve(self, listener: Listener, events: int) -> None:
        assert listener.sock
        piece = b""
        with suppress(OSError):
            if events & selectors.EVENT_WRITE:
                listener.sock.sendall(listener.request(self._path))
                self._selector.modify(listener.sock, selectors.EVENT_READ, listener)
                return
            piece = listener.sock.recv(65536)
        if piece:
            listener.take(piece)
        else:
            self._ended(listener)

    def _ended(self, listener: Listener) -> None:
        assert listener.sock
        self._selector.unregister(listener.sock)
        listener.sock.close()
        was_open, listener.open_since, listener.ended_at = listener.open_since, None, time.monotonic()
        wait = listener.retry if was_open else AGAIN
        self._due.append((time.monotonic() + wait, listener))


@contextmanager
def crowd(port: Callable[[], int], path: str, cookies: Sequence[str]) -> Iterator[Crowd]:
    """A crowd that goes home at the end; all of its streams are open at the beginning."""
    people = Crowd(port, path, cookies)
    try:
        people.all_open(60)
        yield people
    finally:
        people.close()
