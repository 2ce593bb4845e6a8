"""`python -m bench [NAME …]`: takes the measures, prints the table, ends with 1 when a goal is missed.

A full run, without names, writes `latest.json` and the table and the chart of the README.
"""

import importlib
import json
import re
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import tools
from bench.chart import chart
from bench.figures import Figure, figure, table
from bench.machine import machine
from bench.measures import NAMES

HERE = Path(__file__).parent
KEPT = re.compile(r"(?<=<!-- figures -->\n).*(?=<!-- end of figures -->)", re.S)


def main(names: list[str]) -> int:
    """The exit code."""
    if unknown := set(names) - set(NAMES):
        print(f"There is no measure {', '.join(sorted(unknown))}. There are: {' '.join(NAMES)}", file=sys.stderr)
        return 2
    if why := tools.ensure():
        print(why, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: what was started is ended
    sys.setswitchinterval(0.0005)  # our own threads must not add their 5 ms to what the ear notes
    where = machine(Path(tempfile.gettempdir()))
    if where["load_average"] > where["cores"] / 4:
        print(f"The machine is not idle (load average {where['load_average']}): the figures will be pessimistic.")
    began = time.monotonic()
    figures = [one for name in names or NAMES for one in _taken(name)]
    print(f"\n{table(figures)}\n")
    if not names:
        keep(where | {"minutes": round((time.monotonic() - began) / 60)}, figures)
    return 0 if all(one.ok for one in figures) else 1


def _taken(name: str) -> Iterator[Figure]:
    """The figures of one measure; one that breaks is a goal missed, and keeps none of the others from being taken."""
    print(f"{name} …", flush=True)
    try:
        for one in importlib.import_module(f"bench.measures.{name}").measure():
            print(f"  {'' if one.ok else 'MISSED '}{one.name}: {one.value:g} {one.unit} {one.note}", flush=True)
            yield one
    except Exception as error:
        traceback.print_exc()
        yield figure(f"{name} did not finish", 0, "", is_valid=False, note=f"{type(error).__name__}: {error}"[:200])


def keep(where: dict[str, Any], figures: list[Figure]) -> None:
    """Writes latest.json, and the same for people into the README."""
    date = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    latest = {"date": date, "machine": where, "figures": [one._asdict() for one in figures]}
    (HERE / "latest.json").write_text(json.dumps(latest, indent=2, ensure_ascii=False) + "\n")
    machine_told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in where.items())
    readme = HERE / "README.md"
    told = f"{date}, `make bench`; {machine_told}.\n\n{chart(figures)}\n{table(figures)}\n"
    readme.write_text(KEPT.sub(lambda _: told, readme.read_text()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
