"""A mechanic's open stream over a raw socket; what arrives gets its time before anything looks at it."""

import re
import socket
import threading
import time

PATIENCE = 10.0  # seconds
EVENT = re.compile(r"^event: (\w+)$", re.M)
REQUEST = re.compile(r'"request":\{"id":"([0-9a-f-]{36})"')


class Ear:
    """Listens from a thread of its own until `close`."""

    def __init__(self, port: int, cookie: str) -> None:
        self._arrivals: dict[tuple[str, str], float] = {}
        self._news = threading.Condition()
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        request = f"GET /mechanic/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n"
        self._socket.sendall(request.encode())
        began = self._socket.recv(65536)
        if not began.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"no stream: {began!r}")
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._listen, args=(began,), daemon=True)
        self._thread.start()

    def arrival(self, event: str, request_id: str, patience: float = PATIENCE) -> float:
        """When this event of this session request came, in seconds since 1970; TimeoutError after `patience`."""
        key = (event, request_id)
        with self._news:
            if not self._news.wait_for(lambda: key in self._arrivals, patience):
                raise TimeoutError(f"{event} of session request {request_id} did not come within {patience:.0f} s")
            return self._arrivals[key]

    def close(self) -> None:
        """Hangs up; shutdown first, which wakes the thread."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._socket.close()

    def _listen(self, rest: bytes) -> None:
        while piece := self._socket.recv(65536):
            now = time.time()
            *blocks, rest = (rest + piece).split(b"\n\n")
            for block in blocks:
                self._note(block.decode("ascii"), now)

    def _note(self, block: str, now: float) -> None:
        event, request = EVENT.search(block), REQUEST.search(block)
        if event and request:
            with self._news:
                self._arrivals[event[1], request[1]] = now
                self._news.notify_all()
