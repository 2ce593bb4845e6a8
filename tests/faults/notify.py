"""What lies between the server and PostgreSQL: hints that never come, connections that are dead without saying so."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

from psycopg2.extensions import parse_dsn

from favorites.live.feed import POLL
from tests.ears import Ear
from tests.faults.ground import Ground, ground
from tests.faults.news import News, news
from tests.faults.registry import fault
from tests.faults.suite import by_tests
from tests.faults.town import Person
from tests.proxy import Line, Proxy, proxy_to
from tests.server import Server, until

SECONDS = 60.0  # that the database is away
ASKING = 10  # people at once meanwhile
FOUND = 15.0  # seconds until a connection that is half open must have been found
ANSWER = 15.0  # seconds until somebody who asks is told that the database is away
HINT = "ALTER TABLE request_events {} TRIGGER request_events_hint"
STATE = "SELECT state FROM pg_stat_activity WHERE pid = %s"
USAGE = "SELECT pg_notification_queue_usage()"
KEY = re.compile(rb"K\x00\x00\x00\x0c(.{4})", re.DOTALL)  # PostgreSQL's message with the pid of its backend


class Wire(NamedTuple):
    """A server that reaches its PostgreSQL through a proxy, and an open board; the town does so directly."""

    here: Ground
    proxy: Proxy
    server: Server
    told: News
    ear: Ear


@contextmanager
def wire() -> Iterator[Wire]:
    """One; the invariants are asked at the end."""
    with ground() as here:
        dsn = parse_dsn(here.url)
        with proxy_to(f"{dsn['host']}/.s.PGSQL.{dsn['port']}") as proxy:
            address = f"{dsn['user']}:{quote(dsn['password'])}@127.0.0.1:{proxy.port}/{dsn['dbname']}"
            with here.server(DATABASE_URL=f"postgresql://{address}") as server, news(here, server) as told:
                ear = told.ear(here.town.mechanic(), after=told.since)
                yield Wire(here, proxy, server, told, ear)
                proxy.heal()
                ear.close()
                told.end()
                here.check()


def again(step: Callable[[Wire], object]) -> Callable[[int], int]:
    """A play of so many steps on one wire."""

    def play(times: int) -> int:
        with wire() as here:
            for _ in range(times):
                step(here)
        return len(here.here.violations)

    return play


def is_feed(line: Line) -> bool:
    """Whether it is the connection that listens."""
    return b"LISTEN" in line.said


def half_open(wire: Wire) -> None:
    """The feed's connection is dead, and nobody says so."""
    until(lambda: sum(map(is_feed, wire.proxy.lines)) == 1, "one connection listens")
    wire.proxy.freeze(is_feed)
    wire.told.happen(2)
    wire.told.all_heard(wire.ear, FOUND, "half open")
    wire.proxy.cut(lambda line: not line.flows.is_set())


def lost_while_reconnecting(wire: Wire) -> None:
    """Five bookings between two connections of the feed."""
    until(lambda: any(is_feed(line) for line in wire.proxy.lines), "the feed listens")
    wire.proxy.part()
    wire.proxy.cut(is_feed)
    wire.told.happen(5)
    wire.proxy.heal()
    wire.told.all_heard(wire.ear, FOUND, "lost while reconnecting")


def without_notify(wire: Wire) -> None:
    """Nobody is woken."""
    wire.here.town.sql(HINT.format("DISABLE"))
    wire.told.happen()
    wire.told.all_heard(wire.ear, POLL + 1, "without NOTIFY")
    wire.here.town.sql(HINT.format("ENABLE"))


def queue(wire: Wire, bookings: int = 50) -> None:
    """Under load."""
    (line,) = [line for line in wire.proxy.lines if is_feed(line)]
    found = KEY.search(bytes(line.answered))
    assert found, "no pid"
    with looking(wire.here, int.from_bytes(found[1], "big")) as (states, usage):
        wire.told.happen(bookings)
    claim = wire.here.claim
    claim(max(usage) < 0.001, f"the queue is {max(usage):.1%} full")
    claim(not {state for state in states if "transaction" in state}, f"the listening session was {states}")
    claim(sum(states.values()) > bookings / 10, f"looked {sum(states.values())} times only")


@contextmanager
def looking(here: Ground, pid: int) -> Iterator[tuple[Counter[str], list[float]]]:
    """Meanwhile: what that backend does, and how full the queue is."""
    states, usage, over = Counter[str](), [0.0], threading.Event()

    def look() -> None:
        while not over.wait(0.005):
            states[here.town.one(STATE, pid)] += 1
            usage.append(here.town.one(USAGE))
        here.town.close()

    thread = threading.Thread(target=look)
    thread.start()
    yield states, usage
    over.set()
    thread.join()


def partition(wire: Wire, seconds: float = SECONDS) -> None:
    """Nothing comes through for so long."""
    here, proxy, server, told, ear = wire
    mechanic = here.town.mechanic()
    visit(server, mechanic)
    memory = server.workers()[0].memory_info().rss
    proxy.part()
    visits = visit_for(server, mechanic, seconds, told)
    proxy.heal()
    told.all_heard(ear, FOUND, "after the partition")
    until(lambda: visit(server, mechanic)[0] == 200, "pages are back", FOUND)
    judge(here, visits)
    grown = server.workers()[0].memory_info().rss - memory
    here.claim(grown < 40 << 20, f"the worker has grown by {grown >> 20} MiB")
    here.claim(ear.is_open, "the stream ended")


Visit = tuple[int, str | None, float]  # the status, Retry-After, how long it took


def visit_for(server: Server, mechanic: Person, seconds: float, told: News) -> list[Visit]:
    """What people are told who come again and again, while bookings are made elsewhere."""
    visits: list[Visit] = []
    deadline = time.monotonic() + seconds

    def come() -> None:
        while time.monotonic() < deadline:
            visits.append(visit(server, mechanic))
            time.sleep(0.2)

    people = [threading.Thread(target=come) for _ in range(ASKING)]
    for person in people:
        person.start()
    told.happen(3)
    for person in people:
        person.join()
    return visits


def visit(server: Server, mechanic: Person, path: str = "/mechanic/dashboard") -> Visit:
    """Opens a page, as this mechanic."""
    began = time.monotonic()
    try:
        with build_opener(ProxyHandler({})).open(
            Request(server.url + path, headers={"Cookie": mechanic.cookie}), timeout=60
        ) as answer:
            return answer.status, None, time.monotonic() - began
    except HTTPError as error:
        return error.code, error.headers["Retry-After"], time.monotonic() - began


def judge(here: Ground, visits: list[Visit]) -> None:
    """Everybody was told soon, and to come again."""
    answers = Counter((status, retry is not None) for status, retry, _ in visits)
    late = [seconds for _, _, seconds in visits if seconds > ANSWER]
    here.claim(set(answers) == {(503, True)}, f"answered (status, with Retry-After): {answers}")
    here.claim(not late, f"told after {late} s, usually after {median(each[2] for each in visits):.1f} s")


fault(
    "K16",
    "The LISTEN connection is half open: a proxy swallows all of it and tells nobody",
    "found within 15 s; the same stream hears all that was committed meanwhile, once and in order",
    4,
)(again(half_open))
fault(
    "K17",
    "NOTIFY is lost while the feed connects again: five bookings between two connections",
    "the table is read after LISTEN: the same stream hears all five, once and in order",
    20,
)(again(lost_while_reconnecting))
fault("K18", "2,000 emoji in every field of a booking", "it is booked and heard; NOTIFY carries nothing", 20)(
    by_tests("tests/test_streams.py", "-k", "k18")
)
fault(
    "K19",
    "The NOTIFY queue under load: 50 bookings, with the feed's session looked at all the while",
    "its backend is never left in a transaction; the queue stays empty (below one part in a thousand)",
    6,
)(again(queue))
fault(
    "K64",
    f"The network between server and database swallows everything for {SECONDS:.0f} s",
    "pages answer 503 with Retry-After within 15 s; streams stay; no memory grows; it heals, nothing is lost",
    1,
)(again(partition))
fault(
    "V29", "NOTIFY is switched off altogether", f"everything arrives within the poll's {POLL:.0f} s and one more", 20
)(again(without_notify))
