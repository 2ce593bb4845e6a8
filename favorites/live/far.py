"""The hub's process as the others see it: one that takes streams, and that somebody must start when it is not there."""

import logging
import os
import select
import socket
import threading
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from functools import partial
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from favorites import apart
from favorites.embedded.machine import MachineError
from favorites.live.hub import Hub
from favorites.live.reader import Reader, Stream
from favorites.live.seat import Seat
from favorites.queries.standing import Standing
from favorites.settings import Settings

log = logging.getLogger(__name__)

LOOK = 1.0  # seconds between two looks whether it is well; that it has died is seen at once
RETRY = 0.1  # seconds between two tries to reach it
START_EVERY = 2.0  # seconds, where it dies as soon as it lives
PATIENCE = 5.0  # seconds that a process waits for it before it serves: all streams come back at once
FAILED = (OSError, ValueError, KeyError, MachineError)


class Bounds(NamedTuple):
    """What its ring knew when it was asked."""

    floor: int
    newest: int


class FarHub:
    """Hands streams over. Whom it cannot reach it for, `near` takes: nobody is refused for that."""

    def __init__(self, settings: Settings, near: Hub) -> None:
        self.is_well = False  # it answers, and so does its feed
        self._settings, self._near = settings, near
        self._start_at = 0.0
        self._has_answered = threading.Event()
        self._stopped = threading.Event()
        self._ear, self._bell = os.pipe()
        self._thread = threading.Thread(target=self._run, name="far-hub", daemon=True)

    def start(self) -> None:
        """Starts the thread that watches it, and waits a little until it answers."""
        self._thread.start()
        if not self._has_answered.wait(PATIENCE):
            log.warning("[Live] the hub's process does not answer yet; streams are held here")

    def stop(self) -> None:
        """Watches no longer; the streams stay where they are."""
        self._stopped.set()
        os.write(self._bell, b"!")
        self._thread.join(2)
        os.close(self._ear)
        os.close(self._bell)

    def seat(self, user_id: UUID) -> Seat | None:
        """A place there; None: it cannot be had in time."""
        if not self.is_well:
            return None
        try:
            with ExitStack() as stack:
                line = stack.enter_context(apart.connect(self._settings))
                answer = apart.ask(line, {"what": "seat", "user_id": str(user_id)})
                if not answer["is_well"]:  # it has died, say, and another has yet to read where it is
                    return None
                seat = Seat(answer["refusal"], Bounds(*answer["ring"]), partial(self._hand_over, line))
                if not seat.refusal:
                    stack.pop_all()  # the line is the seat's
                return seat
        except FAILED as error:
            self._failed(error)
            return None

    def _hand_over(self, line: socket.socket, stream: Stream, head: bytes) -> None:
        try:
            with line:
                apart.send(line, message_of(stream, head), stream.sock.fileno())
        except OSError as error:
            self._failed(error)
            self._near.adopt(stream, head)
        else:
            stream.sock.close()

    def _failed(self, error: Exception) -> None:
        """Not asked again until the watch has reached it: one that hangs must not hold up every request."""
        self.is_well = False
        log.debug("[Live] the hub's process does not take a stream: %s", error)

    def _run(self) -> None:
        while not self._stopped.is_set():
            with suppress(*FAILED):
                self._watch()
            self._start_another()
            self._stopped.wait(RETRY)

    def _watch(self) -> None:
        """Returns or fails when it is gone, or we are."""
        try:
            with apart.connect(self._settings) as line:
                ears: list[socket.socket | int] = [line, self._ear]
                while not self._stopped.is_set():
                    self.is_well = apart.ask(line, {"what": "watch"})["is_well"]
                    if self.is_well:
                        self._has_answered.set()
                    if select.select(ears, [], [], LOOK if self.is_well else RETRY)[0]:
                        return
        finally:
            if self.is_well and not self._stopped.is_set():
                log.warning("[Live] the hub's process is away; streams are held here meanwhile")
            self.is_well = False

    def _start_another(self) -> None:
        if self._stopped.is_set() or monotonic() < self._start_at:
            return
        try:
            is_started = apart.start(self._settings)
        except FAILED as error:
            if not self._start_at:
                log.warning("[Live] the hub's process cannot be started; streams are held here: %s", error)
            is_started = True
        if is_started:
            self._start_at = monotonic() + START_EVERY


def message_of(stream: Stream, head: bytes) -> apart.Message:
    """A stream, without its socket."""
    return {
        "what": "stream",
        "standing": [None if word is None else str(word) for word in stream.reader.standing],
        "topics": [*stream.reader.topics],
        "last": stream.last,
        "delivered": stream.delivered,
        "is_reset": stream.is_reset,
        "head": head.decode("latin-1"),
    }


def stream_of(message: apart.Message, sock: socket.socket) -> tuple[Stream, bytes]:
    """A stream that came with its socket, and the head of its answer."""
    standing = _standing(message["standing"])
    reader = Reader(standing, frozenset(message["topics"]))
    stream = Stream(sock, reader, message["last"], delivered=message["delivered"], is_reset=message["is_reset"])
    return stream, message["head"].encode("latin-1")


def _standing(words: Iterable[str | None]) -> Standing:
    sign_in, user, role, mechanic, workshop = words
    assert sign_in
    assert user
    assert role
    return Standing(
        UUID(sign_in), UUID(user), role, UUID(mechanic) if mechanic else None, UUID(workshop) if workshop else None
    )
