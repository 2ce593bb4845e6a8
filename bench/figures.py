"""What was measured, as a table, and on what machine."""

import math
import os
import platform
from pathlib import Path
from typing import Any, NamedTuple

HEAD = ("measured, in ms", "n", "p50", "p99", "max", "goal", "ok")


class Figure(NamedTuple):
    """One line; `goal` is the most that the 99th percentile may be. All but `name` and `n` in milliseconds."""

    name: str
    n: int
    p50: float
    p99: float
    max: float
    goal: float
    ok: bool


def figure(name: str, values: list[float], goal: float) -> Figure:
    """Percentiles by nearest rank: of 200 values the 99th is the third largest, of 50 the largest."""
    ranked = sorted(values)
    p50, p99 = (round(ranked[math.ceil(share * len(ranked)) - 1], 1) for share in (0.50, 0.99))
    return Figure(name, len(ranked), p50, p99, round(ranked[-1], 1), goal, p99 < goal)


def table(figures: list[Figure]) -> str:
    """As Markdown, readable as it is."""
    lines = [HEAD, *([str(value) for value in (*one[:-1], "yes" if one.ok else "NO")] for one in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    ruled = [lines[0], ["-" * width for width in widths], *lines[1:]]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in ruled
    )


def machine(postgresql: str, disk: Path) -> dict[str, Any]:
    """Where it ran. `load_average` is that of the minute before: far above 0, the figures are pessimistic."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "model": _model(),
        "system": platform.system(),
        "file_system": _file_system(disk),
        "python": platform.python_version(),
        "postgresql": postgresql,
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
