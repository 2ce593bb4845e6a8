"""What must hold of the rows, whatever happened."""

from collections.abc import Iterator

from favorites.cli.doctor.check import Finding, Needs, check, fault, ok
from favorites.db import db
from favorites.queries.invariants import INVARIANTS, broken

SECTION = "invariants"


@check(SECTION, "rows", Needs.SCHEMA)
def rows() -> Iterator[Finding]:
    """Each invariant; its name, and the rows that break it."""
    findings = broken(db.session)
    for finding in findings:
        sentence = f"{finding.invariant.name}: {finding.invariant.sentence}"
        yield fault(sentence, f"Look at {', '.join(finding.rows)}.")
    if not findings:
        yield ok(f"All {len(INVARIANTS)} hold.")
