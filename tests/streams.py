"""Open streams for tests: the browser's end, and a room with a running hub."""

import socket
import time
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

from favorites.live.frames import Frame, render
from favorites.live.hub import Hub
from favorites.live.reader import PRESENT, Reader, Stream
from favorites.queries.standing import Standing

REQUEST = uuid4()


class Browser:
    """The other end of a stream: what has arrived, read with a deadline."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.text = sock, ""
        sock.settimeout(5)

    def read(self) -> bool:
        """One more piece; False: the stream has ended."""
        try:
            piece = self.sock.recv(65536)
        except ConnectionResetError:
            piece = b""
        self.text += piece.decode("ascii")
        return bool(piece)

    def until(self, words: str) -> str:
        while words not in self.text:
            assert self.read(), f"ended before {words!r}: {self.text!r}"
        return self.text

    def ids(self) -> list[int]:
        """The ids of everything that came, pings and the cursor at the beginning left out."""
        events = [block for block in self.text.split("\n\n") if "data: " in block and "id: " in block]
        blocks = [block for block in events if "event: ping" not in block]
        return [int(block.split("id: ")[1].split("\n")[0]) for block in blocks]

    def is_cut(self) -> bool:
        while self.read():
            pass
        return True


class Room:
    """A running hub, and whoever listens."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.browsers = hub, list[Browser]()

    def reader(self, mechanic_id: UUID | None = None, user_id: UUID | None = None, topic: str = "mechanics") -> Reader:
        return Reader(Standing(uuid4(), user_id or uuid4(), "mechanic", mechanic_id), frozenset({topic, "all"}))

    def listen(self, reader: Reader | None = None, last: int = PRESENT, **more: object) -> Browser:
        ours, its = socket.socketpair()
        its.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        before = self.hub.open_streams()
        self.hub.adopt(Stream(ours, reader or self.reader(), last, **more), b"hello\n\n")  # type: ignore[arg-type]
        browser = Browser(its)
        self.browsers.append(browser)
        if browser.read():
            assert self.hub.open_streams() == before + 1
        return browser

    def publish(self, *ids: int, **more: object) -> None:
        self.hub.publish([frame(id_, **more) for id_ in ids])

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, "did not come true within 5 s"
            time.sleep(0.005)


def frame(
    id_: int,
    *topics: str,
    event: str = "request_broadcast",
    excluded: tuple[UUID, ...] = (),
    request_id: UUID = REQUEST,
    closes: bool = False,
    size: int = 1,
) -> Frame:
    data = render(event, {"fill": "x" * size}, id_)
    return Frame(id_, data, topics or ("mechanics",), excluded, request_id, event == "new_request", closes)


def running(hub: Hub) -> Iterator[Room]:
    hub.start()
    room = Room(hub)
    yield room
    hub.stop()
    for browser in room.browsers:
        browser.sock.close()
