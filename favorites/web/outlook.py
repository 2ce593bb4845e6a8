"""What will happen when this customer books with this mechanic, told before they do."""

from typing import NamedTuple
from uuid import UUID

from favorites.db import db
from favorites.dispatch.facts import Choice, facts_of
from favorites.dispatch.routing import Stage, decide
from favorites.models import MechanicStatus, RoutingType, Workshop
from favorites.queries.customer import Found
from favorites.settings import current


class Outlook(NamedTuple):
    """Whom the customer books with, and one honest sentence; `is_priority`: they will be asked first."""

    name: str | None
    sentence: str
    is_priority: bool


def outlook(customer_id: UUID, found: Found | None, workshop: Workshop | None) -> Outlook:
    """Decided by the rules that will decide the booking itself, as things are at this moment."""
    if workshop:
        return Outlook(_name(found), f"You came by the link of {workshop.name}, so its own mechanics are asked.", False)
    if found is None:
        return Outlook(None, "Everyone is asked at once. The mechanic you chose is not here any more.", False)
    chosen = Choice(str(found.mechanic.id), found.mechanic.id, RoutingType.PRIORITY_BROADCAST, None)
    is_priority = decide(facts_of(db.session(), customer_id, chosen)).stage is Stage.PRIORITY
    return Outlook(_name(found), _sentence(found, is_priority), is_priority)


def _name(found: Found | None) -> str | None:
    return found.mechanic.first_name if found else None


def _sentence(found: Found, is_priority: bool) -> str:
    name = found.mechanic.first_name
    if is_priority:
        length = minutes(current().priority_window_minutes)
        return f"{name} is asked first and has {length}. If they can't, we ask everyone."
    if found.mechanic.status != MechanicStatus.APPROVED:
        return f"Everyone is asked at once. {name} takes no session requests at the moment."
    return f"Everyone is asked at once; {name} is among them."


def minutes(number: int) -> str:
    """A length in words."""
    return "1 minute" if number == 1 else f"{number} minutes"
