"""The two measures. The database's clock_timestamp() and our time.time() read the same clock: CLOCK_REALTIME."""

import time

from bench.browser import Browser
from bench.ear import Ear
from bench.people import Customer, Town

WINDOW = 60.0  # seconds, the shortest there is
PACE = 0.1  # seconds between two bookings whose windows are to end one after the other


class Stage:
    """Marco, whom everybody prefers, and Nadia, who hears only what everyone hears; both have their board open."""

    def __init__(self, town: Town, port: int) -> None:
        self.town, self.port = town, port
        self.marco_id, marco = town.mechanic("Marco")
        _, nadia = town.mechanic("Nadia")
        self.marco, self.nadia = Ear(port, marco), Ear(port, nadia)

    def customers(self, name: str, number: int) -> list[Customer]:
        """New customers who favor Marco."""
        return [self.town.customer(f"{name}{place}", self.marco_id) for place in range(number)]

    def close(self) -> None:
        """Closes the boards."""
        self.marco.close()
        self.nadia.close()


def deliveries(stage: Stage, bookings: int) -> list[float]:
    """Milliseconds from the commit of each booking to its event in Marco's stream.

    The event's `at` is written under the lock that is held through the commit: the wait for the disk is in the figure.
    Each request is cancelled before the next booking, so no window ends meanwhile.
    """
    arrivals = {}
    for customer in stage.customers("Ana", bookings):
        with Browser(stage.port, customer.cookie) as browser:
            request_id = customer.books(browser)
            arrivals[request_id] = stage.marco.arrival("priority_session_request", request_id)
            browser.sends(f"/customer/requests/{request_id}/cancel")
    written = stage.town.rows(
        "SELECT session_request_id::text, extract(epoch FROM at)::float8 FROM request_events"
        " WHERE kind = 'priority_session_request' AND session_request_id = ANY(%s::uuid[])",
        list(arrivals),
    )
    return [1000 * (arrivals[request_id] - at) for request_id, at in written]


def lapses(stage: Stage, windows: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the end of each window to its fallback broadcast: as stored, and as heard in Nadia's stream.

    The windows are real ones of a minute, and nobody tells the scheduler of them but the product itself.
    """
    requests = []
    for customer in stage.customers("Ben", windows):
        with Browser(stage.port, customer.cookie) as browser:
            requests.append(customer.books(browser))
        time.sleep(PACE)
    arrivals = {one: stage.nadia.arrival("new_request", one, WINDOW + 10) for one in requests}
    stored = stage.town.rows(
        "SELECT id::text, extract(epoch FROM priority_expires_at)::float8,"
        " extract(epoch FROM fallback_broadcast_at)::float8 FROM session_requests WHERE id = ANY(%s::uuid[])",
        requests,
    )
    return (
        [1000 * (broadcast - end) for _, end, broadcast in stored],
        [1000 * (arrivals[request_id] - end) for request_id, end, _ in stored],
    )
