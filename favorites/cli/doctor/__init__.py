"""`flask doctor`: is everything as it must be, on this machine and in this database? Each check says what to do."""

import json
import sys

import click

from favorites.cli.command import command
from favorites.cli.doctor import (
    database,
    disk,
    going_live,
    invariants,
    mail,
    payments,
    proxy,
    push,
    scheduler,
    settings,
)
from favorites.cli.doctor.check import Check, Finding, Level, examine

PARTS = (settings, database, disk, mail, push, payments, proxy, scheduler, invariants, going_live)  # told in this order
SECTIONS = tuple(part.SECTION for part in PARTS)


@click.command("doctor")
@click.argument("sections", nargs=-1, type=click.Choice(SECTIONS))
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@command
def doctor(sections: tuple[str, ...], as_json: bool) -> None:
    """Ask every check, or those of SECTIONS only. A fault ends with 1; advice, like everything that is well, with 0."""
    found = list(examine([each for each in SECTIONS if each in (sections or SECTIONS)]))
    is_well = all(finding.level != Level.FAULT for _, finding in found)
    click.echo(_json(found, is_well) if as_json else "\n".join(_line(*each) for each in found))
    if not as_json:
        click.echo(_summary([finding for _, finding in found]))
    if not is_well:
        sys.exit(1)


def _line(each: Check, finding: Finding) -> str:
    words = f"{each.section}: {each.name}: {finding.sentence} {finding.todo}".rstrip()
    return f"{finding.level.value:<7} {words}"


def _summary(findings: list[Finding]) -> str:
    faults, advised = (sum(one.level == level for one in findings) for level in (Level.FAULT, Level.ADVICE))
    return f"Faults: {faults}. Advice: {advised}. Well: {len(findings) - faults - advised}."


def _json(found: list[tuple[Check, Finding]], is_well: bool) -> str:
    told = [{"section": each.section, "check": each.name, **finding._asdict()} for each, finding in found]
    return json.dumps({"is_well": is_well, "findings": told}, indent=2)
