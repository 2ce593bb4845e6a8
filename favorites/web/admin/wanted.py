"""What a list is asked for by its address; what makes no sense there is not asked."""

from collections.abc import Mapping
from uuid import UUID

from favorites.models import MechanicStatus
from favorites.queries.admin_mechanics import NO_WORKSHOP, Wanted
from favorites.queries.money import payments
from favorites.web.choice import printable


def wanted_mechanics(args: Mapping[str, str]) -> Wanted:
    """`?find=…&status=…&workshop=…`"""
    status, workshop = args.get("status", ""), args.get("workshop", "")
    known = [one.value for one in MechanicStatus]
    return Wanted(printable(args.get("find")), status if status in known else None, _workshop(workshop))


def wanted_payments(args: Mapping[str, str]) -> payments.Wanted:
    """`?which=…&mechanic=…&q=…`"""
    which, mechanic = args.get("which", ""), args.get("mechanic", "")
    known = which if which in payments.WHICH else None
    whose = payments.NOBODY if mechanic == payments.NOBODY else _id(mechanic)
    return payments.Wanted(known, whose, printable(args.get("q")))


def _id(given: str) -> UUID | None:
    try:
        return UUID(given)
    except ValueError:
        return None


def _workshop(given: str) -> str | None:
    known = _id(given)
    return given if given == NO_WORKSHOP else str(known) if known else None
