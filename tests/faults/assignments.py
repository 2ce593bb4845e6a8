"""The owner gives a session request to somebody at the same moment as another acts; as `pairs`, in the short form."""

from uuid import UUID

from favorites.dispatch import answers
from favorites.dispatch.actors import Actor
from favorites.dispatch.owner_events import Why
from favorites.models.owner_event import Reason
from tests.faults.doors import OK
from tests.faults.pairs import (
    DECLINED,
    GONE,
    LAPSE,
    RELEASED,
    Act,
    Pair,
    ana_cancels,
    everyones,
    expired,
    marco_accepts,
    marco_declines,
    marco_releases,
    over,
    stale,
    suspended,
    swept,
    taken,
)
from tests.faults.scenes import Case


def _gives(who: str) -> Act:
    """As the owner does it, to that mechanic."""
    olga = Actor.admin(UUID(int=7))
    return lambda case, door: door.call(
        answers.assign, UUID(case.request_id), UUID(getattr(case, who).id), olga, Why(Reason.OTHER)
    )


nadia_is_given, marco_is_given = _gives("nadia"), _gives("marco")

ASSIGNMENTS = (
    Pair(
        "assignment, accept in the window",
        Case.asked,
        nadia_is_given,
        marco_accepts,
        {(OK, "TAKEN", ("accepted", None, "Nadia")), (OK, OK, ("accepted", RELEASED, "Nadia"))},
    ),
    Pair(
        "assignment, accept by another",
        everyones,
        nadia_is_given,
        marco_accepts,
        {(OK, "TAKEN", ("accepted", None, "Nadia")), (OK, OK, ("accepted", None, "Nadia"))},
    ),
    Pair(
        "assignment, cancel",
        Case.asked,
        nadia_is_given,
        ana_cancels,
        {(OK, OK, ("cancelled", None, "Nadia")), ("CANCELLED", OK, ("cancelled", None, None))},
    ),
    Pair(
        "assignment, decline",
        Case.asked,
        nadia_is_given,
        marco_declines,
        {(OK, "TAKEN", ("accepted", None, "Nadia")), (OK, OK, ("accepted", DECLINED, "Nadia"))},
    ),
    Pair(
        "assignment to who declines",
        Case.asked,
        marco_is_given,
        marco_declines,
        {(OK, "TAKEN", ("accepted", None, "Marco")), ("SAID_NO", OK, ("pending", DECLINED, None))},
    ),
    Pair(
        "assignment, lapse",
        over,
        nadia_is_given,
        swept,
        {(OK, OK, ("accepted", None, "Nadia")), (OK, OK, ("accepted", LAPSE, "Nadia"))},
    ),
    Pair(
        "assignment, expiry",
        stale,
        nadia_is_given,
        expired,
        {(OK, OK, ("accepted", None, "Nadia")), ("EXPIRED", OK, ("expired", None, None))},
    ),
    Pair(
        "assignment, suspension",
        Case.asked,
        marco_is_given,
        suspended,
        {(OK, OK, ("pending", RELEASED, None)), ("NOT_ELIGIBLE", OK, ("pending", GONE, None))},
    ),
    Pair(
        "assignment, release",
        taken,
        nadia_is_given,
        marco_releases,
        {(OK, OK, ("accepted", None, "Nadia"))},
    ),
    Pair(
        "two assignments",
        everyones,
        nadia_is_given,
        marco_is_given,
        {(OK, OK, ("accepted", None, "Nadia")), (OK, OK, ("accepted", None, "Marco"))},
    ),
)
