"""A copy of the checkout to make mistakes in, so that nobody else's working tree is touched."""

import os
import shutil
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import NamedTuple

from tests.mutants.mutation import Mutation

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180  # seconds for the tests of one mutation
STAMP = count(1_000_000_000)


class Played(NamedTuple):
    """What became of a mutation: killed, survived, or broken, with what pytest said."""

    outcome: str
    seconds: float
    said: str


class Checkout:
    """The tracked and the new files of this checkout, copied to `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        listed = subprocess.run(["git", "ls-files", "-co", "-z", "--exclude-standard"], cwd=ROOT, capture_output=True)
        for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
            if (ROOT / name).is_file():  # not deleted meanwhile
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, home / name)

    def play(self, mutation: Mutation) -> Played:
        """Make the mistake, run its tests, and take it back."""
        file = self.home / mutation.path
        source = file.read_text()
        mistaken = mutation.applied(source)
        if mistaken is None:
            return Played("stale", 0, f"{mutation.path} does not have this exactly once: {mutation.old}")
        began = time.monotonic()
        try:
            _write(file, mistaken)
            code, said = self.test(mutation.nodes, "-x")
        finally:
            _write(file, source)
        return Played(_outcome(code, said), time.monotonic() - began, said)

    def test(self, nodes: list[str], *options: str) -> tuple[int, str]:
        """pytest's exit code and words."""
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=60", *options, *nodes]
        process = subprocess.Popen(
            command, cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        try:
            said, _ = process.communicate(timeout=PATIENCE + len(nodes))
        except subprocess.TimeoutExpired:
            process.terminate()  # pytest then stops its PostgreSQL
            return -1, process.communicate()[0]
        return process.returncode, said


def _write(file: Path, source: str) -> None:
    """With a time of its own: Python takes a compiled file of the same second and size for a fresh one."""
    file.write_text(source)
    stamp = next(STAMP)
    os.utime(file, (stamp, stamp))


def _outcome(code: int, said: str) -> str:
    """Killed is a test that failed; what cannot be imported or set up, or takes too long, proves nothing."""
    if code == 0:
        return "survived"
    is_killed = code == 1 and "\nFAILED tests/" in said and "from pytest-timeout" not in said
    return "killed" if is_killed else "broken"
