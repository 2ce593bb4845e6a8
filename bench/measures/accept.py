"""Accepting under contention: 100 mechanics on one session request; and 5,000 of them beside pgbench."""

import multiprocessing
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from statistics import median
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session

from bench.figures import Figure, beside, figure, paired, percentile, spread
from bench.history import Database, cluster, engine
from favorites import postgres
from favorites.dispatch import answers, errors

CONTENDERS, RUNS = 100, 5
ROWS, CONNECTIONS, ROUNDS = 5_000, 8, 5
# All ids of a session request's story end in its number, twelve digits long, so that pgbench can write them.
FIRST = 100_000_000_000
IDS = {kind: f"00000000-0000-4000-{kind}-" for kind in ("a000", "b000", "c000")}
CUSTOMER, MECHANIC, REQUEST = IDS.values()
PEOPLE = f"""
INSERT INTO users (id, email, role, fs_uniquifier)
SELECT ('{{id}}' || n)::uuid, '{{role}}' || n || '@bench.test', '{{role}}', '{{role}}' || n
  FROM generate_series({FIRST}, {FIRST + ROWS - 1}) AS n;
INSERT INTO {{role}}s (id, user_id, first_name) SELECT id, id, 'Bench' FROM users WHERE id::text LIKE '{{id}}%'
"""
REQUESTS = f"""
INSERT INTO session_requests (id, customer_id, session_type, plan_code, expires_at)
SELECT ('{REQUEST}' || n)::uuid, ('{CUSTOMER}' || n)::uuid, 'chat', 'chat10', now() + interval '1 hour'
  FROM generate_series({FIRST}, {FIRST + ROWS - 1}) AS n
"""


class Worked(NamedTuple):
    """Accepts a second, and processor seconds of the clients for each thousand."""

    rate: float
    cpu: float


def measure() -> Iterator[Figure]:
    """Each session request has a customer and a mechanic of its own, since both may have one at a time."""
    with cluster() as database:
        people(database)
        versions = {"postgresql": database.one("SHOW server_version")}
        yield _contention(database, versions)
        yield from _throughput(database, versions)


def people(database: Database) -> None:
    """A customer and an approved mechanic for each of the session requests."""
    for id_, role in ((CUSTOMER, "customer"), (MECHANIC, "mechanic")):
        database.sql(PEOPLE.format(id=id_, role=role))
    database.sql("UPDATE mechanics SET status = 'approved'")


def accept(session: Session, number: int) -> None:
    """That session request, by its mechanic."""
    answers.accept(session, UUID(f"{REQUEST}{FIRST + number}"), UUID(f"{MECHANIC}{FIRST + number}"))


def _contention(database: Database, versions: dict[str, str]) -> Figure:
    took: list[float] = []
    winners, odd = [], 0
    for _ in range(RUNS):
        _ask(database)
        said = _all_at_once(database, took)
        winners.append(said.count("accepted"))
        odd += len(said) - said.count("accepted") - said.count("AlreadyTaken")
    name = f"winners of one session request that {CONTENDERS} connections accept at once"
    note = f"{RUNS} times; the others were told that it is taken, but for {odd}; p50 {percentile(took, 0.5):.0f} ms,"
    note += f" p99 {percentile(took, 0.99):.0f} ms"
    return figure(name, max(winners), "", most=1, least=1, is_valid=set(winners) == {1} and not odd, note=note,
                  versions=versions)  # fmt: skip


def _ask(database: Database) -> None:
    database.sql("DELETE FROM session_requests")
    database.sql("DELETE FROM request_events")
    database.sql(REQUESTS)
    database.settle()


def _all_at_once(database: Database, took: list[float]) -> list[str]:
    """What each was told. Our own connection goes first: the server has room for a hundred."""
    database.close()
    pool, said = engine(database.url, CONTENDERS), []
    ready = threading.Barrier(CONTENDERS)

    def try_it(number: int) -> None:
        with Session(pool) as session:
            session.connection()
            session.commit()
            ready.wait()
            began = time.perf_counter()
            try:
                answers.accept(session, UUID(f"{REQUEST}{FIRST}"), UUID(f"{MECHANIC}{FIRST + number}"))
                said.append("accepted")
            except errors.Refusal as refusal:
                said.append(type(refusal).__name__)
            took.append(1000 * (time.perf_counter() - began))

    _in_threads(try_it, CONTENDERS)
    pool.dispose()
    database.open()
    return said


def _in_threads(work: Any, many: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _throughput(database: Database, versions: dict[str, str]) -> Iterator[Figure]:
    script = _script(database)
    rates: dict[str, list[Worked]] = {"threads": [], "processes": [], "pgbench": []}
    for round_ in range(ROUNDS):
        arms = list(rates)
        for arm in arms if round_ % 2 else arms[::-1]:
            _ask(database)
            work = {"threads": (1, 8), "processes": (2, 4)}.get(arm)
            rates[arm].append(_verbs(database, *work) if work else _pgbench(database, script))
            accepted = database.one("SELECT count(*) FROM session_requests WHERE status = 'accepted'")
            events = database.one("SELECT count(*) FROM request_events")
            assert (accepted, events) == (ROWS, 2 * ROWS), (arm, accepted, events)
    for arm, clients, least in (("threads", "a process of 8 threads", 0.5), ("processes", "two of 4 threads", None)):
        ours, theirs = ([one.rate for one in rates[each]] for each in (arm, "pgbench"))
        cpu = 1000 * median(one.cpu for one in rates[arm])
        yield beside(
            f"accepts/s through the verb, 8 connections, {clients}", median(ours), "1/s", "pgbench -c 8",
            median(theirs), ratio=paired(ours, theirs), least=least, versions=versions,
            note=f"{spread(ours)}; pgbench {spread(theirs)}; {cpu:.2f} ms of Python's CPU an accept",
        )  # fmt: skip


def _script(database: Database) -> str:
    """The very statements of one accept, as they reach the server, for pgbench: the number of the row is a variable."""
    _ask(database)
    sent: list[str] = []
    pool = database.engine()
    event.listen(
        pool, "after_cursor_execute", lambda _c, cursor, *told: sent.append(cursor.mogrify(*told[:2]).decode())
    )
    with Session(pool) as session:
        accept(session, 0)
    pool.dispose()
    statements = [re.sub(r"\s+", " ", statement).replace(str(FIRST), ":n") + ";" for statement in sent]
    own = f"\\set n {FIRST} + :client_id * {ROWS // CONNECTIONS} + :done\n\\set done :done + 1"
    return "\n".join([own, "BEGIN;", *statements, "COMMIT;", ""])


def _pgbench(database: Database, script: str) -> Worked:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        clients = ["-n", "-c", str(CONNECTIONS), "-j", "2", "-t", str(ROWS // CONNECTIONS), "-D", "done=0"]
        command = [str(postgres.binaries() / "pgbench"), *clients, "-f", file.name, database.url]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"tps = ([\d.]+) \(without", told)
    assert found, told
    return Worked(float(found[1]), 0)


def _verbs(database: Database, processes: int, threads: int) -> Worked:
    """So many processes, of so many threads each, with a connection a thread; from the first begin to the last end."""
    share = ROWS // processes
    context = multiprocessing.get_context("spawn")
    ready, ends = context.Barrier(processes), context.Queue()
    workers = [
        context.Process(target=accept_all, args=(database.url, place * share, share, threads, ready, ends))
        for place in range(processes)
    ]
    for worker in workers:
        worker.start()
    told = [ends.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    begins, last, cpu = zip(*told, strict=True)
    return Worked(ROWS / (max(last) - min(begins)), sum(cpu) / ROWS)


def accept_all(url: str, first: int, many: int, threads: int, ready: Any, ends: Any) -> None:
    """One such process: (begin, end, processor seconds) into `ends`."""
    pool, here = engine(url, threads), threading.Barrier(threads + 1)

    def accept_some(place: int) -> None:
        with Session(pool) as session:
            session.connection()
            session.commit()
            here.wait()
            for number in range(first + place, first + many, threads):
                accept(session, number)

    running = [threading.Thread(target=accept_some, args=(place,)) for place in range(threads)]
    for thread in running:
        thread.start()
    ready.wait()
    here.wait()
    began, cpu = time.time(), time.process_time()
    for thread in running:
        thread.join()
    ends.put((began, time.time(), time.process_time() - cpu))
