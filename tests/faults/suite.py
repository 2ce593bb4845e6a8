"""Faults that tests of the suite provoke already."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def by_tests(*node_ids: str, each: int = 1, **environment: str) -> Callable[[int], int]:
    """A play function that runs these tests, again and again, in a pytest of their own; how many of them failed.

    `each`: how often one run of a test provokes it.
    """

    def play(times: int) -> int:
        line = [sys.executable, "-m", "pytest", "-p", "tests.faults.again", "--timeout", "1800", *node_ids]
        ours = os.environ | {"FAULT_TIMES": str(max(1, times // each)), **environment}
        told = subprocess.run(line, cwd=ROOT, env=ours, capture_output=True, text=True, check=False)
        if told.returncode == 0:
            return 0
        print(told.stdout, file=sys.stderr)
        return sum(int(number) for number in re.findall(r"(\d+) (?:failed|error)", told.stdout)) or 1

    return play
