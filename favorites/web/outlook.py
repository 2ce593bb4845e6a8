"""What will happen when this customer books with this mechanic, told before they do."""

from typing import NamedTuple
from uuid import UUID

from favorites.db import db
from favorites.dispatch.facts import Choice, facts_of
from favorites.dispatch.house import HouseRules
from favorites.dispatch.routing import Preferred, Route, Stage, decide
from favorites.models import MechanicStatus, RoutingType, Workshop
from favorites.models.house_rules import in_minutes
from favorites.queries.customer import Found
from favorites.queries.presence import PresenceState
from favorites.web.workshop_link import who_is_asked

# Why it may be long until a favorite who is asked first answers, whom nothing keeps from being asked.
MAY_BE_LONG = {
    PresenceState.OFFLINE: "{name} is off shift or has no board open, and may not see it in time.",
    PresenceState.ON_A_JOB: "{name} is on a job and can take yours only after that.",
}


class Ways(NamedTuple):
    """What each of the two ways to book means, where the favorite may be long in answering: the customer chooses."""

    why: str
    wait: str
    ask_everyone: str


class Outlook(NamedTuple):
    """Whom the customer books with, and one honest sentence; `is_priority`: they will be asked first."""

    name: str | None
    sentence: str
    is_priority: bool
    ways: Ways | None = None


def outlook(
    customer_id: UUID, found: Found | None, workshop: Workshop | None, plan: str | None = None, is_urgent: bool = False
) -> Outlook:
    """Decided by the rules that will decide the booking itself, as things are at this moment.

    `plan`: its code; None where the customer has not chosen one yet.
    """
    if workshop:
        sentence = f"You came by the link of {workshop.name}, so {who_is_asked(workshop)}."
        return Outlook(_name(found), sentence, False)
    if found is None:
        return Outlook(None, "Everyone is asked at once. The mechanic you chose is not here any more.", False)
    chosen = Choice(str(found.mechanic.id), found.mechanic.id, RoutingType.PRIORITY_BROADCAST, None)
    facts, rules = facts_of(db.session(), customer_id, chosen)
    route = decide(facts)
    if route.stage is not Stage.PRIORITY:
        return Outlook(_name(found), _at_once(found, route), False)
    return Outlook(_name(found), _first(found, rules, plan, is_urgent), True, _ways(found, rules, plan, is_urgent))


def _name(found: Found | None) -> str | None:
    return found.mechanic.first_name if found else None


def _first(found: Found, rules: HouseRules, plan: str | None, is_urgent: bool) -> str:
    name, (least, most) = found.mechanic.first_name, _lengths(rules, plan, is_urgent)
    said = f"{name} is asked first and has {_span(least, most)}. If they can't, we ask everyone."
    urgent = _lengths(rules, plan, is_urgent=True)
    return said if urgent == (least, most) else f"{said} When it is urgent, {name} has {_span(*urgent)}."


def _lengths(rules: HouseRules, plan: str | None, is_urgent: bool) -> tuple[int, int]:
    """The shortest and the longest window that it can come to."""
    return (rules.window(plan, is_urgent),) * 2 if plan else rules.windows(is_urgent)


def _span(least: int, most: int) -> str:
    return in_minutes(most) if least == most else f"{least} to {in_minutes(most)}, depending on the plan"


def _at_once(found: Found, route: Route) -> str:
    name = found.mechanic.first_name
    if route.reason == Preferred.QUIET_HOURS:
        return f"Nobody is asked first at this hour, so everyone is asked at once; {name} is among them."
    if route.reason == Preferred.NOT_TAKING_OFFERS:
        return f"{name} takes no first offers right now, so everyone is asked at once; {name} is among them."
    if found.mechanic.status != MechanicStatus.APPROVED:
        return f"Everyone is asked at once. {name} takes no session requests at the moment."
    return f"Everyone is asked at once; {name} is among them."


def _ways(found: Found, rules: HouseRules, plan: str | None, is_urgent: bool) -> Ways | None:
    name, (_, most) = found.mechanic.first_name, _lengths(rules, plan, is_urgent)
    if found.presence.state not in MAY_BE_LONG:
        return None
    return Ways(
        MAY_BE_LONG[found.presence.state].format(name=name),
        f"Wait for {name}, {in_minutes(most)} at most. You can still ask everyone at any moment.",
        f"Ask everyone now: the first to accept takes it, be it {name} or somebody else.",
    )
