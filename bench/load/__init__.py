"""Many open streams, held by a client in C: it notes when each event arrives at each of them, and how busy it is."""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bench.built import program

BUSIEST = 0.7  # of its core: a busier client measures itself


class Arrivals(NamedTuple):
    """Of some events, all streams together; milliseconds since each event's own beginning, as percentiles.

    `completed`: when the last of it arrived, in nanoseconds of CLOCK_MONOTONIC. `size`: bytes of the last frame.
    """

    events: int
    deliveries: int
    lost: int
    twice: int
    size: int
    completed: int
    p50: float
    p99: float
    max: float


class State(NamedTuple):
    """How the streams are. Instants are nanoseconds of CLOCK_MONOTONIC, 0: never; `cpu` is the client's, in seconds."""

    streams: int
    open: int
    refused: int
    drops: int
    first_drop: int
    all_back: int
    seconds: float
    cpu: float
    in_time: bool


class Load:
    """The client; a context manager that ends it, and with it the streams."""

    def __init__(
        self,
        port: int,
        heads: Iterable[str],
        *,
        address: str = "127.0.0.1",
        event: str = "new_request",
        key: str = "id: ",
        inside: tuple[str, ...] = (),
    ) -> None:
        """`heads`: whole request heads, one a stream. An `event`'s number stands behind `key`, which begins a line.

        `inside`: a command that starts the client elsewhere, as in another network namespace.
        """
        client = program("client", "load/client.c", "load/record.c")
        with tempfile.NamedTemporaryFile("w", newline="") as file:
            file.write("".join(heads))
            file.flush()
            line = [*inside, client, address, str(port), file.name, event, key]
            self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self._asks("forget")  # its answer says that the file is read

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)

    def opens(self, streams: int, seconds: float = 60) -> State:
        """Opens so many, instead of those that are open; RuntimeError when not all are within `seconds`."""
        state = self._asks("open", streams, seconds)
        if state.open < streams:
            raise RuntimeError(f"of {streams} streams only {state.open} opened, {state.refused} were refused")
        return state

    def keeps(self, streams: int) -> None:
        """Closes all but the first ones, and forgets what has arrived."""
        self._asks("keep", streams)

    def closes(self) -> None:
        """Closes all, and forgets what has arrived."""
        self._asks("close")

    def waits(self, event: int, seconds: float = 30) -> State:
        """Returns when every stream has the event, or after `seconds`."""
        return self._asks("wait", event, seconds)

    def comes_back(self) -> None:
        """From now on a stream that breaks comes back, as a browser's does."""
        self._asks("reconnect")

    def waits_for_return(self, drops: int, seconds: float) -> State:
        """Returns when so many streams have broken and all are open again, or after `seconds`."""
        return self._asks("back", drops, seconds)

    def state(self) -> State:
        """As it is now."""
        return self._asks("state")

    def forgets(self) -> None:
        """Forgets what has arrived: at most 4,096 events are kept."""
        self._asks("forget")

    def arrivals(self, began: Mapping[int, int]) -> Arrivals:
        """Of these events, each with its beginning in nanoseconds of CLOCK_MONOTONIC."""
        return Arrivals(**self._answer("report", *(f"{event}:{at}" for event, at in began.items())))

    def _asks(self, *words: object) -> State:
        return State(**self._answer(*words))

    def _answer(self, *words: object) -> dict[str, float]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        if not (line := self.process.stdout.readline()):
            raise RuntimeError(f"the client ended with {self.process.wait(10)}")
        return json.loads(line)


def head(path: str, cookie: str = "") -> str:
    """A stream's request, whole."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: text/event-stream"]
    return "\r\n".join([*lines, *([f"Cookie: {cookie}"] if cookie else []), "", ""])


class Busy:
    """How busy the client was: `share` of its core from the beginning of the `with` to its end."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.share = 0.0

    def __enter__(self) -> "Busy":
        self._cpu, self._began = self._load.state().cpu, time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.share = (self._load.state().cpu - self._cpu) / (time.monotonic() - self._began)
