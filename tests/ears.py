"""What a person hears: a real stream over a real socket, read without waiting longer than needed."""

import json
import re
import socket
import time
from contextlib import suppress
from typing import Any, NamedTuple

SPARE = 5.0  # seconds that news may take before a test fails
OPENING = 30.0  # seconds: a worker that has just been started may still import the application


class Heard(NamedTuple):
    event: str
    data: dict[str, Any]
    id: int | None


class Ear:
    """An open stream. `drain` takes what has arrived; `until` waits for a match."""

    def __init__(self, port: int, path: str, cookie: str, after: int | None = None) -> None:
        self.all: list[Heard] = []
        self.unread: list[Heard] = []
        self._rest = b""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=OPENING)
        query = "" if after is None else f"?after={after}"
        lines = (
            f"GET {path}{query} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Accept: text/event-stream",
            f"Cookie: {cookie}",
        )
        self._socket.sendall("\r\n".join((*lines, "", "")).encode())
        while b"\r\n\r\n" not in self._rest:
            piece = self._socket.recv(65536)
            assert piece, f"no stream: {self._rest!r}"
            self._rest += piece
        self.head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        self.status = int(self.head.split()[1])
        self.is_open = True
        self._parse()

    def drain(self) -> None:
        """Take what has arrived, without waiting."""
        self._socket.setblocking(False)
        try:
            while piece := self._socket.recv(65536):
                self._rest += piece
            self.is_open = False
        except BlockingIOError:
            pass
        except ConnectionError:
            self.is_open = False
        self._parse()

    def until(self, event: str, within: float = SPARE, **data: Any) -> Heard:
        """The first unread event of that name whose data has these values; those before it count as read."""
        deadline = time.monotonic() + within
        while True:
            self.drain()
            for place, heard in enumerate(self.unread):
                if heard.event == event and all(heard.data.get(key) == value for key, value in data.items()):
                    del self.unread[: place + 1]
                    return heard
            how = "open" if self.is_open else "closed"
            assert time.monotonic() < deadline, f"did not hear {event} {data}, but {self.all}; the stream is {how}"
            time.sleep(0.005)

    def until_closed(self) -> float:
        """Seconds until the server closed the stream."""
        began = time.monotonic()
        while self.is_open:
            self.drain()
            assert time.monotonic() < began + 2 * SPARE, "the stream is still open"
            time.sleep(0.005)
        return time.monotonic() - began

    def close(self) -> None:
        """Hang up; shutdown first, or no FIN is sent while somebody reads."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _parse(self) -> None:
        *blocks, self._rest = self._rest.split(b"\n\n")
        for block in blocks:
            fields = dict(re.findall(r"^(\w+): ?(.*)$", block.decode("ascii"), flags=re.M))
            if "data" not in fields:
                continue
            heard = Heard(
                fields.get("event", "message"),
                json.loads(fields["data"]),
                int(fields["id"]) if "id" in fields else None,
            )
            if heard.event != "ping":
                self.all.append(heard)
                self.unread.append(heard)
