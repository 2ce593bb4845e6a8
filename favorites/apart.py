"""Streams in a process of their own: where it listens, how one speaks to it, how it is started and stopped.

It is nobody's child (see `favorites.postgres`), and there is one: whoever starts it holds `hub.lock` before it lives,
and it inherits that lock. It ends when nobody has watched it for a while, or at once when the server ends in order.
The process itself is `favorites.live.process`; this module is light, for the arbiter uses it, too.
"""

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from favorites.embedded.places import fitting, lock, make_private, open_lock
from favorites.settings import ROOT, Settings

PROTOCOL = 1  # another one is spoken at another place: code of two ages never misunderstands each other
TIMEOUT = 1.0  # seconds that an answer may take
STOP_PATIENCE = 8  # seconds
BACKLOG = 256

Message = dict[str, Any]


def listening(settings: Settings) -> Path:
    """Where it listens: below INSTANCE_DIR, one for each database. Makes the directory; MachineError, OSError."""
    name = sha256(f"{PROTOCOL} {settings.database_url}".encode()).hexdigest()[:8]
    directory = fitting(settings.instance_dir.resolve() / "hub", f"{name}.socket")
    directory.parent.mkdir(parents=True, exist_ok=True)
    make_private(directory, None)
    return directory / f"{name}.socket"


def listen(settings: Settings) -> socket.socket:
    """The socket on which the process listens; what a killed one left there is taken away."""
    place = listening(settings)
    place.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place))
    place.chmod(0o600)
    listener.listen(BACKLOG)
    return listener


def connect(settings: Settings, timeout: float | None = None) -> socket.socket:
    """A connection to it whose every answer is waited for so long (seconds, else TIMEOUT); OSError: there is none."""
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(timeout or TIMEOUT)
    try:
        line.connect(str(listening(settings)))
    except OSError:
        line.close()
        raise
    return line


def ask(line: socket.socket, message: Message) -> Message:
    """Its answer; OSError when none comes in time."""
    send(line, message)
    answer, _ = receive(line)
    return answer


def send(line: socket.socket, message: Message, *descriptors: int) -> None:
    """One message: its length in four bytes, with which descriptors travel, and JSON."""
    text = json.dumps(message).encode("ascii")
    socket.send_fds(line, [len(text).to_bytes(4, "big")], descriptors)
    line.sendall(text)


def receive(line: socket.socket) -> tuple[Message, list[int]]:
    """The next message and its descriptors, which are the caller's now; ConnectionError at the end."""
    head, descriptors, _, _ = socket.recv_fds(line, 4, 1)
    try:
        head += _exactly(line, 4 - len(head))
        message: Message = json.loads(_exactly(line, int.from_bytes(head, "big")))
    except BaseException:
        for descriptor in descriptors:
            os.close(descriptor)
        raise
    return message, descriptors


def _exactly(line: socket.socket, number: int) -> bytes:
    text = bytearray()
    while len(text) < number:
        piece = line.recv(min(number - len(text), 65536))
        if not piece:
            raise ConnectionResetError("the other end has gone")
        text += piece
    return bytes(text)


def start(settings: Settings) -> bool:
    """Starts it, unless one lives already; returns at once. Whether this call did; MachineError, OSError."""
    descriptor = open_lock(_lock_of(settings))
    try:
        if not lock(descriptor, fcntl.LOCK_EX):
            return False
        subprocess.run(
            ["sh", "-c", '"$@" &', "sh", sys.executable, "-m", "favorites.live.process", str(descriptor)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            pass_fds=[descriptor],
            start_new_session=True,  # neither Ctrl-C nor the terminal's end is for it
            check=True,
        )
    finally:
        os.close(descriptor)
    return True


def stop(settings: Settings) -> None:
    """Stops it and waits until it is gone, unless another server uses it, too."""
    descriptor = open_lock(_lock_of(settings))
    deadline = time.monotonic() + STOP_PATIENCE
    while not lock(descriptor, fcntl.LOCK_EX) and time.monotonic() < deadline:
        with suppress(OSError), connect(settings, STOP_PATIENCE) as line:  # it may still be starting
            if not ask(line, {"what": "stop"})["stops"]:
                break
        time.sleep(0.02)
    os.close(descriptor)


def _lock_of(settings: Settings) -> Path:
    return listening(settings).with_suffix(".lock")
