"""Whether the engine runs: polls are made, streams are read for, what was to be sent was."""

from collections.abc import Iterator
from datetime import timedelta

from favorites.cli.doctor.check import Finding, Needs, advice, check, fault, ok
from favorites.db import db
from favorites.queries import engine, machine, sendings
from favorites.settings import current

SECTION = "scheduler"
BACKLOG = 100  # events
START = "Start Book Again, or read its log."


@check(SECTION, "polls", Needs.SCHEMA)
def polls() -> Iterator[Finding]:
    """Older than three periods they have stopped."""
    newest = machine.newest_poll(db.session)
    if newest is None:
        yield advice("No poll was ever made here.", "Start Book Again; the first comes at once.")
    elif engine.beat_is_late(db.session):
        yield fault(f"The last poll is {newest.age:.0f} s old: lapsed windows are not announced.", START)
    else:
        yield ok(f"The last, by {newest.leader}, is {newest.age:.0f} s old.")


@check(SECTION, "streams", Needs.SCHEMA)
def streams() -> Iterator[Finding]:
    """Every process tells of itself each 10 s."""
    processes = machine.processes(db.session)
    behind = max(processes, key=lambda process: process.behind, default=None)
    if behind is None:
        yield advice("No process holds streams now.", "Start Book Again.")
    elif behind.behind > BACKLOG:
        yield fault(f"{behind.name} has {behind.behind} events yet to tell.", "Restart it.")
    else:
        yield ok(f"{sum(each.streams for each in processes)} are open in {len(processes)} processes; all is told.")


@check(SECTION, "sendings", Needs.SCHEMA)
def given_up() -> Iterator[Finding]:
    """What nobody took."""
    pushes = sendings.failed_pushes(db.session, timedelta(days=current().sign_in_idle_days))
    if failed := [*pushes, *sendings.failed_mails(db.session)]:
        yield advice(f"{len(failed)} offers or mails of the last day were not sent.", "Send them again: /admin/engine.")
    else:
        yield ok("Everything was sent.")
