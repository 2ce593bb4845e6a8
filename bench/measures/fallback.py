"""How late everyone is asked after a window's end: at deadlines, and as the control by a poll each minute alone."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import psycopg2
import structlog
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench.bookers import bookers, books
from bench.ear import Ear
from bench.figures import Figure, beside, figure, percentile
from bench.load import BUSIEST, Busy, Load, head
from bench.stage import Stage, stage
from favorites.dispatch import fallback
from favorites.embedded.connection import url
from favorites.postgres import home_of
from favorites.scheduler import LOCK

WINDOWS, STREAMS = 500, 1000
WINDOW, POLL = 60.0, 60.0  # seconds
PACE = 0.115  # seconds between two bookings: all of them in less than a minute
LEADER_ENDS = """
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objid = hashtext(%s)::oid AND pid <> %s
"""
STORED = """
SELECT id::text, extract(epoch FROM priority_expires_at)::float8, extract(epoch FROM fallback_broadcast_at)::float8
FROM session_requests WHERE preferred_mechanic_id = ANY(%s::uuid[])
"""


def measure() -> Iterator[Figure]:
    """Windows of a minute, booked over HTTP; nobody tells the scheduler of them but the product itself."""
    with stage(PRIORITY_WINDOW_MINUTES="1") as on:
        heads = [head("/mechanic/events", cookie) for cookie in on.town.mechanics(STREAMS)]
        with Load(on.port, heads) as load:
            load.opens(STREAMS)
            with Busy(load) as busy:
                stored, heard = _lapses(on, "Marco", WINDOW + 10)
            yield from _figures(stored, heard, busy.share)
            with _poll_each_minute(on):
                control, _ = _lapses(on, "Dino", WINDOW + POLL + 10)
    late, control_late = percentile(stored, 0.5), percentile(control, 0.5)
    note = f"the control's p99 {percentile(control, 0.99):,.0f} ms, max {max(control):,.0f} ms"
    yield beside("window over → stored, p50", late, "ms", "a poll each 60 s", control_late, note=note)


def _lapses(on: Stage, name: str, patience: float) -> tuple[list[float], list[float]]:
    """Milliseconds from each window's end to its broadcast: as stored, and as heard on another mechanic's stream."""
    ear = Ear(on.port, on.town.mechanic(f"Nadia{name}")[1])
    some = bookers(on.town, on.server.instance, WINDOWS)
    connection = HTTPConnection("127.0.0.1", on.port, timeout=30)
    began, requests = time.monotonic(), []
    for place, one in enumerate(some):
        time.sleep(max(0.0, began + place * PACE - time.monotonic()))
        requests.append(books(connection, one, "chat10").request_id)
    arrivals = {each: ear.arrival("new_request", each, patience) for each in requests}
    connection.close()
    ear.close()
    rows = on.town.rows(STORED, [one.favorite for one in some])
    return [1000 * (at - end) for _, end, at in rows], [1000 * (arrivals[each] - end) for each, end, _ in rows]


def _figures(stored: list[float], heard: list[float], share: float) -> Iterator[Figure]:
    for name, late in (("stored", stored), ("another mechanic's stream", heard)):
        is_valid = len(late) == WINDOWS and share <= BUSIEST
        note = f"{len(late)} windows in a minute, {STREAMS} streams, their client {share:.0%} of a core"
        note = f"{note}; p50 {percentile(late, 0.5):.1f} ms"
        yield figure(f"window over → {name}, p99", percentile(late, 0.99), "ms", most=100, is_valid=is_valid, note=note)
        yield figure(f"window over → {name}, max", max(late), "ms", most=1000, is_valid=is_valid)


@contextmanager
def _poll_each_minute(on: Stage) -> Iterator[None]:
    """The product's poller does not lead: we hold its lock, and sweep in its place."""
    address = url(home_of(on.server.instance))
    engine = create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(address))
    stopped = threading.Event()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))

    def poll() -> None:
        due = time.monotonic()
        while not stopped.wait(max(0.0, due - time.monotonic())):
            due += POLL
            with Session(engine) as session:
                fallback.beat(session, "bench", fallback.sweep(session))

    lock = psycopg2.connect(address)
    taken = threading.Thread(target=lock.cursor().execute, args=("SELECT pg_advisory_lock(hashtext(%s))", [LOCK]))
    taken.start()
    while taken.is_alive():  # whoever waits gets it before whoever only tries
        on.town.rows(LEADER_ENDS, LOCK, lock.info.backend_pid)
        taken.join(0.1)
    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        lock.close()
        engine.dispose()
