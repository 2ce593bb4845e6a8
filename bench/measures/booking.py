"""From the commit of a booking to the preferred mechanic's stream, while a thousand others listen."""

from collections.abc import Iterator
from http.client import HTTPConnection

from bench.bookers import Booked, bookers, books
from bench.ear import Ear
from bench.figures import Figure, figure, percentile
from bench.load import BUSIEST, Busy, Load, head
from bench.stage import Stage, stage

BOOKINGS, STREAMS = 500, 1000
# PostgreSQL notes the moment as it begins to write the commit's record: the wait for the disk is still ahead.
COMMITTED = """
SELECT session_request_id::text, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8,
       extract(epoch FROM at)::float8
FROM request_events WHERE kind = 'priority_session_request'
"""
# Marco says no, without the news that would follow: he has one priority offer at a time.
ANSWERED = """
UPDATE session_requests SET declined_at = clock_timestamp(), fallback_broadcast_at = clock_timestamp(),
  fallback_reason = 'preferred_mechanic_declined' WHERE id = %s
"""


def measure() -> Iterator[Figure]:
    """One booking after the other; clock_timestamp() and our time.time() read the same clock, CLOCK_REALTIME."""
    with stage(postgresql={"track_commit_timestamp": "on"}) as on:
        marco_id, marco = on.town.mechanic("Marco")
        heads = [head("/mechanic/events", cookie) for cookie in on.town.mechanics(STREAMS)]
        some = bookers(on.town, on.server.instance, BOOKINGS, marco_id)
        with Load(on.port, heads) as load:
            load.opens(STREAMS)
            ear = Ear(on.port, marco)
            with Busy(load) as busy:
                arrivals, booked = _heard(on, ear, some)
            ear.close()
        yield from _figures(on, arrivals, booked, busy.share)


def _heard(on: Stage, ear: Ear, some: list) -> tuple[dict[str, float], list[Booked]]:
    connection = HTTPConnection("127.0.0.1", on.port, timeout=30)
    arrivals, booked = {}, []
    for one in some:
        booked.append(books(connection, one, "chat10"))
        request_id = booked[-1].request_id
        arrivals[request_id] = ear.arrival("priority_session_request", request_id)
        on.town.rows(ANSWERED, request_id)
    connection.close()
    return arrivals, booked


def _figures(on: Stage, arrivals: dict[str, float], booked: list[Booked], share: float) -> Iterator[Figure]:
    rows = on.town.rows(COMMITTED)
    after = [1000 * (arrivals[request_id] - committed) for request_id, committed, _ in rows]
    since_written = [1000 * (arrivals[request_id] - at) for request_id, _, at in rows]
    is_valid = len(rows) == BOOKINGS and share <= BUSIEST
    note = f"{len(rows)} bookings, {STREAMS} other streams, their client {share:.0%} of a core; from the event's `at`: "
    note += f"p50 {percentile(since_written, 0.5):.2f} ms, p99 {percentile(since_written, 0.99):.1f} ms"
    name = "booking committed → preferred mechanic's stream"
    yield figure(f"{name}, p50", percentile(after, 0.5), "ms", most=3, is_valid=is_valid, note=note)
    note = f"max {max(after):.1f} ms"
    yield figure(f"{name}, p99", percentile(after, 0.99), "ms", most=20, is_valid=is_valid, note=note)
    took = [one.took["checkout"] for one in booked]
    note = f"p50 {percentile(took, 0.5):.1f} ms, max {max(took):.0f} ms"
    yield figure("the checkout's POST, p99", percentile(took, 0.99), "ms", most=100, is_valid=is_valid, note=note)
