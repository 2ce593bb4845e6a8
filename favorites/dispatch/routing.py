"""Who is asked: a pure decision over facts that were read before."""

from enum import StrEnum
from typing import NamedTuple

from favorites.models import RoutingType


class Stage(StrEnum):
    PRIORITY = "priority"
    WORKSHOP = "workshop"
    HEAD_START = "head_start"  # the workshop first, then everyone
    EVERYONE = "everyone"


class Preferred(StrEnum):
    """What is known of the mechanic the customer named."""

    NONE = "none"
    CAN_BE_ASKED = "can_be_asked"
    NOT_FOUND = "mechanic_not_found"
    NOT_APPROVED = "mechanic_not_approved"
    NOT_A_FAVORITE = "not_a_favorite"
    QUIET_HOURS = "quiet_hours"  # the house's: nobody is asked first
    RECENTLY_ASKED = "recently_asked"
    NOT_TAKING_OFFERS = "not_taking_offers"  # whatever the cause; the customer never learns which


class Facts(NamedTuple):
    flag_is_on: bool
    routing_type: str
    preferred: Preferred
    has_workshop: bool
    has_head_start: bool = False  # the workshop: it is asked first, then everyone is


class Route(NamedTuple):
    """Who is asked, and why not the preferred mechanic first."""

    stage: Stage
    reason: str | None = None


def decide(facts: Facts) -> Route:
    """Workshop before favorite before everyone (rule 1).

    Of the sixteen cases of flag, type, preference and workshop exactly one is priority.
    """
    if facts.has_workshop:
        return Route(Stage.HEAD_START, "head_start") if facts.has_head_start else Route(Stage.WORKSHOP, "workshop")
    if facts.routing_type != RoutingType.PRIORITY_BROADCAST or facts.preferred is Preferred.NONE:
        return Route(Stage.EVERYONE, "no_preference")
    if not facts.flag_is_on:
        return Route(Stage.EVERYONE, "flag_off")
    if facts.preferred is not Preferred.CAN_BE_ASKED:
        return Route(Stage.EVERYONE, facts.preferred.value)
    return Route(Stage.PRIORITY)
