"""`python -m tests.faults [number …] [--times N] [--keep]`: provokes faults, prints the table; exits 1 on a violation.

Without a number: all of them. `--times` instead of each fault's own; `--keep` writes the rows into docs/reliability.md.
"""

import argparse
import importlib
import signal
import sys
import time
import traceback
from datetime import UTC, datetime

from bench.machine import machine
from tests.faults import page
from tests.faults.page import Played
from tests.faults.registry import FAULTS, Fault

AREAS = """at_once browsers clocks contention crashes crowded deaths deploys engine interleavings kills moments notify
           payments people proxies races readers repeats restored silence starts streams surroundings sweepers"""
for area in AREAS.split():
    importlib.import_module(f"tests.faults.{area}")


def main(arguments: list[str]) -> int:
    """Plays them; the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: what was started is ended
    asked = _parser().parse_args(arguments)
    faults = sorted(_meant(asked.numbers), key=lambda fault: page.in_order(fault.number))
    where = _where()
    print("\n".join((where, "", *page.HEAD)), flush=True)
    played = []
    for fault in faults:
        played.append(play(fault, asked.times or fault.times))
        print(page.row_of(played[-1]), flush=True)
        if asked.keep:
            page.keep([page.row_of(played[-1])], where)
    return _told(played)


def play(fault: Fault, times: int) -> Played:
    """Provokes it; what the fault's own code did not expect is a violation, too."""
    began, violations = time.monotonic(), 0
    if not fault.unless:
        try:
            violations = fault.play(times)
        except Exception:
            traceback.print_exc()
            violations = 1
    return Played(fault, times, violations, time.monotonic() - began, f"{datetime.now(UTC):%Y-%m-%d}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("numbers", nargs="*", metavar="K4")
    parser.add_argument("--times", type=int, default=0)
    parser.add_argument("--keep", action="store_true")
    return parser


def _meant(numbers: list[str]) -> list[Fault]:
    known = {fault.number for fault in FAULTS}
    if unknown := set(numbers) - known:
        sys.exit(
            f"No such fault: {', '.join(sorted(unknown))}. There are {', '.join(sorted(known, key=page.in_order))}."
        )
    return [fault for fault in FAULTS if not numbers or fault.number in numbers]


def _where() -> str:
    told = machine(page.PAGE.parent)
    load = told.pop("load_average")
    named = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items() if name != "file_system")
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {named}; load average when it began {load}."


def _told(played: list[Played]) -> int:
    provoked = [one for one in played if not one.fault.unless]
    violations = sum(one.violations for one in provoked)
    seconds = sum(one.seconds for one in played)
    print(f"\n{len(provoked)} faults, {violations} violations, {seconds / 60:.1f} minutes.")
    for one in played:
        if one.fault.unless:
            print(f"Not provoked: {one.fault.number} {one.fault.title} ({one.fault.unless}).")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
