"""What goes on when a process dies: a session request on its way, one act, and the event that tells it was done."""

import secrets
from collections.abc import Callable
from typing import NamedTuple

from tests.cast import NOBODY
from tests.faults.doors import OK, Answer, Direct, Http
from tests.faults.ground import Ground
from tests.server import Server

EVENTS = "SELECT count(*) FROM request_events WHERE session_request_id = %s AND actor IS NOT NULL AND kind = %s"
RULES = "SELECT count(*) FROM request_events WHERE session_request_id = %s AND payload->>'rule' = %s"
LEDGER = "SELECT count(*) FROM credit_entries WHERE session_id = %s AND kind = %s"
STATUS = "SELECT status FROM session_requests WHERE id = %s"
# A window that ends now, a session request that nobody took in time: by ageing what is stored.
END_WINDOW = """UPDATE session_requests SET created_at = created_at - interval '11 minutes',
                priority_notified_at = priority_notified_at - interval '10 minutes' WHERE id = %s"""
END_HEAD_START = """UPDATE session_requests SET routing_type = 'hybrid', workshop_until = clock_timestamp()
                    WHERE id = %s"""
END_LIFE = "UPDATE session_requests SET expires_at = clock_timestamp() WHERE id = %s AND status = 'pending'"


class Stage:
    """The ground, the ways in, and the server on it; None: the verbs alone are called."""

    def __init__(self, ground: Ground, server: Server | None = None) -> None:
        self.ground, self.server, self.town = ground, server, ground.town
        self.direct, self.http = Direct(ground.url), Http(lambda: server.port if server else 0)
        self.olga = self.town.owner()


class Case:
    """New people and their session request, up to the act."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.marco, self.nadia = stage.town.mechanic(), stage.town.mechanic("Nadia")
        self.ana = stage.town.customer(self.marco)
        self.key = secrets.token_hex(8)
        self.consultation_id = self.request_id = NOBODY

    def signed(self, preferred: bool = True) -> "Case":
        """Ana is at the checkout."""
        direct = self.stage.direct
        self.consultation_id = done(direct.intake(self.ana, self.key, self.marco if preferred else None)).id
        done(direct.waiver(self.ana, self.consultation_id))
        return self

    def asked(self, preferred: bool = True) -> "Case":
        """Marco is asked, or everyone."""
        self.signed(preferred)
        self.request_id = done(self.stage.direct.pay(self.ana, self.consultation_id)).id
        return self

    def accepted(self) -> "Case":
        """Marco has it."""
        return self.asked()._marco("accept")

    def started(self) -> "Case":
        """Marco is at work."""
        return self.accepted()._marco("start")

    def _marco(self, verb: str) -> "Case":
        done(self.stage.direct.does(self.marco, verb, self.request_id))
        return self

    def events(self, kind: str) -> int:
        """How often that was told."""
        return int(self.stage.town.one(EVENTS, self.request_id, kind))

    def by_rule(self, rule: str) -> int:
        """How often that happened."""
        return int(self.stage.town.one(RULES, self.request_id, rule))

    def ledger(self, kind: str) -> int:
        """How often it was spent or given back."""
        return int(self.stage.town.one(LEDGER, self.consultation_id, kind))

    def find_request(self) -> int:
        """How many session requests there are for the consultation; keeps its id."""
        rows = self.stage.town.sql("SELECT id FROM session_requests WHERE session_id = %s", self.consultation_id)
        self.request_id = str(rows[0].id) if rows else self.request_id
        return len(rows)

    def find_consultation(self) -> int:
        """How many consultations the form made; keeps its id."""
        rows = self.stage.town.sql("SELECT id FROM sessions WHERE form_key = %s", self.key)
        self.consultation_id = str(rows[0].id) if rows else NOBODY
        return len(rows)

    def leave(self) -> None:
        """Nothing stays open that could fall due later."""
        if self.request_id != NOBODY and self.stage.town.one(STATUS, self.request_id) in ("pending", "accepted"):
            for person, verb in ((self.marco, "complete"), (self.nadia, "complete"), (self.ana, "cancel")):
                self.stage.direct.does(person, verb, self.request_id)


def done(answer: Answer) -> Answer:
    """What was to work, and did."""
    assert answer.outcome == OK, answer
    return answer


class Scene(NamedTuple):
    """`effects`: how often the act shows in the database, once for each thing that it writes; None: nobody is asked."""

    prepare: Callable[[Case], object]
    act: Callable[[Case, Http], Answer] | None
    effects: Callable[[Case], set[int]]
    provoke: Callable[[Case], object] = lambda case: None


def _by_marco(verb: str) -> Callable[[Case, Http], Answer]:
    return lambda case, door: door.does(case.marco, verb, case.request_id)


def _booked(case: Case) -> set[int]:
    return {case.find_request(), case.ledger("spend"), case.events("request_offered")}


def _cancelled(case: Case) -> set[int]:
    return {case.events("request_cancelled"), case.ledger("refund")}


def _expired(case: Case) -> set[int]:
    return {case.events("request_expired"), case.ledger("refund")}


def _suspended(case: Case) -> set[int]:
    gone = case.stage.town.one("SELECT (status = 'suspended')::int FROM mechanics WHERE id = %s", case.marco.id)
    return {case.by_rule("fallback"), gone}


def _by_sql(statement: str) -> Callable[[Case], object]:
    return lambda case: case.stage.town.sql(statement, case.request_id)


# By the name of the verb that dies.
SCENES: dict[str, Scene] = {
    "start_intake": Scene(
        lambda case: None,
        lambda case, door: door.intake(case.ana, case.key, case.marco),
        lambda case: {case.find_consultation()},
    ),
    "sign_waiver": Scene(
        lambda case: setattr(
            case, "consultation_id", done(case.stage.direct.intake(case.ana, case.key, case.marco)).id
        ),
        lambda case, door: door.waiver(case.ana, case.consultation_id),
        lambda case: {case.stage.town.one("SELECT count(*) FROM waivers WHERE session_id = %s", case.consultation_id)},
    ),
    "fulfill": Scene(Case.signed, lambda case, door: door.pay(case.ana, case.consultation_id), _booked),
    "accept": Scene(Case.asked, _by_marco("accept"), lambda case: {case.events("request_accepted")}),
    "decline": Scene(Case.asked, _by_marco("decline"), lambda case: {case.events("request_declined")}),
    "cancel": Scene(Case.asked, lambda case, door: door.does(case.ana, "cancel", case.request_id), _cancelled),
    "open_to_everyone": Scene(
        Case.asked,
        lambda case, door: door.does(case.ana, "open", case.request_id),
        lambda case: {case.by_rule("fallback")},
    ),
    "release": Scene(Case.accepted, _by_marco("release"), lambda case: {case.by_rule("release")}),
    "start": Scene(Case.accepted, _by_marco("start"), lambda case: {case.events("request_started")}),
    "complete": Scene(Case.started, _by_marco("complete"), lambda case: {case.events("request_completed")}),
    "suspend_mechanic": Scene(
        Case.asked,
        lambda case, door: door.form(case.stage.olga, f"/admin/mechanics/{case.marco.id}/suspend", reason="pause"),
        _suspended,
    ),
    "broadcast_lapsed_windows": Scene(
        Case.asked, None, lambda case: {case.by_rule("lapse")}, provoke=_by_sql(END_WINDOW)
    ),
    "beat": Scene(Case.asked, None, lambda case: {case.by_rule("lapse")}, provoke=_by_sql(END_WINDOW)),
    "announce_head_starts": Scene(
        lambda case: case.asked(preferred=False),
        None,
        lambda case: {case.by_rule("head_start")},
        provoke=_by_sql(END_HEAD_START),
    ),
    "expire_stale_requests": Scene(lambda case: case.asked(preferred=False), None, _expired, provoke=_by_sql(END_LIFE)),
}
