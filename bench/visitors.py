"""People who read pages while streams are open: so many a second whatever happens, or as fast as they are answered.

They run in a process of their own: neither do they wait for the measure's Python, nor it for theirs.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from multiprocessing import get_context
from typing import NamedTuple

from bench.stage import Stage

AT_ONCE = 16  # connections of the open loop
AHEAD = 0.3  # seconds from the order to the first request
WAITING = 8  # customers whose waiting page is read


class Page(NamedTuple):
    """Somebody's."""

    path: str
    cookie: str


class Visit(NamedTuple):
    """Milliseconds: how late it was asked for, and from when it was due until it was read."""

    late: float
    took: float
    is_answered: bool


def pages(on: Stage) -> list[Page]:
    """Boards and waiting pages, in turn."""
    both = []
    for place, cookie in enumerate(on.town.mechanics(WAITING)):
        customer = on.town.customer(f"Ben{place}")
        request_id = customer.has_booked(on.port)
        both += [Page("/mechanic/dashboard", cookie), Page(f"/customer/requests/{request_id}", customer.cookie)]
    return both


@contextmanager
def visitors() -> Iterator["Visitors"]:
    """The process, ready."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        process.submit(time.monotonic).result()
        yield Visitors(process)


class Visitors:
    def __init__(self, process: ProcessPoolExecutor) -> None:
        self._process = process

    def come(self, port: int, pages: Sequence[Page], rate: float, seconds: float, *, anew: bool = False) -> "Visits":
        """An open loop: each request is due at its time, whatever became of those before. `anew`: each connects."""
        return self._process.submit(_come, port, pages, rate, seconds, time.monotonic() + AHEAD, anew)

    def hurry(self, port: int, pages: Sequence[Page], clients: int, seconds: float) -> "Visits":
        """So many clients, each of which asks as soon as it was answered."""
        return self._process.submit(_hurry, port, pages, clients, seconds)


Visits = Future[list[Visit]]


def _come(port: int, pages: Sequence[Page], rate: float, seconds: float, begins: float, anew: bool) -> list[Visit]:
    def visit(first: int) -> Iterator[Visit]:
        reader = _Reader(port, anew)
        for number in range(first, int(rate * seconds), AT_ONCE):
            due = begins + number / rate
            time.sleep(max(0.0, due - time.monotonic()))
            yield reader.reads(pages[number % len(pages)], due)
        reader.closes()

    return _all_of(visit, AT_ONCE)


def _hurry(port: int, pages: Sequence[Page], clients: int, seconds: float) -> list[Visit]:
    ends = time.monotonic() + seconds

    def visit(number: int) -> Iterator[Visit]:
        reader = _Reader(port, False)
        while (now := time.monotonic()) < ends:
            yield reader.reads(pages[number % len(pages)], now)
            number += 1
        reader.closes()

    return _all_of(visit, clients)


def _all_of(visit: Callable[[int], Iterator[Visit]], threads: int) -> list[Visit]:
    visits: list[Visit] = []
    running = [threading.Thread(target=lambda place: visits.extend(visit(place)), args=(n,)) for n in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    return visits


class _Reader:
    def __init__(self, port: int, anew: bool) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Connection": "close"} if anew else {}

    def reads(self, page: Page, due: float) -> Visit:
        began = time.monotonic()
        try:
            self._connection.request("GET", page.path, headers=self._headers | {"Cookie": page.cookie})
            answer = self._connection.getresponse()
            answer.read()
            is_answered = answer.status == 200
        except (OSError, HTTPException):
            self._connection.close()
            is_answered = False
        return Visit(1000 * (began - due), 1000 * (time.monotonic() - due), is_answered)

    def closes(self) -> None:
        self._connection.close()
