"""A sign of life for a watcher elsewhere: as long as polls go well its address is fetched, and silence is the alarm."""

import logging
import threading
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, build_opener

log = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        """Nowhere: the address is the one that was set."""


class Heartbeat:
    """Fetches `url` after `beat()`, in a thread of its own and at most once in `pause` seconds. "": never."""

    def __init__(self, url: str, pause: float) -> None:
        self._url, self._pause = url, pause
        self._has_failed = False
        self._due = threading.Event()
        self._stopped = threading.Event()
        self._opener = build_opener(_NoRedirect)
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Starts the thread, if there is anybody to tell."""
        if self._url:
            self._thread.start()

    def stop(self) -> None:
        """Ends it, without waiting for an answer."""
        self._stopped.set()
        self._due.set()

    def beat(self) -> None:
        """A poll went well. Returns at once."""
        self._due.set()

    def _run(self) -> None:
        while self._due.wait() and not self._stopped.is_set():
            self._due.clear()
            self._fetch()
            self._stopped.wait(self._pause)

    def _fetch(self) -> None:
        try:
            self._opener.open(self._url, timeout=TIMEOUT).close()
        except Exception as error:  # whatever it is: the next one may get through
            if isinstance(error, HTTPError):
                error.close()
            why = getattr(error, "reason", None) or type(error).__name__  # never the address, which is a secret
            (log.debug if self._has_failed else log.warning)("HEARTBEAT_URL cannot be fetched: %s", why)
            self._has_failed = True
        else:
            self._has_failed = False
