"""`python app.py` to the first answer of /readyz: on a fresh instance, and once more on the same one."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from urllib.request import ProxyHandler, build_opener

from bench.figures import Figure, figure
from bench.stage import SETTINGS
from favorites.postgres import home_of
from tests.server import Server

ROUNDS = 5
PATIENCE = 60.0  # seconds
LOOK = 0.01  # seconds between two questions


def measure() -> Iterator[Figure]:
    """Cold: initdb, the schema and the server; warm: PostgreSQL's start, the look at the schema and the server."""
    rounds = [_round() for _ in range(ROUNDS)]
    for name, took, most in zip(("cold", "warm"), zip(*rounds, strict=True), (6, 3), strict=True):
        note = f"of {ROUNDS}: {min(took):.2f} to {max(took):.2f} s"
        yield figure(f"start, {name}: python app.py to ready, median", median(took), "s", most=most, note=note)


def _round() -> tuple[float, float]:
    instance = Path(tempfile.mkdtemp(prefix="book-again-bench-"))
    try:
        return _start(instance), _start(instance)
    finally:
        shutil.rmtree(home_of(instance), ignore_errors=True)
        shutil.rmtree(instance, ignore_errors=True)


def _start(instance: Path) -> float:
    """Seconds."""
    browser, began = build_opener(ProxyHandler({})), time.monotonic()
    with Server(instance, **SETTINGS) as server:
        while time.monotonic() < began + PATIENCE:
            try:
                browser.open(f"{server.url}/readyz", timeout=5).close()
            except OSError:  # refused, or not everything is there
                time.sleep(LOOK)
            else:
                return time.monotonic() - began
    raise TimeoutError(f"not ready within {PATIENCE:.0f} s")
