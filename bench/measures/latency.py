"""Booking to stream, and window end to broadcast."""

import time
from collections.abc import Iterator

from bench.browser import Browser
from bench.ear import Ear
from bench.figures import Figure, figure, percentile
from bench.people import Customer
from bench.stage import Stage, stage

BOOKINGS, WINDOWS = 200, 50
WINDOW = 60.0  # seconds, the shortest there is
PACE = 0.1  # seconds between two bookings whose windows are to end one after the other


def measure() -> Iterator[Figure]:
    """The two latencies. The database's clock_timestamp() and our time.time() read the same clock: CLOCK_REALTIME."""
    with stage(PRIORITY_WINDOW_MINUTES="1") as on:
        boards = Boards(on)
        heard = deliveries(on, boards, BOOKINGS)
        yield figure("booking committed → preferred mechanic's stream, p99", percentile(heard, 0.99), "ms", most=20)
        stored, told = lapses(on, boards, WINDOWS)
        yield figure("window over → fallback broadcast, p99", percentile(stored, 0.99), "ms", most=100)
        yield figure("window over → another mechanic's stream, p99", percentile(told, 0.99), "ms", most=100)
        boards.close()


class Boards:
    """Marco, whom everybody prefers, and Nadia, who hears only what everyone hears; both have their board open."""

    def __init__(self, on: Stage) -> None:
        self.marco_id, marco = on.town.mechanic("Marco")
        _, nadia = on.town.mechanic("Nadia")
        self.marco, self.nadia = Ear(on.port, marco), Ear(on.port, nadia)

    def close(self) -> None:
        """Closes the boards."""
        self.marco.close()
        self.nadia.close()


def _customers(on: Stage, boards: Boards, name: str, number: int) -> list[Customer]:
    return [on.town.customer(f"{name}{place}", boards.marco_id) for place in range(number)]


def deliveries(on: Stage, boards: Boards, bookings: int) -> list[float]:
    """Milliseconds from the commit of each booking to its event in Marco's stream.

    The event's `at` is written under the lock that is held through the commit: the wait for the disk is in the figure.
    Each request is cancelled before the next booking, so no window ends meanwhile.
    """
    arrivals = {}
    for customer in _customers(on, boards, "Ana", bookings):
        with Browser(on.port, customer.cookie) as browser:
            request_id = customer.books(browser)
            arrivals[request_id] = boards.marco.arrival("priority_session_request", request_id)
            browser.sends(f"/customer/requests/{request_id}/cancel")
    written = on.town.rows(
        "SELECT session_request_id::text, extract(epoch FROM at)::float8 FROM request_events"
        " WHERE kind = 'priority_session_request' AND session_request_id = ANY(%s::uuid[])",
        list(arrivals),
    )
    return [1000 * (arrivals[request_id] - at) for request_id, at in written]


def lapses(on: Stage, boards: Boards, windows: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the end of each window to its fallback broadcast: as stored, and as heard in Nadia's stream.

    The windows are real ones of a minute, and nobody tells the scheduler of them but the product itself.
    """
    requests = []
    for customer in _customers(on, boards, "Ben", windows):
        with Browser(on.port, customer.cookie) as browser:
            requests.append(customer.books(browser))
        time.sleep(PACE)
    arrivals = {one: boards.nadia.arrival("new_request", one, WINDOW + 10) for one in requests}
    stored = on.town.rows(
        "SELECT id::text, extract(epoch FROM priority_expires_at)::float8,"
        " extract(epoch FROM fallback_broadcast_at)::float8 FROM session_requests WHERE id = ANY(%s::uuid[])",
        requests,
    )
    return (
        [1000 * (broadcast - end) for _, end, broadcast in stored],
        [1000 * (arrivals[request_id] - end) for request_id, end, _ in stored],
    )
