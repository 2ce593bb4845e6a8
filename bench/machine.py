"""Where it ran."""

import os
import platform
from pathlib import Path
from typing import Any

from favorites.embedded import programs


def machine(disk: Path) -> dict[str, Any]:
    """`load_average` is that of the minute before: far above 0, the figures are pessimistic."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "model": _model(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "file_system": _file_system(disk),
        "python": platform.python_version(),
        "postgresql": programs.major_of(programs.binaries()),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _model() -> str:
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _file_system(place: Path) -> str:
    """Its type: on tmpfs a commit costs nothing."""
    mounts = [line.split()[1:3] for line in _lines("/proc/self/mounts")]
    holding = [(len(point), kind) for point, kind in mounts if place.resolve().is_relative_to(point)]
    return max(holding, default=(0, "unknown"))[1]


def _lines(path: str) -> list[str]:
    """None where there is no such file: elsewhere than on Linux."""
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
