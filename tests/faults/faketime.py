"""A clock that can be set, for processes that are started with it: libfaketime."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from tests.faults.ground import Ground, ground
from tests.faults.tools import path_of

LIBRARY = "libfaketime.so.1"
# With the monotonic clock left alone, as it is where somebody sets a clock, the library breaks an absolute sleep.
SLEEP = "import threading, time\ntime.sleep = lambda seconds: threading.Event().wait(seconds)\n"


class Clock:
    """The clock of every process that has its environment."""

    def __init__(self, home: Path) -> None:
        home.chmod(0o755)  # PostgreSQL runs as somebody else
        self._file = home / "clock"
        (home / "sitecustomize.py").write_text(SLEEP)
        self.environment = {
            "LD_PRELOAD": str(path_of(LIBRARY)),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": str(home),
        }
        self.set(0)

    def set(self, offset: float) -> None:
        """So many seconds after the true time, from now on."""
        self.offset = offset
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset:+.3f}")
        new.chmod(0o644)
        os.replace(new, self._file)


@contextmanager
def clock() -> Iterator[Clock]:
    """One that shows the true time."""
    home = Path(tempfile.mkdtemp(prefix="book-again-clock-"))
    try:
        yield Clock(home)
    finally:
        shutil.rmtree(home)


@contextmanager
def ground_of(clock: Clock) -> Iterator[Ground]:
    """A ground whose PostgreSQL goes by this clock."""
    faked = patch.dict(os.environ, clock.environment)
    faked.start()
    try:
        with ground() as here:
            faked.stop()
            yield here
    finally:
        patch.stopall()
