"""A push service of the tests' own, on loopback, and browsers that it reaches."""

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AUTH = b"sixteen bytes   "
NOWHERE = "127.0.0.1:9"  # the service of all other tests: nothing leaves this machine, and nobody answers


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def subscription(endpoint: str) -> dict[str, str]:
    """What a browser tells us of itself; all of the tests' have one key."""
    point = _key().public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {"endpoint": endpoint, "p256dh": _text(point), "auth": _text(AUTH)}


class Pushed(NamedTuple):
    """One message that reached the service."""

    path: str
    headers: dict[str, str]
    told: dict[str, Any]  # as only the browser can read it


class PushService(ThreadingHTTPServer):
    """Takes messages; answers 201, or the next of `answers`, with `more` headers, or not at all (None)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[Pushed] = []
        self.answers: list[int | None] = []
        self.more: dict[str, str] = {}
        self.ended = threading.Event()
        self.host = f"127.0.0.1:{self.server_port}"

    def endpoint(self, name: str) -> str:
        return f"http://{self.host}/{name}"

    def told(self, name: str) -> list[dict[str, Any]]:
        """What that browser has been told, in order."""
        return [each.told for each in self.heard if each.path == f"/{name}"]


class _Handler(BaseHTTPRequestHandler):
    server: PushService

    def do_POST(self) -> None:
        sealed = self.rfile.read(int(self.headers["Content-Length"]))
        text = http_ece.decrypt(sealed, private_key=_key(), auth_secret=AUTH)
        answer = self.server.answers.pop(0) if self.server.answers else 201
        self.server.heard.append(Pushed(self.path, dict(self.headers.items()), json.loads(text)))
        if answer is None:
            self.server.ended.wait(30)
            return
        self.send_response(answer)
        for name, value in self.server.more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def push_service() -> Iterator[PushService]:
    """One that listens, and that we may send to."""
    os.environ.setdefault("NO_PROXY", "127.0.0.1")
    with PushService() as service:
        thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield service
        finally:
            service.ended.set()
            service.shutdown()
            thread.join()
