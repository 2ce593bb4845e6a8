"""`python -m tests.faults.control`: five faults against deliberately broken code; each must report violations.

A fault that finds nothing in broken code proves nothing about ours.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.database import MEMORY
from tests.mutants.checkout import Checkout

TOLD = re.compile(r"^1 faults, (\d+) violations", re.M)


class Mistake(NamedTuple):
    """In `file`, `old`, which stands there exactly once, becomes `new`."""

    file: str
    old: str
    new: str


class Broken(NamedTuple):
    """Code as many would write it, and the fault that must find it out."""

    words: str
    fault: str
    times: int
    mistakes: tuple[Mistake, ...]


WON = "    won = _taken.run(session, request=request_id, mechanic=mechanic_id).one_or_none()\n"
COMMIT = "        session.commit()\n"
BROKEN = (
    Broken(
        "read-then-write accept",
        "V8",
        20,
        (
            Mistake(
                "favorites/dispatch/answers/accepting.py",
                WON,
                f"""    free = open_to(mechanic_id), is_free(mechanic_id)
    can = select(SessionRequest.id).where(SessionRequest.id == request_id, *free)
    if session.execute(can).one_or_none() is None:
        return _explain_no_accept(session, request_id, mechanic_id)
{WON}""",
            ),
            Mistake(
                "favorites/dispatch/answers/accepting.py",
                "    .where(SessionRequest.id == REQUEST, open_to(MECHANIC), is_free(MECHANIC))\n",
                "    .where(SessionRequest.id == REQUEST)\n",
            ),
        ),
    ),
    Broken(
        "event ids from a plain serial",
        "K22",
        5,
        (Mistake("migrations/sql/events.sql", "  PERFORM pg_advisory_xact_lock(hashtext('request_events'));\n", ""),),
    ),
    Broken(
        "events after the commit",
        "K5",
        2,
        (
            Mistake(
                "favorites/dispatch/verb.py",
                f'{COMMIT}        crash.here(f"{{function.__name__}}.after_commit")\n',
                f"""        late, session.info["events"] = session.info["events"], []
{COMMIT}        crash.here(f"{{function.__name__}}.after_commit")
        session.info["events"] = late
{COMMIT}""",
            ),
        ),
    ),
    Broken(
        "a timer in memory",
        "K10",
        1,
        (
            Mistake("favorites/scheduler.py", '"interval", seconds=seconds, id=JOB', '"interval", days=1, id=JOB'),
            Mistake("favorites/scheduler.py", "self._wake(datetime.now(UTC))", "pass"),
            Mistake(
                "favorites/scheduler.py",
                "(self._armed, due, datetime.now(UTC) + self._period)",
                "(self._armed, datetime.max.replace(tzinfo=UTC))",
            ),
        ),
    ),
    Broken(
        "no SKIP LOCKED",
        "K9",
        1,
        (
            Mistake(
                "favorites/dispatch/due.py",
                "        .limit(BATCH)\n        .with_for_update(key_share=True, skip_locked=True)\n",
                "        .limit(BATCH)\n        .with_for_update(key_share=True)\n",
            ),
        ),
    ),
)


def main() -> int:
    """Plays all five; 0 when each of them was found out."""
    print("| broken code | fault | times | violations |\n|---|---|---|---|", flush=True)
    found = []
    for broken in BROKEN:
        found.append(violations(broken))
        print(f"| {broken.words} | {broken.fault} | {broken.times} | {found[-1]} |", flush=True)
    return 0 if all(found) else 1


def violations(broken: Broken) -> int:
    """How many its fault reports, played in a copy of this checkout."""
    with tempfile.TemporaryDirectory(prefix="book-again-broken-", dir=MEMORY) as home:
        Checkout(Path(home))
        for mistake in broken.mistakes:
            make(Path(home), mistake)
        line = [sys.executable, "-m", "tests.faults", broken.fault, "--times", str(broken.times)]
        ran = subprocess.run(line, cwd=home, capture_output=True, text=True, check=False)
    told = TOLD.search(ran.stdout)
    assert told, f"{broken.words}: the fault could not be played:\n{ran.stdout}{ran.stderr}"
    return int(told[1])


def make(home: Path, mistake: Mistake) -> None:
    """Writes it."""
    file = home / mistake.file
    source = file.read_text()
    assert source.count(mistake.old) == 1, f"{mistake.file} does not have this exactly once: {mistake.old}"
    file.write_text(source.replace(mistake.old, mistake.new))


if __name__ == "__main__":
    sys.exit(main())
