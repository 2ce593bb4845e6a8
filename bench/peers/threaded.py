"""A generator view on gunicorn's threads, one a stream: what one writes first in Flask."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue

from flask import Flask, Response, request

from bench.peers import Peer

HEARTBEAT = 15.0  # seconds, as ours

app = Flask(__name__)
queues: set[SimpleQueue[bytes]] = set()
lock = threading.Lock()


@app.get("/events")
def events() -> Response:
    """A stream."""
    queue: SimpleQueue[bytes] = SimpleQueue()
    with lock:
        queues.add(queue)
    return Response(_told(queue), mimetype="text/event-stream")


def _told(queue: "SimpleQueue[bytes]") -> Iterator[bytes]:
    try:
        yield b"retry: 1000\n\n"
        while True:
            try:
                yield queue.get(timeout=HEARTBEAT)
            except Empty:
                yield b"event: ping\ndata: {}\n\n"  # else nobody would notice that the client has gone
    finally:
        with lock:
            queues.discard(queue)


@app.post("/publish")
def publish() -> tuple[str, int]:
    """The body, to everybody."""
    frame = request.get_data()
    with lock:
        for queue in queues:
            queue.put(frame)
    return "", 204


class Threaded(Peer):
    """`most`: how many streams it has threads for."""

    name = "gthread"

    def __init__(self, most: int) -> None:
        self._most = most
        super().__init__()

    def command(self, _directory: Path) -> list[str]:
        return [
            *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread"),
            *("--threads", str(self._most + 40), "--worker-connections", str(self._most + 540), "--backlog", "4096"),
            *("--log-level", "warning", "--graceful-timeout", "1", "--keep-alive", "600", "bench.peers.threaded:app"),
        ]
