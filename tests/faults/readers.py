"""Readers who do not read: what is put aside for them has an end, and nobody waits for them."""

import socket
import time
from contextlib import suppress

from favorites.live.hub import LIMIT
from tests.faults.news import BOARD
from tests.faults.registry import fault
from tests.faults.streams import Scene, boards
from tests.faults.town import Person
from tests.server import Server, until

EMOJI = "\U0001f697" * 2000  # 24 kB in a frame


class Sluggard:
    """Opens a board through a tiny window and reads nothing."""

    def __init__(self, server: Server, person: Person) -> None:
        self.server = server
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.connect(("127.0.0.1", server.port))
        self.port = self.sock.getsockname()[1]
        request = f"GET {BOARD} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {person.cookie}\r\n\r\n"
        self.sock.sendall(request.encode())
        until(lambda: self.sock.recv(1, socket.MSG_PEEK), "the stream begins", 10)

    def is_cut(self) -> bool:
        """Whether the server holds its end no longer."""
        connections = self.server.workers()[0].net_connections("tcp")
        return not any(each.raddr and each.raddr.port == self.port for each in connections)

    def read(self) -> int:
        """How many bytes had been put aside for it."""
        size = 0
        with suppress(ConnectionError), self.sock:
            while piece := self.sock.recv(65536):
                size += len(piece)
        return size


@fault(
    "K46",
    "A reader who reads nothing, through a tiny window: with much news, and with little",
    "cut at 256 KiB, or after 30 s of silence; the others hear each event within a second meanwhile",
    2,
)
def slow_readers(times: int) -> int:
    with boards(20) as scene:
        for turn in range(times):
            glut(scene) if turn % 2 == 0 else stall(scene)
    return len(scene.here.violations)


def glut(scene: Scene) -> None:
    """More than may be put aside for one reader."""
    here, server, told, people, _ = scene
    slow, ear = Sluggard(server, people[0]), told.ear(people[1], after=told.newest())
    for _ in range(40):
        if slow.is_cut():
            break
        committed = told.happen(concern=EMOJI)
        ear.until("new_request")
        seconds = time.monotonic() - committed
        here.claim(seconds < 1, f"beside a slow reader news took {seconds:.1f} s")
    here.claim(slow.is_cut(), "a reader who reads nothing was not cut")
    size = slow.read()
    here.claim(size < 2 * LIMIT, f"{size >> 10} KiB were put aside for a slow reader")
    ear.close()


def stall(scene: Scene) -> None:
    """Too little to reach the bound: the silence is enough."""
    slow = Sluggard(scene.server, scene.people[0])
    scene.told.happen(concern=EMOJI)
    time.sleep(5)
    scene.here.claim(not slow.is_cut(), "a reader who pauses was cut at once")
    began = time.monotonic()
    while not slow.is_cut() and time.monotonic() < began + 60:
        time.sleep(0.5)
    scene.here.claim(slow.is_cut(), "a reader who reads nothing keeps the place for more than a minute")
    slow.sock.close()
