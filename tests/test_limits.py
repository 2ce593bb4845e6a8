"""Counting what somebody does too often, by two threads at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from favorites.web.limits import limiter


def test_two_threads_count_at_once_and_none_fails(app) -> None:
    """The library starts a timer with a hit; two threads started the same one, and a mechanic was answered 500."""

    class Slow(type(limiter.storage)):  # between making the timer and starting it
        STORAGE_SCHEME = ("slow",)

        @property
        def timer(self) -> threading.Timer:
            return self._timer

        @timer.setter
        def timer(self, made: threading.Timer) -> None:
            self._timer = made
            time.sleep(0.02)

    storage = Slow()
    storage.timer.join()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: storage.incr("many", 60), range(2)))
    assert storage.get("many") == 2
