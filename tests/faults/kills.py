"""Random kills: session requests go their ways while web processes, the leader, backends and PostgreSQL are killed.

Two servers on one database, three clients: threads over HTTP here, and two processes that call the verbs themselves.
At the end the log of every client is compared with the database: 0 lost, 0 doubled, 0 stuck.
"""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.faults.doors import Http
from tests.faults.ground import Ground, ground
from tests.faults.hand import Log, play_lane, shares
from tests.faults.registry import fault
from tests.faults.stories import People
from tests.faults.town import keep
from tests.server import ROOT, Server, environment, until

OVER_HTTP = 0.3  # of all
LANES = 6  # threads over HTTP
HANDS = 2  # processes
PER_CUSTOMER = 5  # bookings over HTTP; ten an hour are allowed, and thirty answers a minute
PER_PURSE = 25  # bookings that a customer's credits pay for
SPARE = 60.0  # seconds

BACKENDS = """SELECT pid FROM pg_stat_activity WHERE application_name = 'book-again' AND pid <> pg_backend_pid()
              ORDER BY (state = 'idle'), random() LIMIT 1"""
LEADER = "SELECT split_part(leader, ':', 2)::int FROM engine_beats ORDER BY id DESC LIMIT 1"
BOOKED = "SELECT count(*) FROM session_requests"
ROWS = """SELECT r.session_id::text AS consultation, r.id::text AS request, r.status, r.mechanic_id::text AS mechanic,
                 sum(credits) FILTER (WHERE kind = 'spend') AS spent,
                 sum(credits) FILTER (WHERE kind = 'refund') AS back
          FROM session_requests r LEFT JOIN credit_entries c ON c.session_id = r.session_id GROUP BY r.id"""
STEPS = """SELECT session_request_id::text AS request, payload->>'rule' AS rule, actor, count(*) AS times
           FROM request_events WHERE actor IS NOT NULL GROUP BY 1, 2, 3"""
DUE = """SELECT count(*) FROM session_requests WHERE status = 'pending' AND (expires_at < clock_timestamp()
         OR (fallback_broadcast_at IS NULL AND priority_expires_at < clock_timestamp()))"""


class Storm(NamedTuple):
    """How much, and how bad. A death is a web process's, the leader's or a backend's, in turn, each by SIGKILL."""

    requests: int
    deaths: int = 0
    restarts: int = 0  # of PostgreSQL: fast and immediate in turn
    kinds: tuple[str, ...] = ("web", "leader", "backend")  # or "terminated": a backend, by pg_terminate_backend

    def faults(self) -> list[str]:
        """All of them, mixed."""
        deaths = [self.kinds[number % len(self.kinds)] for number in range(self.deaths)]
        restarts = [("immediate", "fast")[number % 2] for number in range(self.restarts)]
        return random.sample(deaths + restarts, len(deaths) + len(restarts))


class Outcome(NamedTuple):
    """What a storm came to."""

    calls: Counter[str]
    faults: Counter[str]
    seconds: float
    violations: list[str]


def play(storm: Storm) -> Outcome:
    """Plays it on a fresh database."""
    began = time.monotonic()
    with ground() as here, here.server(CRASH_AT="") as one, here.server(CRASH_AT="") as two:
        servers = [one, two]
        with ThreadPoolExecutor(LANES) as threads, _start(here, servers, storm.requests, threads) as clients:
            faults = _provoke(here, servers, storm, clients)
            _join(here, clients)
        here.claim(_ends(lambda: here.town.one(DUE) == 0), "what was due is not done")
        records = list(_records(here.home))
        _compare(here, records, storm.requests)
        here.check()
        here.claim(not _tracebacks(servers), f"unexpected: {_tracebacks(servers)[:3]}")
        calls = Counter(f"{what} {outcome}" for record in records for _, _, what, outcome, _ in record["calls"])
        return Outcome(calls, faults, time.monotonic() - began, here.violations)


class Clients:
    """Threads over HTTP, and processes, which end with this."""

    def __init__(self, lanes: list[Future[None]], hands: list[subprocess.Popen[bytes]]) -> None:
        self.lanes, self.hands = lanes, hands

    def __enter__(self) -> "Clients":
        return self

    def __exit__(self, *_: object) -> None:
        for hand in self.hands:
            hand.kill()
            hand.wait()

    def are_done(self) -> bool:
        """Whether all of them have finished."""
        return all(lane.done() for lane in self.lanes) and all(hand.poll() is not None for hand in self.hands)


def _start(here: Ground, servers: list[Server], requests: int, threads: ThreadPoolExecutor) -> Clients:
    over_http = round(requests * OVER_HTTP)
    lanes = []
    log = Log(here.home / "http.log")
    for share in shares(over_http, LANES):
        people = _people(here, -(-share // PER_CUSTOMER))
        door = lambda: Http(lambda: random.choice(servers).port)  # noqa: E731 - two words
        lanes.append(threads.submit(play_lane, door, here.town, people, share, log))
    return Clients(
        lanes, [_hand(here, number, share) for number, share in enumerate(shares(requests - over_http, HANDS))]
    )


def _people(here: Ground, number: int) -> list[People]:
    groups = []
    for _ in range(number):
        marco, nadia = here.town.mechanic(), here.town.mechanic("Nadia")
        groups.append(People(here.town.customer(marco), marco, nadia))
    return groups


def _hand(here: Ground, number: int, stories: int) -> subprocess.Popen[bytes]:
    people = here.home / f"people-{number}"
    keep([list(group) for group in _people(here, -(-stories // PER_PURSE) + 2)], people)
    line = [
        sys.executable,
        "-m",
        "tests.faults.hand",
        here.url,
        str(people),
        str(stories),
        str(here.home / f"{number}.log"),
    ]
    where = environment(here.home / "instance", PRIORITY_COOLDOWN_MINUTES="0")
    with (here.home / f"hand-{number}.txt").open("wb") as said:
        return subprocess.Popen(line, cwd=ROOT, env=where, stdout=said, stderr=said)


def _provoke(here: Ground, servers: list[Server], storm: Storm, clients: Clients) -> Counter[str]:
    """Each fault when its share of the session requests has been booked."""
    faults = storm.faults()
    for number, kind in enumerate(faults, 1):
        share = storm.requests * number // (len(faults) + 1)
        until(lambda: clients.are_done() or here.town.one(BOOKED) >= share, f"{share} are booked", 600)  # noqa: B023
        _do(here, servers, kind)
    return Counter(faults)


def _do(here: Ground, servers: list[Server], kind: str) -> None:
    if kind == "immediate":
        here.restart_postgres(signal.SIGQUIT)
    elif kind == "fast":
        here.restart_postgres(signal.SIGINT)
    elif kind == "terminated":
        pid = until(lambda: here.town.sql(BACKENDS), "there is a backend", SPARE)[0].pid
        here.town.sql("SELECT pg_terminate_backend(%s)", pid)
    else:
        until(lambda: _kill(here, servers, kind), f"there is a {kind} to kill", SPARE)


def _kill(here: Ground, servers: list[Server], kind: str) -> bool:
    """kill -9 of a worker that serves, any or the one that polled last, or of a backend; False: gone meanwhile."""
    with suppress(psutil.NoSuchProcess):
        if found := list(_processes(here, servers, kind)):
            one = random.choice(found)
            one.kill()
            psutil.wait_procs([one], 5)
            return True
    return False


def _processes(here: Ground, servers: list[Server], kind: str) -> Iterator[psutil.Process]:
    if kind == "backend":
        yield from (psutil.Process(row.pid) for row in here.town.sql(BACKENDS))
        return
    workers = [worker for server in servers for worker in server.workers()]
    leaders = [row[0] for row in here.town.sql(LEADER)] if kind == "leader" else []
    yield from (worker for worker in workers if kind == "web" or worker.pid in leaders)


def _ends(fact: Callable[[], object]) -> bool:
    """Whether it becomes true in time."""
    try:
        return bool(until(fact, "it ends", SPARE))
    except AssertionError:
        return False


def _join(here: Ground, clients: Clients) -> None:
    for lane in clients.lanes:
        lane.result()
    for number, hand in enumerate(clients.hands):
        code = hand.wait(600)
        here.claim(code == 0, f"a client ended with {code}: {(here.home / f'hand-{number}.txt').read_text()[-2000:]}")


def _records(home: Path) -> Iterator[dict[str, Any]]:
    for log in home.glob("*.log"):
        if log.stem in ("http", *map(str, range(HANDS))):
            yield from map(json.loads, log.read_text().splitlines())


def _compare(here: Ground, records: list[dict[str, Any]], stories: int) -> None:
    """The logs against the database: nothing lost, nothing doubled."""
    rows = here.town.sql(ROWS)
    by_consultation = {row.consultation: row for row in rows}
    steps: dict[str, Counter[tuple[str, str]]] = {}
    for step in here.town.sql(STEPS):
        steps.setdefault(step.request, Counter())[step.rule, step.actor] += step.times
    made = here.town.one("SELECT count(*) FROM sessions")
    here.claim(len(records) == stories, f"{len(records)} records of {stories} stories")
    here.claim(
        len(rows) == len(by_consultation) == made == stories, f"{stories} stories, {len(rows)} rows, {made} made"
    )
    for record in records:
        here.claim("500" not in (call[-1] for call in record["calls"]), f"an answer was 500: {record['calls']}")
        for problem in record["problems"]:
            here.claim(False, f"{problem} in {record['calls'][-6:]}")
        if not record["problems"]:
            row = by_consultation.get(record["consultation"])
            wrong = _differences(record, row, steps.get(record["request"], Counter())) if row else ["lost"]
            here.claim(not wrong, f"{record['plot']} {record['request']}: {wrong}")


def _differences(record: dict[str, Any], row: Any, steps: Counter[tuple[str, str]]) -> list[str]:
    rules = Counter({"release": 0})
    for (rule, _), times in steps.items():
        rules[rule] += times
    accepts = Counter({actor: times for (rule, actor), times in steps.items() if rule == "accept"})
    is_back = record["status"] in ("cancelled", "expired")
    facts: dict[str, Callable[[], bool]] = {
        "id": lambda: row.request == record["request"],
        "status": lambda: row.status == record["status"],
        "winners": lambda: accepts == Counter(f"mechanic:{id_}" for id_ in record["winners"]),
        "mechanic": lambda: row.mechanic in (None, *record["winners"][-1:]),
        "rules": lambda: all(rules[rule] == record["rules"].get(rule, 0) for rule in _rules_of(record)),
        "spent": lambda: row.spent is not None and row.spent < 0,
        "given back": lambda: (row.back or 0) == (-row.spent if is_back else 0),
    }
    return [f"{name}: {row} {dict(steps)}" for name, holds in facts.items() if not holds()]


def _rules_of(record: dict[str, Any]) -> set[str]:
    known = {"accept", "decline", "cancel", "release", "started", "completed", "lapse", "expiry"}
    return known - ({"lapse"} if record["plot"] == "taken_at_the_end" else set())


def _tracebacks(servers: list[Server]) -> list[str]:
    """What the servers did not expect: their log has one JSON object a line, and nothing else."""
    lines = [line for server in servers for line in server.said().splitlines()]
    return [line for line in lines if "Traceback" in line]


def _violations(storm: Storm) -> int:
    outcome = play(storm)
    told = ", ".join(f"{times} {what}" for what, times in sorted(outcome.calls.items()))
    print(f"{storm}: {outcome.seconds:.0f} s, {dict(outcome.faults)}; answered: {told}", file=sys.stderr, flush=True)
    return len(outcome.violations)


CHECKED = "each client's log against the database: 0 lost, 0 doubled, 0 stuck; every invariant"


@fault("K14", "PostgreSQL stopped under load, immediate and fast in turn, and started again", CHECKED, 20)
def restarts(times: int) -> int:
    return _violations(Storm(40 * times, restarts=times))


@fault("K15", "a single database backend terminated, whatever it does", CHECKED, 40)
def backends(times: int) -> int:
    return _violations(Storm(20 * times, deaths=times, kinds=("terminated",)))


@fault("P3", "10,000 session requests through 100 SIGKILLs and 20 restarts of PostgreSQL", CHECKED, 100)
def random_kills(times: int) -> int:
    return _violations(Storm(100 * times, deaths=times, restarts=times // 5))
