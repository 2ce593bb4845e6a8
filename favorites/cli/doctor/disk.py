"""Room on the disks."""

from collections.abc import Iterator

from favorites import disk
from favorites.cli.doctor.check import Finding, Needs, check, fault, ok
from favorites.db import db
from favorites.queries.machine import data_directory
from favorites.settings import current

SECTION = "disk"
GIGABYTE = 10**9


@check(SECTION, "room", Needs.DATABASE)
def room() -> Iterator[Finding]:
    """Of INSTANCE_DIR, and of the database where it is on this machine."""
    for space in disk.spaces(current(), data_directory(db.session)):
        what = {"instance": "INSTANCE_DIR", "database": "the database's files"}[space.holds]
        left = f"{space.free / GIGABYTE:.1f} of {space.total / GIGABYTE:.1f} GB are free for {what}."
        yield fault(left, "Make room, or set EVENT_RETENTION_DAYS.") if space.is_low else ok(left)
