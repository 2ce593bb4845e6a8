"""`python -m tests.mutants [word …]`: plays every mutation, or those with one of the words; exits 1 unless all die."""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from tests.database import MEMORY
from tests.mutants import (
    answering,
    asking,
    fairness,
    falling_back,
    listening,
    owning,
    paying,
    polling,
    privacy,
    reading,
    refunding,
    rescuing,
    waiting,
)
from tests.mutants.checkout import Checkout, Played
from tests.mutants.mutation import Mutation

R = TypeVar("R")

WORKERS = 2
ROOMS = (
    asking,
    answering,
    fairness,
    falling_back,
    reading,
    listening,
    owning,
    paying,
    polling,
    privacy,
    refunding,
    rescuing,
    waiting,
)
MUTATIONS = [mutation for room in ROOMS for mutation in room.MUTATIONS]


def main(words: list[str]) -> int:
    """Play them; the exit code."""
    began = time.monotonic()
    lines = [(number, mutation) for number, mutation in enumerate(MUTATIONS, 1) if _is_meant(mutation, words)]
    if not lines:
        sys.exit(f"No mutation has any of these words: {' '.join(words)}")
    with ExitStack() as stack:
        checkouts: SimpleQueue[Checkout] = SimpleQueue()
        for _ in range(WORKERS):
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="book-again-mutants-", dir=MEMORY))
            checkouts.put(Checkout(Path(home)))
        nodes = sorted({node for _, mutation in lines for node in mutation.nodes})
        print(f"{len(nodes)} tests without any mutation …", flush=True)
        if problem := _borrowed(checkouts, lambda checkout: _problem(checkout, nodes)):
            print(problem)
            return 1
        return _play(lines, checkouts, began)


def _problem(checkout: Checkout, nodes: list[str]) -> str:
    """What keeps the tests from passing unmutated; empty: nothing. xdist is silent about a wrong name."""
    for options in (["--collect-only"], ["-n", str(WORKERS)]):
        code, said = checkout.test(nodes, *options)
        if code:
            return f"{said}These must pass first (pytest's exit code: {code})."
    return ""


def _is_meant(mutation: Mutation, words: list[str]) -> bool:
    line = f"{mutation.file} {mutation.words} {mutation.tests}".lower()
    return not words or any(word.lower() in line for word in words)


def _borrowed(checkouts: SimpleQueue[Checkout], play: Callable[[Checkout], R]) -> R:
    """What `play` makes of a copy that nobody else uses now."""
    checkout = checkouts.get()
    try:
        return play(checkout)
    finally:
        checkouts.put(checkout)


def _play(lines: list[tuple[int, Mutation]], checkouts: SimpleQueue[Checkout], began: float) -> int:
    outcomes: Counter[str] = Counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        played = pool.map(lambda line: _borrowed(checkouts, lambda checkout: checkout.play(line[1])), lines)
        for (number, mutation), result in zip(lines, played, strict=True):
            _tell(number, mutation, result)
            outcomes[result.outcome] += 1
    told = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
    print(f"{len(lines)} mutations: {told}, in {time.monotonic() - began:.0f} s")
    return 0 if set(outcomes) == {"killed"} else 1


def _tell(number: int, mutation: Mutation, result: Played) -> None:
    words = mutation.words if len(mutation.words) <= 90 else f"{mutation.words[:89]}…"
    columns = f"{number:>3}  {mutation.file:<32} {words:<90} {mutation.row:<10}"
    print(f"{columns} {result.outcome:<8} {result.seconds:5.1f} s", flush=True)
    if result.outcome != "killed":
        print(f"     must fail: {' '.join(mutation.nodes)}")
    if result.outcome in ("broken", "stale"):
        print(result.said[-3000:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
