"""Google's Lighthouse, as its own program, on the machine's Chromium: a phone on a slow line, with an empty cache."""

import json
import os
import subprocess
from collections.abc import Iterator
from statistics import median
from typing import Any

from bench.figures import Figure, figure, spread
from tests.browser import chromium_path
from tests.cast import Person
from tests.standards.tools import LIGHTHOUSE

GOALS = {"performance": 95, "accessibility": 100, "best-practices": 100}
RUNS = 3  # of which the median counts: the machine has more to do


def figures(name: str, person: Person, url: str) -> Iterator[Figure]:
    """The three scores of a page that this person is signed in to."""
    runs = [_run(person, url) for _ in range(RUNS)]
    for category, goal in GOALS.items():
        scores = [round(100 * (run["categories"][category]["score"] or 0)) for run in runs]
        lost = sorted({each for run in runs for each in _lost(run, category)})
        note = "; ".join(part for part in (spread(scores), ", ".join(lost)) if part)
        yield figure(f"{name}, Lighthouse, {category}", median(scores), "", least=goal, note=note)


def _run(person: Person, url: str) -> dict[str, Any]:
    command = [
        *("node", str(LIGHTHOUSE), url, "--quiet", "--output=json", f"--only-categories={','.join(GOALS)}"),
        f"--extra-headers={json.dumps({'Cookie': person.cookie})}",
        "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
    ]
    environment = os.environ | {"CHROME_PATH": chromium_path(whole=True) or ""}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=180)
    assert ran.returncode == 0, ran.stderr[-2000:]
    told: dict[str, Any] = json.loads(ran.stdout)
    assert not told.get("runtimeError"), told["runtimeError"]
    return told


def _lost(told: dict[str, Any], category: str) -> list[str]:
    audits = [told["audits"][each["id"]] for each in told["categories"][category]["auditRefs"] if each["weight"]]
    return [audit["id"] for audit in audits if audit["score"] is not None and audit["score"] < 1]
