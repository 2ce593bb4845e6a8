"""The door of the hub's process: web processes ask here for a seat, hand streams over, and stay to watch."""

import logging
import socket
import threading
from contextlib import suppress
from time import monotonic, sleep
from uuid import UUID

from favorites import apart
from favorites.live.far import stream_of
from favorites.live.feed import Feed
from favorites.live.hub import Hub

log = logging.getLogger(__name__)

GRACE = 20.0  # seconds without a watcher: a killed server may be back by then, on a busy machine, too
LEAVING = 2.0  # seconds for watchers who have ended to be seen to have


class Door:
    """A thread that opens, and one a connection; a connection lasts as long as one request, or as a web process."""

    def __init__(self, listener: socket.socket, hub: Hub, feed: Feed, grace: float = GRACE) -> None:
        self._listener, self._hub, self._feed, self._grace = listener, hub, feed, grace
        self._watchers: set[socket.socket] = set()
        self._alone_since = monotonic()
        self._is_open, self._is_told_to_stop = True, False
        self._changed = threading.Condition()

    def start(self) -> None:
        """Starts the thread."""
        threading.Thread(target=self._run, name="live-door", daemon=True).start()

    def stop(self) -> None:
        """Lets nobody in any more."""
        self._is_open = False
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept()
        self._listener.close()

    def wait(self) -> None:
        """Returns when nobody needs the process any more: told so, or for a while without a watcher."""
        with self._changed:
            while not self._is_told_to_stop and self._rest() > 0:
                self._changed.wait(self._rest())

    def tell_to_stop(self) -> None:
        """Lets `wait` return."""
        with self._changed:
            self._is_told_to_stop = True
            self._changed.notify_all()

    def _rest(self) -> float:
        return self._grace if self._watchers else self._alone_since + self._grace - monotonic()

    def _run(self) -> None:
        while self._is_open:
            try:
                line, _ = self._listener.accept()
            except OSError:  # no descriptor is free, say; who waits outside goes on without us
                if self._is_open:
                    log.exception("[Live] the hub's door is stuck")
                    sleep(1)
            else:
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        try:
            with suppress(OSError):  # it has gone
                while True:
                    self._hear(line, *apart.receive(line))
        except Exception:
            log.exception("[Live] what came through the hub's door makes no sense")
        finally:
            self._leave(line)
            line.close()

    def _hear(self, line: socket.socket, message: apart.Message, descriptors: list[int]) -> None:
        match message["what"]:
            case "seat":
                answer = self._seat(UUID(message["user_id"]))
            case "watch":
                self._enter(line)
                answer = {"is_well": self._is_well()}
            case "stop":
                answer = {"stops": self._is_alone()}
            case _:
                return self._hub.adopt(*stream_of(message, socket.socket(fileno=descriptors[0])))
        apart.send(line, answer)
        if answer.get("stops"):
            self.tell_to_stop()
        return None

    def _seat(self, user_id: UUID) -> apart.Message:
        ring = self._hub.ring
        known = [ring.floor, ring.newest]
        return {"is_well": self._is_well(), "refusal": self._hub.refusal(user_id), "ring": known}

    def _is_well(self) -> bool:
        return self._feed.is_ready.is_set() and not self._feed.is_late()

    def _enter(self, line: socket.socket) -> None:
        with self._changed:
            self._watchers.add(line)

    def _leave(self, line: socket.socket) -> None:
        with self._changed:
            if line in self._watchers:
                self._watchers.remove(line)
                self._alone_since = monotonic()
                self._changed.notify_all()

    def _is_alone(self) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._watchers, LEAVING)
