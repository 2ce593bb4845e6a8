"""Old events go while eight write: what a writer feels of it."""

import threading
import time
from collections.abc import Iterator
from statistics import median

from sqlalchemy.orm import Session

from bench.figures import Figure, beside, paired, percentile
from bench.history import Database, cluster, engine
from bench.measures.accept import REQUEST, REQUESTS, accept, people
from favorites.dispatch import retention

WRITERS, WRITES, ROUNDS = 8, 2_000, 5
CLOSED, DAYS = 20_000, 30
# Four of each closed session request, as old as that is; their ids lie below those of whatever comes.
EVENTS = """
SET session_replication_role = replica;
INSERT INTO request_events (id, session_request_id, customer_id, kind, audience, at)
SELECT row_number() OVER (ORDER BY r.created_at, place), r.id, r.customer_id, kind, audience, r.closed_at
  FROM session_requests r, (VALUES (1, 'request_broadcast', 'customer'), (2, 'new_request', 'mechanics'),
                                   (3, 'request_cancelled', 'customer'), (4, 'request_cancelled', 'mechanics'))
                             AS told (place, kind, audience)
 WHERE r.closed_at < now() - interval '40 days';
RESET session_replication_role
"""


def measure() -> Iterator[Figure]:
    """Accepts through the verb, eight at a time, beside a removal as the leader does it, and without one."""
    with cluster() as database:
        database.live(2_000, 200)
        database.remember(CLOSED, days=3 * 365)
        database.sql("SELECT setval('request_events_id_seq', 1000000)")
        people(database)
        meanwhile, alone, rates = [], [], []
        for round_ in range(ROUNDS):
            for is_removing in (True, False) if round_ % 2 else (False, True):
                took, rate = _writers(database, is_removing)
                (meanwhile if is_removing else alone).append(took)
                rates += [rate] if is_removing else []
        p99s = [[percentile(took, 0.99) for took in arm] for arm in (meanwhile, alone)]
        yield beside(
            f"p99 of {WRITERS} writers while old events are removed",
            median(p99s[0]),
            "ms",
            "without",
            median(p99s[1]),
            ratio=paired(*p99s),
            note=f"{median(rates):,.0f} events removed a second; the slowest write {max(map(max, meanwhile)):.0f} ms"
            f" beside {max(map(max, alone)):.0f} ms",
            versions={"postgresql": database.one("SHOW server_version")},
        )


def _writers(database: Database, is_removing: bool) -> tuple[list[float], float]:
    """Milliseconds of each write, and events removed a second meanwhile."""
    database.sql("DELETE FROM session_requests WHERE id::text LIKE %s", f"{REQUEST}%")
    database.sql("DELETE FROM request_events")
    database.sql(REQUESTS)
    database.sql(EVENTS)
    database.settle()
    pool, took, removed, is_over = engine(database.url, WRITERS + 1), [], [], threading.Event()

    def write(place: int) -> None:
        with Session(pool) as session:
            for number in range(place, WRITES, WRITERS):
                began = time.perf_counter()
                accept(session, number)
                took.append(1000 * (time.perf_counter() - began))

    def remove() -> None:
        with Session(pool) as session:
            began = time.perf_counter()
            events = retention.remove_old_events(session, DAYS, lambda: not is_over.wait(retention.BREATH))
            removed.append(events / (time.perf_counter() - began))

    writers = [threading.Thread(target=write, args=(place,)) for place in range(WRITERS)]
    remover = threading.Thread(target=remove)
    for thread in [*writers, *([remover] if is_removing else [])]:
        thread.start()
    for thread in writers:
        thread.join()
    is_over.set()
    if is_removing:
        remover.join()
    pool.dispose()
    return took, sum(removed)
