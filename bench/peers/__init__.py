"""Servers that do no more than send an event to every open stream, to stand beside the product."""

import socket
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import psutil

from bench.load import head
from tests.server import free_port, until


class Peer:
    """One, running; a context manager that ends it. `key`: what stands before an event's number in its frame."""

    name = ""
    key = "id: "
    path = "/events"

    def __init__(self) -> None:
        self.port = free_port()
        self._number = 0
        self._directory = tempfile.TemporaryDirectory(prefix="book-again-peer-")
        self.process = subprocess.Popen(
            self.command(Path(self._directory.name)), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._listens, f"{self.name} listens", 20)
        self._publisher = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        self._publisher.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self._publisher.close()
        self.process.terminate()
        self.process.wait(30)
        self._directory.cleanup()

    def command(self, directory: Path) -> list[str]:
        """What starts it; `directory` is its own."""
        raise NotImplementedError

    def heads(self, _streams: int) -> Iterable[str]:
        """The request that opens a stream."""
        return [head(self.path)]

    def broadcasts(self, size: int) -> int:
        """Sends a `new_request` of `size` bytes, as it arrives, to every open stream; its number."""
        self._number += 1
        self.publish(self._number, size)
        return self._number

    def publish(self, number: int, size: int) -> None:
        """As its publishers do."""
        self.posts(padded(f'event: new_request\nid: {number}\ndata: {{"x":"', '"}\n\n', size))

    def processes(self) -> list[psutil.Process]:
        """Those that it is made of."""
        first = psutil.Process(self.process.pid)
        return [first, *first.children(recursive=True)]

    def posts(self, body: bytes, **headers: str) -> None:
        """POST to where news are published, as one piece; returns when it was answered."""
        lines = ["POST /publish HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._publisher.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        self._publisher.recv(65536)

    def _listens(self) -> bool:
        with socket.socket() as sock:
            return not sock.connect_ex(("127.0.0.1", self.port))


def padded(start: str, end: str, size: int) -> bytes:
    """Filled up to `size` bytes."""
    return (start + "x" * (size - len(start) - len(end)) + end).encode()
