"""The server ends in order, with streams open and a request under way."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg2

from tests.ears import Ear
from tests.faults.doors import OK, Http
from tests.faults.ground import Ground, answers, ground
from tests.faults.news import BOARD
from tests.faults.registry import fault
from tests.faults.scenes import Case, Stage
from tests.faults.streams import BACK, Scene, boards
from tests.server import Server, until


@fault(
    "K58",
    "HUP of the server, SIGTERM of its worker and of all of it, with 200 streams open and a request under way",
    "all streams end within 5 s and are back within 5 s of the next server, none lost; the request is answered 200",
    6,
)
def deploys(times: int) -> int:
    ways = (hup, end_of_the_worker)
    with boards(200) as scene:
        for turn in range(times):
            deploy(scene, ways[turn % len(ways)])
    return len(scene.here.violations) + sum(stopped() for _ in range(-(-times // 3)))


def hup(server: Server) -> None:
    """A deploy without a pause."""
    os.kill(server.process.pid, signal.SIGHUP)


def end_of_the_worker(server: Server) -> None:
    """As a machine's administrator might do it."""
    server.workers()[0].terminate()


def end_of_all(server: Server) -> None:
    """A stop."""
    os.kill(server.process.pid, signal.SIGTERM)


def deploy(scene: Scene, act: Callable[[Server], None]) -> None:
    """One; while it goes on, a mechanic's answer waits for a lock."""
    here, server, told, _, listening = scene
    began = told.happen()
    under_way(here, server, lambda: act(server))
    until(lambda: answers(server), "the server is back")
    returned = time.monotonic()
    last = listening.all_open(60, since=began)
    ended = max(each.ended_at or 0.0 for each in listening.listeners)
    here.claim(ended - began <= 5, f"{act.__name__}: the last stream ended after {ended - began:.1f} s")
    here.claim(last - returned <= BACK, f"{act.__name__}: the last stream was back after {last - returned:.1f} s")
    told.happen()
    wrong = listening.all_heard("new_request", told.told(), 10)
    here.claim(not wrong, f"{act.__name__}: {len(wrong)} streams heard otherwise, one {wrong[:1]} of {told.told()}")


def stopped() -> int:
    """SIGTERM of all: everything ends, the answer that was under way included."""
    with ground() as here, here.server() as server:
        mechanics = [here.town.mechanic() for _ in range(20)]
        ears = [Ear(server.port, BOARD, mechanic.cookie) for mechanic in mechanics for _ in range(10)]
        began = time.monotonic()
        under_way(here, server, lambda: end_of_all(server))
        for ear in ears:
            ear.until_closed()
        here.claim(time.monotonic() - began <= 5, f"the streams ended after {time.monotonic() - began:.1f} s")
        server.process.wait(30)
        here.claim(time.monotonic() - began <= 10, f"the server ended after {time.monotonic() - began:.1f} s")
        here.check()
        return len(here.violations)


@contextmanager
def held(here: Ground, case: Case) -> Iterator[None]:
    """Somebody holds that session request's row."""
    holder = psycopg2.connect(here.url)
    holder.cursor().execute("SELECT FROM session_requests WHERE id = %s FOR UPDATE", [case.request_id])
    yield
    holder.close()


def under_way(here: Ground, server: Server, act: Callable[[], None]) -> None:
    """An accept waits for its row while `act` is done, and then a second longer."""
    case = Case(Stage(here, server)).asked()
    with ThreadPoolExecutor(1) as threads, held(here, case):
        answer = threads.submit(Http(lambda: server.port).does, case.marco, "accept", case.request_id)
        until(lambda: here.town.one("SELECT count(*) FROM pg_locks WHERE NOT granted"), "the accept waits", 5)
        act()
        time.sleep(1)
    here.claim(answer.result().outcome == OK, f"the accept that was under way was answered {answer.result()}")
    case.leave()
