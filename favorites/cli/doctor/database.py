"""The database: which it is, and whether it keeps what it says."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg2

from favorites import revisions, schema
from favorites.cli.doctor.check import Finding, Needs, advice, check, fault, ok
from favorites.db import connect, db, reason
from favorites.embedded.programs import SUPPORTED
from favorites.postgres import MachineError
from favorites.queries.server import server
from favorites.queries.standing import database_time
from favorites.settings import current

SECTION = "database"
A_WORKER, BESIDE = 21, 10  # connections: deploy/README.md says whose
SKEW = 2.0  # seconds


@check(SECTION, "answer")
def answer() -> Iterator[Finding]:
    """Whether there is one."""
    try:
        connect().close()
    except (psycopg2.OperationalError, MachineError) as error:
        yield fault(f"It does not answer ({reason(error)}).", "Start it, or correct DATABASE_URL.")
    else:
        yield ok("It answers.")


@check(SECTION, "version", Needs.DATABASE)
def version() -> Iterator[Finding]:
    """PostgreSQL 15 to 18 are tested."""
    found = server(db.session)
    if found.major < SUPPORTED[0]:
        yield fault(f"PostgreSQL {found.version} is too old.", f"Upgrade it to {SUPPORTED[0]} or newer.")
    elif found.major > SUPPORTED[-1]:
        yield advice(f"PostgreSQL {found.version} is newer than what was tested.", f"Prefer {SUPPORTED[-1]}.")
    else:
        yield ok(f"PostgreSQL {found.version}.")


@check(SECTION, "schema", Needs.DATABASE)
def schema_fits() -> Iterator[Finding]:
    """The tables are this code's."""
    try:
        schema.check()
    except schema.SchemaDiffers as difference:
        sentence, _, todo = str(difference).partition(": ")
        yield fault(f"{sentence}.", f"{todo[:1].upper()}{todo[1:]}")
    else:
        yield ok(f"At {revisions.newest()}, as this code needs it.")


@check(SECTION, "durability", Needs.DATABASE)
def durability() -> Iterator[Finding]:
    """What was accepted stays accepted."""
    found = server(db.session)
    if not found.survives_a_power_cut:
        yield fault("fsync or full_page_writes is off: a power cut may destroy all data.", "Switch both on.")
    elif not found.keeps_what_it_said:
        yield fault("synchronous_commit is off: a crash forgets what somebody was told.", "Set it to on.")
    else:
        yield ok("What it has said is on the disk.")


@check(SECTION, "connections", Needs.DATABASE)
def connections() -> Iterator[Finding]:
    """Who finds none gets 503."""
    needed, there = current().workers * A_WORKER + BESIDE, server(db.session).connections
    if there < needed:
        sentence = f"We may have {there} connections, and WORKERS={current().workers} may take {needed}."
        yield fault(sentence, "Raise max_connections (or the limit of the role or database), or lower WORKERS.")
    else:
        yield ok(f"{there}, and {needed} are enough.")


@check(SECTION, "clock", Needs.DATABASE)
def clock() -> Iterator[Finding]:
    """The database's clock decides; logs and cookies go by this machine's."""
    before = datetime.now(UTC)
    theirs = database_time(db.session)
    skew = (theirs - before - (datetime.now(UTC) - before) / 2).total_seconds()
    if abs(skew) > SKEW:
        which = "ahead of" if skew > 0 else "behind"
        sentence = f"The database's clock is {abs(skew):.0f} s {which} this machine's."
        yield fault(sentence, "Let both be set by NTP: timedatectl set-ntp true.")
    else:
        yield ok("The database's and this machine's agree.")
