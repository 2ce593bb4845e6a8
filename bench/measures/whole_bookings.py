"""Whole bookings, by the POSTs alone: how many a second, how long each takes, what each asks of the database."""

import re
from collections.abc import Iterator
from http.client import HTTPConnection

from bench.bookers import Booker, at_once, bookers, books
from bench.figures import Figure, figure, percentile
from bench.stage import Stage, stage
from favorites.postgres import home_of

CLIENTS, BOOKINGS, COUNTED = 8, 800, 10
PLANS = {"free": "free plan", "chat10": "credits"}
# The connections of the web: each request begins by asking who it is.
SENT = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] LOG:  statement: (.*)$", re.M)
WHO = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] DETAIL:  prepare: .* AS SELECT sign_ins\.id,", re.M)


def measure() -> Iterator[Figure]:
    """Each plan: as fast as eight clients go; then ten more, one by one, with every statement in the server's log."""
    with stage(BOOKINGS_PER_HOUR="100") as on:
        for plan, told in PLANS.items():
            some = bookers(on.town, on.server.instance, BOOKINGS + COUNTED + 2 * CLIENTS)
            at_once(on.port, some[BOOKINGS + COUNTED :], plan, CLIENTS)  # every connection of the pool is open now
            yield from _hurried(on, some[:BOOKINGS], plan, told)
            yield _counted(on, some[BOOKINGS : BOOKINGS + COUNTED], plan, told)


def _hurried(on: Stage, some: list[Booker], plan: str, told: str) -> Iterator[Figure]:
    shares = at_once(on.port, some, plan, CLIENTS)
    wall = max(share.wall for share in shares)
    busy = sum(share.cpu for share in shares) / wall
    booked = [one for share in shares for one in share.booked]
    note = f"{len(booked)} bookings in {wall:.1f} s; the {CLIENTS} clients together took {busy:.0%} of a core"
    is_valid = busy <= 0.7
    name = f"whole bookings, {told}"
    yield figure(f"{name}: bookings/s", len(booked) / wall, "1/s", least=40, is_valid=is_valid, note=note)
    for step in booked[0].took:
        took = [one.took[step] for one in booked]
        beside = f"p50 {percentile(took, 0.5):.1f} ms, max {max(took):.0f} ms"
        yield figure(
            f"{name}: POST {step}, p99", percentile(took, 0.99), "ms", most=200, is_valid=is_valid, note=beside
        )


def _counted(on: Stage, some: list[Booker], plan: str, told: str) -> Figure:
    log = home_of(on.server.instance) / "log"
    connection = HTTPConnection("127.0.0.1", on.port, timeout=30)
    _log_statements(on, "all")
    books(connection, some[0], plan)  # by then every connection logs
    begins = log.stat().st_size
    for one in some[1:]:
        books(connection, one, plan)
    _log_statements(on, "none")
    connection.close()
    with log.open(errors="replace") as lines:
        lines.seek(begins)
        written = lines.read()
    web = set(WHO.findall(written))
    sent = [statement for pid, statement in SENT.findall(written) if pid in web]
    theirs = [statement for statement in sent if statement not in {"BEGIN", "COMMIT"}]
    note = "by the server's log: pings of the pool and savepoints count, BEGIN and COMMIT do not"
    each = len(theirs) / (len(some) - 1)
    return figure(f"whole bookings, {told}: statements", each, "", most=20, is_valid=bool(theirs), note=note)


def _log_statements(on: Stage, which: str) -> None:
    on.town.rows(f"ALTER SYSTEM SET log_statement = '{which}'")
    on.town.rows("SELECT pg_reload_conf()")
