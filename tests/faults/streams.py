"""Many streams at once: the server that holds them dies, is replaced, or has a reader who does not read."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from tests.crowds import Crowd, crowd
from tests.faults.ground import Ground, answers, ground
from tests.faults.news import BOARD, News, news
from tests.faults.notify import visit
from tests.faults.registry import fault
from tests.faults.suite import by_tests
from tests.faults.town import Person
from tests.server import Server, until

STREAMS = 1000
EACH = 10  # streams of one person
BACK = 5.0  # seconds until all streams must be back
SESSIONS = """SELECT count(*) AS all_, count(*) FILTER (WHERE state <> 'idle') AS busy FROM pg_stat_activity
              WHERE application_name = 'book-again'"""


class Scene(NamedTuple):
    """A server with many boards open."""

    here: Ground
    server: Server
    told: News
    people: list[Person]
    crowd: Crowd


@contextmanager
def boards(streams: int) -> Iterator[Scene]:
    """So many, of a tenth as many mechanics."""
    with ground() as here, here.server() as server, news(here, server) as told:
        people = [here.town.mechanic() for _ in range(-(-streams // EACH))]
        cookies = [people[number % len(people)].cookie for number in range(streams)]
        with crowd(lambda: server.port, f"{BOARD}?after={told.since}", cookies) as listening:
            yield Scene(here, server, told, people, listening)
        told.end()
        here.check()


@fault(
    "K47",
    f"kill -9 of the web process with {STREAMS} open streams; bookings are made before, meanwhile and after",
    "all are back within 5 s of its return, with their cursor; each heard every event once, in order",
    5,
)
def storm(times: int) -> int:
    with boards(STREAMS) as scene:
        for _ in range(times):
            kill(scene)
    return len(scene.here.violations)


def kill(scene: Scene) -> float:
    """One; the seconds from the server's return until the last stream was back."""
    here, server, told, _, listening = scene
    told.happen(2)
    (worker,) = server.workers()
    worker.kill()
    killed = time.monotonic()
    told.happen(3)
    until(lambda: answers(server), "the server is back")
    returned = time.monotonic()
    seconds = listening.all_open(60, since=killed) - returned
    here.claim(seconds <= BACK, f"the last of {len(listening.listeners)} streams was back after {seconds:.1f} s")
    told.happen(2)
    wrong = listening.all_heard("new_request", told.told(), 10)
    here.claim(not wrong, f"{len(wrong)} streams heard otherwise, one {wrong[:1]} of {told.told()}")
    resets = [each for each in listening.listeners if each.ids("reset")]
    here.claim(not resets, f"{len(resets)} were told to read all anew")
    return seconds


@fault(
    "K53",
    "120 open streams on a server with 8 threads",
    "every page answers 200 within a second or two; the same streams hear what happens",
    20,
)
def threads(times: int) -> int:
    with boards(120) as scene:
        for _ in range(times):
            pages_answer(scene)
    return len(scene.here.violations)


def pages_answer(scene: Scene) -> None:
    """Beside all those streams."""
    with ThreadPoolExecutor(8) as visitors:
        visits = visitors.map(lambda person: visit(scene.server, person), scene.people[:8])
        late = [seconds for status, _, seconds in visits if status != 200 or seconds > 2]
    scene.here.claim(not late, f"pages answered after {late} s, or not")
    scene.told.happen()
    wrong = scene.crowd.all_heard("new_request", scene.told.told(), 5)
    scene.here.claim(not wrong, f"{len(wrong)} streams heard otherwise")


@fault(
    "K56",
    "200 open streams (V27)",
    "no database session more than without them: 8 of the pool at most, the feed, the leader, the poll; none is busy",
    20,
)
def no_connection(times: int) -> int:
    with boards(200) as scene:
        for _ in range(times):
            few_sessions(scene)
    return len(scene.here.violations)


def few_sessions(scene: Scene) -> None:
    """However many streams there are."""
    scene.told.happen()
    all_ = scene.here.town.sql(SESSIONS)[0].all_ - scene.told.own_sessions()
    scene.here.claim(all_ <= 8 + 5, f"{all_} sessions")  # pages; the poll, its lock, feed, care of the streams, push
    until(lambda: scene.here.town.sql(SESSIONS)[0].busy == 0, "no session is busy", 5)


fault(
    "K63",
    "Events deleted by hand; ids that go back (a restored backup); a cursor that never was, or from the future",
    "the stream says `reset` and goes on from the present: never a silent gap, never silence for ever",
    20,
)(
    by_tests(
        "tests/test_feed.py::test_older_than_what_is_kept_is_reset",
        "tests/test_feed.py::test_a_table_that_went_back_is_a_new_beginning",
        "tests/test_feed.py::test_what_cannot_be_resumed_is_reset",
        "tests/test_hub.py::test_what_the_ring_has_lost_is_a_reset_never_a_gap",
        "tests/test_hub.py::test_a_new_beginning_resets_whoever_listens",
        "tests/test_live.py::test_after_that_is_no_number_is_a_reset",
    )
)
