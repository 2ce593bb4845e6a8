"""`flask doctor`: does everything hold that must hold?"""

import sys

import click

from favorites.cli.command import command
from favorites.db import db
from favorites.queries import invariants


@click.command("doctor")
@command
def doctor() -> None:
    """Ask every invariant; name what breaks one, and end with 1."""
    findings = invariants.broken(db.session)
    for finding in findings:
        click.echo(f"{finding.invariant.name}: {finding.invariant.sentence}\n  {', '.join(finding.rows)}")
    if findings:
        sys.exit(1)
    click.echo(f"All {len(invariants.INVARIANTS)} invariants hold.")
