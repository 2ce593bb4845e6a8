"""Who reads a stream, and the stream."""

import socket
from dataclasses import dataclass
from time import monotonic

from favorites.live.frames import Frame
from favorites.queries.standing import Standing

PRESENT = -1  # as `last`: from now on
SEND_BUFFER = 64 * 1024  # of the kernel, a stream; by default it would take megabytes for a reader who stalls
# Milliseconds that a browser may leave unacknowledged what was sent, a ping at the least; by default the kernel keeps a
# laptop that sleeps for 15 minutes, and its mechanic would be "available" for as long.
PATIENCE = 30_000


@dataclass(frozen=True, slots=True)
class Reader:
    """A person with what they listen to."""

    standing: Standing
    topics: frozenset[str]

    def hears(self, frame: Frame) -> bool:
        """Whether the frame is for this reader."""
        return not self.topics.isdisjoint(frame.topics) and self.standing.mechanic_id not in frame.excluded


class Stream:
    """One open stream. `last`: no frame up to this id is written.

    `delivered` is the last id the browser has, for the pings. `is_reset`: the browser must read its state anew.
    """

    __slots__ = ("delivered", "excluded_as", "is_reset", "last", "opened", "pending", "ping_at", "reader", "sock")

    def __init__(
        self,
        sock: socket.socket,
        reader: Reader,
        last: int = PRESENT,
        *,
        delivered: int | None = None,
        is_reset: bool = False,
    ) -> None:
        self.sock, self.reader = sock, reader
        self.last, self.delivered, self.is_reset = last, delivered, is_reset
        self.excluded_as = reader.standing.mechanic_id
        self.pending = b""  # what the kernel did not take yet; one empty object for all, which a broadcast finds cached
        self.opened = self.ping_at = monotonic()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if sock.family in (socket.AF_INET, socket.AF_INET6) and hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, PATIENCE)
