"""Who may act at the same moment: accept and all that can end a window or a session request, the sweep and those who
answer; for each order that there can be what both are answered, and the row."""

import random
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

import psycopg2

from favorites.dispatch import fallback, people
from favorites.dispatch.actors import Actor
from tests.faults.doors import OK, REFUSED, Answer, Direct
from tests.faults.scenes import END_LIFE, END_WINDOW, Case

HEAD_START = 0.02  # seconds until the moment around which both act
ON_THE_WAY = 0.01  # seconds that a call may take until its statement runs
END_WINDOW_IN = """UPDATE session_requests SET created_at = created_at - interval '11 minutes',
                   priority_notified_at = clock_timestamp() - interval '10 minutes' + make_interval(secs => %s)
                   WHERE id = %s"""
LAPSE, DECLINED = "preferred_mechanic_no_response", "preferred_mechanic_declined"
OPENED, GONE, RELEASED = "customer_opened", "preferred_mechanic_unavailable", "released"

Act = Callable[[Case, Direct], Answer]
State = tuple[str, str | None, str | None]  # status, reason of the fallback, who has it


def _does(who: str, verb: str) -> Act:
    return lambda case, door: door.does(getattr(case, who), verb, case.request_id)


def _calls(verb: Callable[..., object], *values: Callable[[Case], object]) -> Act:
    def act(case: Case, door: Direct) -> Answer:
        return door.call(verb, *[value(case) for value in values])

    return act


def _deletes(case: Case, _: Direct) -> Answer:
    """As psql does: the application never deletes a mechanic."""
    try:
        case.stage.town.sql("DELETE FROM mechanics WHERE id = %s", case.marco.id)
    except psycopg2.errors.CheckViolation:
        return Answer(REFUSED, "ON_THE_WAY")
    return Answer(OK)


class Pair(NamedTuple):
    """`ends`: the answers of both and the state, for each order that there can be."""

    name: str
    prepare: Callable[[Case], object]
    one: Act
    other: Act
    ends: set[tuple[str, str, State]]


def over(case: Case) -> None:
    """The window has ended."""
    case.asked().stage.town.sql(END_WINDOW, case.request_id)


def _ending(case: Case) -> None:
    ends_in = HEAD_START + random.uniform(0, ON_THE_WAY)
    case.asked().stage.town.sql(END_WINDOW_IN, ends_in, case.request_id)


def stale(case: Case) -> None:
    """Its life has."""
    case.asked(preferred=False).stage.town.sql(END_LIFE, case.request_id)


def everyones(case: Case) -> None:
    """Everyone is asked."""
    case.asked(preferred=False)


def taken(case: Case) -> None:
    """Marco has it."""
    case.asked(preferred=False).stage.direct.does(case.marco, "accept", case.request_id)


marco_accepts, nadia_accepts = _does("marco", "accept"), _does("nadia", "accept")
ana_cancels, ana_opens, marco_declines = _does("ana", "cancel"), _does("ana", "open"), _does("marco", "decline")
marco_releases, marco_shows = _does("marco", "release"), _does("marco", "deliver")
marco_extends, ana_prolongs = _does("marco", "extend"), _does("ana", "prolong")
suspended = _calls(people.suspend_mechanic, lambda case: UUID(case.marco.id), lambda _: Actor("system"))
swept, expired = _calls(fallback.broadcast_lapsed_windows), _calls(fallback.expire_stale_requests)

PAIRS = (
    Pair(
        "accept, window end (another accepts)",
        _ending,
        marco_accepts,
        nadia_accepts,
        {
            (OK, "NOT_FOUND", ("accepted", None, "Marco")),
            (OK, "TAKEN", ("accepted", None, "Marco")),
            ("TAKEN", OK, ("accepted", None, "Nadia")),
            (OK, "TAKEN", ("accepted", LAPSE, "Marco")),  # a server's sweep was quicker than both
            ("TAKEN", OK, ("accepted", LAPSE, "Nadia")),
        },
    ),
    Pair(
        "accept, decline",
        Case.asked,
        marco_accepts,
        marco_declines,
        {(OK, "TAKEN", ("accepted", None, "Marco")), ("DECLINED", OK, ("pending", DECLINED, None))},
    ),
    Pair(
        "another's accept, decline",
        Case.asked,
        nadia_accepts,
        marco_declines,
        {("NOT_FOUND", OK, ("pending", DECLINED, None)), (OK, OK, ("accepted", DECLINED, "Nadia"))},
    ),
    Pair(
        "accept, cancel",
        Case.asked,
        marco_accepts,
        ana_cancels,
        {(OK, OK, ("cancelled", None, "Marco")), ("CANCELLED", OK, ("cancelled", None, None))},
    ),
    Pair(
        "accept, release",
        taken,
        nadia_accepts,
        marco_releases,
        {("TAKEN", OK, ("pending", None, None)), (OK, OK, ("accepted", None, "Nadia"))},
    ),
    Pair(
        "accept, suspension",
        Case.asked,
        marco_accepts,
        suspended,
        {(OK, OK, ("pending", RELEASED, None)), ("NOT_ALLOWED", OK, ("pending", GONE, None))},
    ),
    Pair(
        "accept, deletion",
        Case.asked,
        marco_accepts,
        _deletes,
        {(OK, "ON_THE_WAY", ("accepted", None, "Marco")), ("NOT_ALLOWED", OK, ("pending", GONE, None))},
    ),
    Pair(
        "accept, sweep",
        over,
        nadia_accepts,
        swept,
        {(OK, OK, ("accepted", None, "Nadia")), (OK, OK, ("accepted", LAPSE, "Nadia"))},
    ),
    Pair(
        "accept, expiry",
        stale,
        nadia_accepts,
        expired,
        {(OK, OK, ("accepted", None, "Nadia")), ("EXPIRED", OK, ("expired", None, None))},
    ),
    Pair(
        "accept, open to everyone",
        Case.asked,
        marco_accepts,
        ana_opens,
        {(OK, "TOO_EARLY", ("accepted", None, "Marco")), (OK, OK, ("accepted", OPENED, "Marco"))},
    ),
    Pair(
        "another's accept, open to everyone",
        Case.asked,
        nadia_accepts,
        ana_opens,
        {("NOT_FOUND", OK, ("pending", OPENED, None)), (OK, OK, ("accepted", OPENED, "Nadia"))},
    ),
    Pair(
        "cancel, sweep",
        over,
        ana_cancels,
        swept,
        {(OK, OK, ("cancelled", None, None)), (OK, OK, ("cancelled", LAPSE, None))},
    ),
    Pair(
        "decline, sweep",
        _ending,
        marco_declines,
        swept,
        {
            (OK, OK, ("pending", DECLINED, None)),
            ("NOT_OFFERED", OK, ("pending", LAPSE, None)),
            ("NOT_OFFERED", OK, ("pending", None, None)),  # the sweep was too early, or did not wait: the next one does
        },
    ),
    Pair(
        "extension, sweep",
        _ending,
        marco_extends,
        swept,
        {
            (OK, OK, ("pending", None, None)),  # the window is open, for five minutes more
            ("NOT_OFFERED", OK, ("pending", LAPSE, None)),
            ("NOT_OFFERED", OK, ("pending", None, None)),
        },
    ),
    Pair(
        "extension, accept",
        Case.asked,
        marco_extends,
        marco_accepts,
        {(OK, OK, ("accepted", None, "Marco")), ("TAKEN", OK, ("accepted", None, "Marco"))},
    ),
    Pair(
        "extension, cancel",
        Case.asked,
        marco_extends,
        ana_cancels,
        {(OK, OK, ("cancelled", None, None)), ("CANCELLED", OK, ("cancelled", None, None))},
    ),
    Pair("two extensions", Case.asked, marco_extends, marco_extends, {(OK, OK, ("pending", None, None))}),
    Pair(
        "wait longer, expiry",
        stale,
        ana_prolongs,
        expired,
        {(OK, OK, ("pending", None, None)), ("EXPIRED", OK, ("expired", None, None))},
    ),
    Pair(
        "wait longer, accept",
        everyones,
        ana_prolongs,
        nadia_accepts,
        {(OK, OK, ("accepted", None, "Nadia")), ("ACCEPTED", OK, ("accepted", None, "Nadia"))},
    ),
    Pair(
        "wait longer, cancel",
        everyones,
        ana_prolongs,
        ana_cancels,
        {(OK, OK, ("cancelled", None, None)), ("CANCELLED", OK, ("cancelled", None, None))},
    ),
    Pair(
        "delivered, accept",
        Case.asked,
        marco_shows,
        marco_accepts,
        {(OK, OK, ("accepted", None, "Marco"))},
    ),
)
