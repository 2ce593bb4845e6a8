"""What processes use of the machine."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

TASKS = "/proc/{}/task"


def cpu(processes: Iterable[psutil.Process]) -> float:
    """CPU seconds that their threads have had so far; to the nanosecond, where times() knows hundredths only."""
    return sum(_ran(task) for process in processes for task in Path(TASKS.format(process.pid)).glob("*")) / 1e9


def _ran(task: Path) -> int:
    with suppress(OSError):  # ended meanwhile
        return int((task / "schedstat").read_text().split()[0])
    return 0


def memory(processes: Iterable[psutil.Process]) -> int:
    """Their proportional set size, in bytes."""
    return sum(process.memory_full_info().pss for process in processes)
