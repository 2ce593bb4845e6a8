"""What stands between two ends of a connection in tests: lets bytes through, holds them back, hangs up, answers itself.

Nothing that is held back is lost, and no end is told: to them it is a network that does not deliver.
"""

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

REMEMBERED = 16 * 1024  # bytes of what either side of a line said first


class Line:
    """One connection: a client, the server behind the proxy, and whether bytes flow."""

    def __init__(self, client: socket.socket, server: socket.socket, flows: bool) -> None:
        self.client, self.server = client, server
        self.said = bytearray()  # by the client, the first of it
        self.answered = bytearray()  # by the server, the first of it
        self.flows = threading.Event()
        if flows:
            self.flows.set()

    def cut(self) -> None:
        """Hangs up, on both sides."""
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.flows.set()


class Proxy:
    """Listens on a loopback port for whatever serves at `target`: a TCP address or the path of a socket."""

    def __init__(self, target: tuple[str, int] | str) -> None:
        self.lines: list[Line] = []
        self.script: deque[bytes] = deque()  # whole HTTP answers, given in turn to whom `scripted` names
        self.scripted: Callable[[bytes], bool] = lambda request: False
        self._target, self._flows = target, True
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def freeze(self, which: Callable[[Line], bool] = lambda line: True) -> int:
        """Nothing flows any more on these connections, and nobody is told; new ones do flow. How many it were."""
        frozen = [line for line in self.lines if line.flows.is_set() and which(line)]
        for line in frozen:
            line.flows.clear()
        return len(frozen)

    def part(self) -> None:
        """Nothing flows, on old connections and new ones."""
        self._flows = False
        self.freeze()

    def heal(self) -> None:
        """What was held back arrives, and all flows again."""
        self._flows = True
        for line in self.lines:
            line.flows.set()

    def cut(self, which: Callable[[Line], bool] = lambda line: True) -> None:
        """Hangs up these connections."""
        for line in [line for line in self.lines if which(line)]:
            line.cut()

    def close(self) -> None:
        """Ends it, and every connection through it."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._threads[0].join(5)
        self.cut()
        for thread in self._threads[1:]:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = self._connect()
                if server is None:
                    client.close()
                    continue
                line = Line(client, server, self._flows)
                self.lines.append(line)
                for pump in (self._up, self._down):
                    thread = threading.Thread(target=pump, args=(line,), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _connect(self) -> socket.socket | None:
        try:
            if isinstance(self._target, tuple):
                return socket.create_connection(self._target)
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
        except OSError:
            return None
        return server

    def _up(self, line: Line) -> None:
        with suppress(OSError):
            while piece := line.client.recv(65536):
                line.said += piece[: REMEMBERED - len(line.said)]
                line.flows.wait()
                if self.script and self.scripted(piece):
                    line.client.sendall(self.script.popleft())
                    break
                line.server.sendall(piece)
        self._end(line)

    def _down(self, line: Line) -> None:
        with suppress(OSError):
            while piece := line.server.recv(65536):
                line.answered += piece[: REMEMBERED - len(line.answered)]
                line.flows.wait()
                line.client.sendall(piece)
        self._end(line)

    def _end(self, line: Line) -> None:
        line.flows.wait()
        line.cut()
        if line in self.lines:
            with suppress(ValueError):  # the other pump was quicker
                self.lines.remove(line)
                line.client.close()
                line.server.close()


@contextmanager
def proxy_to(target: tuple[str, int] | str) -> Iterator[Proxy]:
    """A proxy that ends with the block."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
