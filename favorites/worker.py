"""gunicorn's threaded worker, mended in two places; both were found by measuring (decision 24)."""

import selectors
import time
from collections import deque
from functools import partial
from socket import MSG_DONTWAIT, SHUT_WR
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

LINGER = 2.0  # seconds to hang up, as gunicorn has it; RFC 9112, section 9.6
MOST = 65_536  # bytes that are read of what nobody wants to hear
AT_ONCE = 64  # connections taken at one look: after a restart thousands knock


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """The thread that lets everybody in takes all who are there, and never waits for one who leaves.

    gunicorn waits in it until the other side has hung up, two seconds for each who does not.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._leaving: deque[Any] = deque()  # connections, the one that may stay the longest last

    def accept(self, listener: Any) -> None:
        """As many as there are, not one a look."""
        for _ in range(AT_ONCE):
            before = self.nr_conns
            super().accept(listener)
            if self.nr_conns == before:
                break

    def finish_request(self, conn: Any, fs: Any) -> None:
        """In the main thread, like all below."""
        conn.close = partial(self._close, conn)
        super().finish_request(conn, fs)

    def _close(self, conn: Any, graceful: bool = False) -> None:
        try:
            if graceful:
                conn.sock.shutdown(SHUT_WR)
                conn.unheard, conn.timeout = MOST, time.monotonic() + LINGER
                if not _has_hung_up(conn):
                    self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._hear, conn))
                    self._leaving.append(conn)
                    return
        except OSError:
            pass
        conn.sock.close()

    def _hear(self, conn: Any, _sock: Any) -> None:
        if _has_hung_up(conn):
            self._leaving.remove(conn)
            self._drop(conn)

    def murder_pending(self) -> None:
        """Called once a second at least."""
        super().murder_pending()
        while self._leaving and self._leaving[0].timeout <= time.monotonic():
            self._drop(self._leaving.popleft())

    def _drop(self, conn: Any) -> None:
        self.poller.unregister(conn.sock)
        conn.sock.close()


def _has_hung_up(conn: Any) -> bool:
    """Hears what was still under way when we hung up: closed at once it would cost the other side our last words."""
    try:
        heard = conn.sock.recv(MOST, MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    conn.unheard -= len(heard)
    return not heard or conn.unheard <= 0
