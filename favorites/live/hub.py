"""The hub: one thread that holds every stream of this process.

Other threads talk to it through `adopt`, `publish`, `afterwards`, `whisper`, `begin` and `end`, which leave a note and
wake it. Everything below the line "in the hub's thread" runs there alone, so nothing needs a lock. A frame costs one
`send()` a stream.
"""

import logging
import selectors
import socket
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID

from favorites.live.crowd import Crowd
from favorites.live.frames import Frame, render
from favorites.live.reader import PRESENT, Stream
from favorites.live.ring import Ring
from favorites.queries.standing import Standing

log = logging.getLogger(__name__)

# Seconds, of every process with a hub. By default a thread that computes, a page's say, makes hub and feed wait 5 ms.
SWITCH = 0.0005
HEARTBEAT = 15.0  # seconds between two pings of a stream
LIMIT = 256 * 1024  # bytes a stream may lag behind; then it is cut and comes back by itself
BOARD_READ = 15  # ms that a board is given to read itself anew, three times what it takes; all do after news for all
REMEMBERED = 10_000  # ended sign-ins
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Hub:
    """Streams and their topics. `each_second`: what else must look after itself, called in the hub's thread."""

    def __init__(self, *, per_user: int, most: int, heartbeat: float = HEARTBEAT, ring: Ring | None = None) -> None:
        self.ring = ring or Ring()
        self.per_user, self.most, self.heartbeat = per_user, most, heartbeat
        self.skew = timedelta()  # the database's clock minus ours
        self.each_second: list[Callable[[], None]] = []
        self._crowd = Crowd()
        self._ended: OrderedDict[UUID, None] = OrderedDict()
        self._notes: deque[Callable[[], None]] = deque()
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        for end in (self._bell, self._ear):
            end.setblocking(False)
        self._selector.register(self._ear, READ)
        self._is_running = True
        self._thread = threading.Thread(target=self._run, name="live-hub", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Closes every stream and waits for the thread's end."""
        self._note(self._stop)
        self._thread.join(5)

    def refusal(self, user_id: UUID) -> str | None:
        """The sentence for a person who may not open one more stream; None: there is room."""
        if self._crowd.users[user_id] >= self.per_user:
            return f"You have {self.per_user} live pages open. Close some and try again."
        if len(self._crowd.streams) >= self.most:
            return "Too many live pages are open right now. Please try again in a minute."
        return None

    def standings(self) -> list[Standing]:
        """As whom streams are open now."""
        return list(self._crowd.standings)

    def open_streams(self) -> int:
        """How many streams are open now."""
        return len(self._crowd.streams)

    def adopt(self, stream: Stream, head: bytes = b"") -> None:
        """Takes the socket over, writes `head` and what the stream has missed, then whatever comes."""
        self._note(lambda: self._adopt(stream, head))
        if not self._thread.is_alive():
            stream.sock.close()

    def publish(self, frames: Collection[Frame]) -> None:
        """The next events, in the order of their ids."""
        self._note(lambda: self._publish(frames))

    def afterwards(self, step: Callable[[], None]) -> None:
        """Calls it, in the hub's thread, once all that was published before is sent: it must not take long."""
        self._note(step)

    def whisper(self, topic: str, data: bytes) -> None:
        """Tells who listens to the topic now what is no event: it has no id, and who is away never hears of it."""
        self._note(lambda: self._whisper(topic, data))

    def begin(self, newest: int) -> None:
        """Events are known from here on; whoever listens already reads their state anew."""
        self._note(lambda: self._begin(newest))

    def end(self, lost: dict[Standing, bool]) -> None:
        """Closes the streams of these; True: the sign-in has ended, and never gets a stream again."""
        self._note(lambda: self._end(lost))

    def now(self) -> str:
        """The database's time, as near as we know it."""
        return (datetime.now(UTC) + self.skew).isoformat(timespec="milliseconds")

    def _note(self, note: Callable[[], None]) -> None:
        self._notes.append(note)
        if len(self._notes) == 1:  # else another is unread, for which it wakes, and reads all
            with suppress(OSError):  # full: it will wake anyway; closed: it has stopped
                self._bell.send(b"!")

    # ---- in the hub's thread ----

    def _run(self) -> None:
        tick = monotonic()
        while self._is_running:
            for key, events in self._selector.select(max(0.0, tick - monotonic())):
                if key.data is None:
                    self._obey()
                elif key.data in self._crowd.streams:  # another event of this round may have closed it
                    self._serve(key.data, events)
            if monotonic() >= tick:
                tick = monotonic() + min(1.0, self.heartbeat / 5)
                self._guarded(self._ping)
                for duty in self.each_second:
                    self._guarded(duty)
        self._obey()  # who came while it stopped is turned away
        for resource in (self._selector, self._ear, self._bell):
            resource.close()

    def _obey(self) -> None:
        with suppress(BlockingIOError):
            while self._ear.recv(4096):
                pass
        while self._notes:
            self._guarded(self._notes.popleft())

    def _guarded(self, step: Callable[[], None]) -> None:
        """One mistake must not end everybody's stream."""
        try:
            step()
        except Exception:
            log.exception("the live hub stumbled")

    def _serve(self, stream: Stream, events: int) -> None:
        """A socket is ready: what a browser sends is of no interest, that it has gone is."""
        if events & READ:
            try:
                gone = not stream.sock.recv(4096)
            except BlockingIOError:
                gone = False
            except OSError:
                gone = True
            if gone:
                return self._close(stream, "left")
        if events & WRITE:
            rest, stream.pending = stream.pending, b""
            self._selector.modify(stream.sock, READ, stream)
            self._send(stream, rest)
        return None

    def _adopt(self, stream: Stream, head: bytes) -> None:
        standing = stream.reader.standing
        has_ended = standing.sign_in_id in self._ended or not self._is_running
        if has_ended or self.refusal(standing.user_id):  # asked before, but others have come meanwhile
            return stream.sock.close()
        self._selector.register(stream.sock, READ, stream)
        self._crowd.add(stream)
        stream.ping_at = monotonic() + self.heartbeat
        log.debug("stream opened for %s %s", standing.role, standing.user_id)
        return self._send(stream, head + self._missed(stream))

    def _missed(self, stream: Stream) -> bytes:
        if stream.last == PRESENT and not stream.is_reset:
            stream.last = stream.delivered = self.ring.newest
            return b"id: %d\n\n" % stream.last  # else who is cut before the first event could not say where to go on
        frames = None if stream.is_reset else self.ring.after(stream.last, stream.reader)
        if frames is None:
            return self._reset(stream)
        if frames:
            stream.last = stream.delivered = frames[-1].id
        return b"".join(frame.data for frame in frames)

    def _reset(self, stream: Stream) -> bytes:
        stream.last = stream.delivered = self.ring.newest
        return render("reset", {"at": self.now()}, self.ring.newest)

    def _begin(self, newest: int) -> None:
        self.ring.begin(newest)
        for stream in tuple(self._crowd.streams):
            self._send(stream, self._reset(stream))

    def _publish(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            self.ring.add(frame)
            for topic in frame.topics:
                self._tell(self._crowd.of(topic), frame.id, frame.data, frame.excluded)

    def _whisper(self, topic: str, data: bytes) -> None:
        for stream in self._crowd.of(topic):
            self._send(stream, data)

    def _tell(self, streams: Iterable[Stream], id_: int, data: bytes, excluded: Collection[UUID]) -> None:
        """The way that is walked for every stream and event: a microsecond here is a tenth of the rate."""
        for stream in streams:
            if stream.last < id_ and not (excluded and stream.excluded_as in excluded):
                stream.last = stream.delivered = id_
                self._send(stream, data)

    def _send(self, stream: Stream, data: bytes) -> None:
        if stream.pending:
            stream.pending += data
        else:
            try:
                sent = stream.sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                return self._close(stream, "broke")
            if sent == len(data):
                return None
            stream.pending += data[sent:]
            self._selector.modify(stream.sock, READ | WRITE, stream)
        return self._close(stream, "was too slow") if len(stream.pending) > LIMIT else None

    def _ping(self) -> None:
        now, told = monotonic(), {"at": self.now(), "spread": BOARD_READ * self._crowd.size("mechanics")}
        pings: dict[int | None, bytes] = {}
        for stream in [stream for stream in self._crowd.streams if stream.ping_at <= now]:
            stream.ping_at = now + self.heartbeat
            last = stream.delivered
            self._send(stream, pings.get(last) or pings.setdefault(last, render("ping", told, last)))

    def _end(self, lost: dict[Standing, bool]) -> None:
        for standing, is_over in lost.items():
            if is_over:
                self._ended[standing.sign_in_id] = None
        while len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        for stream in [stream for stream in self._crowd.streams if stream.reader.standing in lost]:
            self._close(stream, "ended")

    def _close(self, stream: Stream, why: str) -> None:
        if stream not in self._crowd.streams:
            return
        self._crowd.remove(stream)
        self._selector.unregister(stream.sock)
        stream.sock.close()
        log.debug("stream %s after %.0f s", why, monotonic() - stream.opened)

    def _stop(self) -> None:
        self._is_running = False
        for stream in tuple(self._crowd.streams):
            self._close(stream, "stopped")
