"""A test build's switch: this process kills itself with SIGKILL at a named place, for `make faults`.

`CRASH_AT` is the path of a file. While it holds the name of a place, the first process to get there takes the file away
and dies; so each arming kills once, and whoever comes after lives. Unset, as everywhere outside the tests, each place
costs one comparison.
"""

import os
import signal
from pathlib import Path

SWITCH = os.environ.get("CRASH_AT", "")


def here(place: str) -> None:
    """Dies if this is the armed place."""
    if SWITCH and is_next(place):
        die()


def is_next(place: str) -> bool:
    """Whether this is the armed place."""
    try:
        return Path(SWITCH).read_text() == place
    except FileNotFoundError:
        return False


def die() -> None:
    """Takes the switch away and kills this process, unless another process was quicker to take it."""
    try:
        os.unlink(SWITCH)
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
