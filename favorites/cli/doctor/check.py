"""What a check is: a question with a name, in a section; its answers are sentences that say how bad it is."""

from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum, StrEnum
from typing import NamedTuple

import psycopg2
from sqlalchemy.exc import SQLAlchemyError

from favorites import schema
from favorites.db import db, reason
from favorites.postgres import MachineError


class Level(StrEnum):
    OK = "ok"
    ADVICE = "advice"  # it works, and could be better
    FAULT = "FAULT"  # it does not work, or will not when it matters


class Finding(NamedTuple):
    """One sentence of what is so, and one of what to do about it, if anything."""

    level: Level
    sentence: str
    todo: str = ""


class Needs(IntEnum):
    NOTHING, DATABASE, SCHEMA = range(3)  # the database's answer, and tables as this code knows them


Question = Callable[[], Iterable[Finding]]
BROKEN = (SQLAlchemyError, psycopg2.Error, MachineError, OSError)


class Check(NamedTuple):
    """`ask` answers; it may raise what is in BROKEN."""

    section: str
    name: str
    needs: Needs
    ask: Question


CHECKS: list[Check] = []


def check(section: str, name: str, needs: Needs = Needs.NOTHING) -> Callable[[Question], Question]:
    """Adds the function to the checks; they are asked in this order."""

    def add(ask: Question) -> Question:
        CHECKS.append(Check(section, name, needs, ask))
        return ask

    return add


def ok(sentence: str) -> Finding:
    """It is as it should be."""
    return Finding(Level.OK, sentence)


def advice(sentence: str, todo: str) -> Finding:
    """Nothing is wrong."""
    return Finding(Level.ADVICE, sentence, todo)


def fault(sentence: str, todo: str) -> Finding:
    """Somebody has to do something."""
    return Finding(Level.FAULT, sentence, todo)


def examine(sections: Iterable[str]) -> Iterator[tuple[Check, Finding]]:
    """Asks the checks of these sections, one after the other; what cannot be asked is a fault."""
    within_reach, why = _reach()
    for each in (one for section in sections for one in CHECKS if one.section == section):
        yield from ((each, finding) for finding in (_asked(each) if each.needs <= within_reach else [why]))


def _asked(each: Check) -> list[Finding]:
    try:
        return list(each.ask())
    except BROKEN as error:
        return [fault(f"It could not be asked: {reason(error)}.", "Put that right, and ask again.")]
    finally:
        db.session.rollback()


def _reach() -> tuple[Needs, Finding]:
    """What can be asked, and what is said of the rest."""
    try:
        schema.check()
    except schema.SchemaDiffers:
        return Needs.DATABASE, fault("It cannot be asked: the tables are another version's.", "See the schema above.")
    except BROKEN:
        return Needs.NOTHING, fault("It cannot be asked: the database does not answer.", "See the database above.")
    return Needs.SCHEMA, ok("")
