"""A poll that finds nothing to do, beside 500 open windows and 1,000 that were broadcast and wait."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from bench.figures import Figure, beside, figure, percentile
from bench.history import cluster, timed
from favorites.dispatch import fallback

IN_WINDOW, BROADCAST, CLOSED = 500, 1_000, 100_000
POLLS = 200
BY_INDEX = {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}


class Reading(NamedTuple):
    """How one scan of session_requests reads: by what, how many rows, how many buffers."""

    by: str
    rows: int
    buffers: int


def measure() -> Iterator[Figure]:
    """What its statements read, by PostgreSQL's own word, and how long they take."""
    with cluster() as database:
        database.live(2_000, 200)
        database.remember(CLOSED, days=3 * 365)
        database.waits(IN_WINDOW, BROADCAST)
        database.settle()
        engine = database.engine()
        with Session(engine) as session:
            _poll(session)
            readings = _readings(engine, session)
            yield from _reads(readings, {"postgresql": database.one("SHOW server_version")})
            with timed(engine) as spent:
                whole = [_poll(session) for _ in range(POLLS)]
            note = f"statements alone; with Python and the ends of transactions {percentile(whole, 0.5):.1f} ms"
            yield figure("an empty poll, ms of SQL", sum(spent.values()) / POLLS, "ms", most=5, note=note)
        engine.dispose()


def _poll(session: Session) -> float:
    began = time.perf_counter()
    swept = fallback.sweep(session)
    assert swept[:2] == (0, 0), swept
    return 1000 * (time.perf_counter() - began)


def _readings(engine: Engine, session: Session) -> list[Reading]:
    """Of all statements of one poll; to explain one that finds nothing changes nothing."""
    readings: list[Reading] = []

    def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
            readings.extend(_scans(cursor.fetchone()[0][0]["Plan"]))

    event.listen(engine, "before_cursor_execute", explain)
    _poll(session)
    event.remove(engine, "before_cursor_execute", explain)
    return readings


def _scans(plan: dict[str, Any]) -> Iterator[Reading]:
    if plan.get("Relation Name") == "session_requests" and plan["Node Type"].endswith("Scan"):
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        yield Reading(plan["Node Type"], rows, plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    for below in plan.get("Plans", ()):
        yield from _scans(below)


def _reads(readings: list[Reading], versions: dict[str, str]) -> Iterator[Figure]:
    # A scan may see each open row once; and for a row no more than its page, its index entries lie side by side.
    there = len([one for one in readings if one.rows]) * (IN_WINDOW + BROADCAST)
    rows, buffers = (sum(getattr(one, what) for one in readings) for what in ("rows", "buffers"))
    by = {one.by for one in readings}
    note = f"{len(readings)} scans: {', '.join(sorted(by))}; a history of {CLOSED:,} beside"
    told: dict[str, Any] = {"is_valid": by <= BY_INDEX, "note": note, "versions": versions}
    yield beside("an empty poll, rows read", rows, "rows", "open rows, a scan each", there, most=1, **told)
    yield beside("an empty poll, buffers", buffers, "buffers", "rows read", rows, most=1, **told)
