"""`make pages`: holds all of tests/gallery.py to every standard, prints the table, ends with 1 when one is missed.

Writes docs/pages.json.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import table
from bench.machine import machine
from tests.cast import Person
from tests.screens import Screens, chromium
from tests.server import ROOT
from tests.standards import lighthouse, tools, weight
from tests.standards.gallery import look_at
from tests.world import World, demo

KEPT = ROOT / "docs" / "pages.json"


def main() -> int:
    """The exit code."""
    if why := tools.ensure():
        print(why, file=sys.stderr)
        return 2
    where = machine(Path(tempfile.gettempdir()))
    with chromium() as browser, demo() as world:
        findings = look_at(world, Screens(browser, world.base))
        figures = [*findings.figures(), *weight.of_scripts(world.base)]
        for name, person, path in _main_pages(world):
            figures += weight.of_page(browser, name, person, world.base + path)
            figures += lighthouse.figures(name, person, world.base + path)
    for wrong in findings.wrong():
        print(f"  MISSED {wrong}")
    date = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in where.items())
    print(f"\n{date}; {told}.\n\n{table(figures)}\n")
    kept = {"date": date, "machine": where, "figures": [one._asdict() for one in figures]}
    KEPT.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    return 0 if all(one.ok for one in figures) else 1


def _main_pages(world: World) -> Iterator[tuple[str, Person, str]]:
    """The three that stay open, as they are while one waits; by name, whose, and where."""
    yield "dashboard", world.ben, "/customer/dashboard"
    world.on_shift(world.marco)
    waiting = world.books(world.ana, world.marco)
    yield "waiting page", world.ana, f"/customer/requests/{waiting}"
    yield "board", world.marco, "/mechanic/dashboard"


if __name__ == "__main__":
    sys.exit(main())
