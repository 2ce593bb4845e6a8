"""Starts the product as in production, measures, prints the table and keeps it; ends with 1 when a goal is missed."""

import json
import re
import shutil
import signal
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure, figure, machine, table
from bench.measures import Stage, deliveries, lapses
from bench.people import Town
from favorites.postgres import home_of
from tests.server import Server

BOOKINGS, WINDOWS = 200, 50
SETTINGS = {
    "DATABASE_URL": "",  # the embedded PostgreSQL, which writes durably
    "DEMO": "0",
    "PUBLIC_URL": "",
    "ENABLE_FAVORITES_PRIORITY": "1",
    "PRIORITY_WINDOW_MINUTES": "1",
}
HERE = Path(__file__).parent
KEPT = re.compile(r"(?<=<!-- figures -->\n).*(?=<!-- end of figures -->)", re.S)


def main() -> int:
    """The exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: what was started is ended
    sys.setswitchinterval(0.0005)  # our own threads must not add their 5 ms to what the ear notes
    instance = Path(tempfile.mkdtemp(prefix="book-again-bench-"))
    try:
        with Server(instance, **SETTINGS) as server:
            server.ready()
            where, figures = measure(instance, server.port)
    finally:
        shutil.rmtree(home_of(instance), ignore_errors=True)
        shutil.rmtree(instance, ignore_errors=True)
    print(f"\n{table(figures)}\n")
    keep(where, figures)
    return 0 if all(one.ok for one in figures) else 1


def measure(instance: Path, port: int) -> tuple[dict[str, Any], list[Figure]]:
    """The machine and the figures, of the server that runs there."""
    with closing(Town(instance)) as town, closing(Stage(town, port)) as stage:
        where = machine(town.rows("SHOW server_version")[0][0], instance)
        if where["load_average"] > where["cores"] / 4:
            print(f"The machine is not idle (load average {where['load_average']}): the figures will be pessimistic.")
        print(f"{BOOKINGS} bookings …", flush=True)
        heard = deliveries(stage, BOOKINGS)
        print(f"{WINDOWS} windows of a minute …", flush=True)
        stored, told = lapses(stage, WINDOWS)
    return where, [
        figure("booking committed → event in the preferred mechanic's stream", heard, 20),
        figure("window over → fallback broadcast, as stored", stored, 100),
        figure("window over → event in another mechanic's stream", told, 100),
    ]


def keep(where: dict[str, Any], figures: list[Figure]) -> None:
    """Writes latest.json, and the same for people into the README."""
    date = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    latest = {"date": date, "machine": where, "figures": [one._asdict() for one in figures]}
    (HERE / "latest.json").write_text(json.dumps(latest, indent=2, ensure_ascii=False) + "\n")
    machine_told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in where.items())
    readme = HERE / "README.md"
    told = f"{date}; {machine_told}.\n\n{table(figures)}\n"
    readme.write_text(KEPT.sub(lambda _: told, readme.read_text()))


if __name__ == "__main__":
    sys.exit(main())
