"""Who watches the server from elsewhere and hears its heartbeat."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Watcher(ThreadingHTTPServer):
    """Hears the beats; answers 200, or as `answers` says, or not at all."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[tuple[str, str]] = []
        self.answers: int | None = 200
        self.ended = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/ping/secret"


class _Handler(BaseHTTPRequestHandler):
    server: Watcher

    def do_GET(self) -> None:
        self.server.heard.append((self.command, self.path))
        if self.server.answers is None:
            self.server.ended.wait(30)
            return
        self.send_response(self.server.answers)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def watching() -> Iterator[Watcher]:
    """One that listens."""
    with Watcher() as watcher:
        thread = threading.Thread(target=watcher.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield watcher
        finally:
            watcher.ended.set()
            watcher.shutdown()
            thread.join()
