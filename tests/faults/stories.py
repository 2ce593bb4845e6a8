"""Session requests from booking to end, as told by those who take part: each call is logged with what it was answered.

In a story it is known beforehand who must win, so every answer is checked at once, and at the end the log against the
database: what was answered ok is there, once; what was refused is not.
"""

import random
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from tests.faults.doors import OK, REFUSED, Answer, Door, definite
from tests.faults.scenes import END_LIFE, END_WINDOW
from tests.faults.town import Person, Town

STATE = "SELECT status, fallback_reason FROM session_requests WHERE id = %s"
RULES = {"start": "started", "complete": "completed"}  # as the events have it
SPARE = 90.0  # seconds until the sweep must have come, restarts included


class People(NamedTuple):
    """A customer, their favorite, and another mechanic; in nobody else's story meanwhile."""

    ana: Person
    marco: Person
    nadia: Person


class Story:
    """One session request, by one door; `record` is what the checker compares with the database."""

    def __init__(self, door: Door, town: Town, people: People, threads: ThreadPoolExecutor) -> None:
        self.door, self.town, self.threads = door, town, threads
        self.ana, self.marco, self.nadia = people
        self.calls: list[list[Any]] = []
        self.problems: list[str] = []
        self.consultation_id = self.request_id = ""
        self.winners: list[str] = []
        self.rules: dict[str, int] = {}
        self.status = ""

    def play(self, plot: Callable[["Story"], None]) -> dict[str, Any]:
        """Books and plays it; the record."""
        began = time.time()
        try:
            self._book()
            plot(self)
        except Exception as surprise:  # told in the record: it must not end the other stories
            self.problems.append(f"{plot.__name__}: {type(surprise).__name__}: {surprise}")
        return {
            "plot": plot.__name__,
            "began": began,
            "consultation": self.consultation_id,
            "request": self.request_id,
            "status": self.status,
            "winners": self.winners,
            "rules": self.rules,
            "problems": self.problems,
            "calls": self.calls,
        }

    def says(self, person: Person, verb: str, expected: str = OK) -> Answer:
        """Presses until the answer is definite; it must be ok, or that refusal."""
        answer = self._definite(verb, lambda: self.door.does(person, verb, self.request_id))
        _expect(answer, verb, expected)
        if expected == OK:
            rule = RULES.get(verb, verb)
            self.rules[rule] = self.rules.get(rule, 0) + 1
            if verb == "accept":
                self.winners.append(person.id)
        return answer

    def race(self) -> None:
        """Both accept at once: one has it, the other is told so."""
        both = list(
            self.threads.map(
                lambda person: self._definite("accept", lambda: self.door.does(person, "accept", self.request_id)),
                (self.marco, self.nadia),
            )
        )
        won = [person for person, answer in zip((self.marco, self.nadia), both, strict=True) if answer.outcome == OK]
        lost = [answer for answer in both if answer.outcome == REFUSED and answer.code == "TAKEN"]
        if (len(won), len(lost)) != (1, 1):
            raise Surprise(f"two accepts at once were answered {both}")
        self.winners.append(won[0].id)
        self.rules["accept"] = self.rules.get("accept", 0) + 1
        for verb in ("start", "complete"):
            self.says(won[0], verb)

    def end_window(self) -> None:
        """The window lapses, by ageing the row."""
        self.town.sql(END_WINDOW, self.request_id)

    def until(self, status: str, reason: str | None) -> None:
        """Waits for the sweep."""
        deadline = time.monotonic() + SPARE
        while self.town.sql(STATE, self.request_id) != [(status, reason)]:
            if time.monotonic() > deadline:
                raise Surprise(f"stuck: not {status} for {SPARE} s")
            time.sleep(0.1)

    def _book(self) -> None:
        key = secrets.token_hex(8)
        self.consultation_id = self._made("intake", lambda: self.door.intake(self.ana, key, self.marco))
        self._made("waiver", lambda: self.door.waiver(self.ana, self.consultation_id))
        self.request_id = self._made("pay", lambda: self.door.pay(self.ana, self.consultation_id))

    def _made(self, what: str, call: Callable[[], Answer]) -> str:
        answer = self._definite(what, call)
        _expect(answer, what, OK)
        return answer.id

    def _definite(self, what: str, call: Callable[[], Answer]) -> Answer:
        began = time.time()
        return definite(call, lambda answer: self.calls.append([began, time.time(), what, answer.outcome, answer.code]))


class Surprise(Exception):
    """An answer that must not be."""


def _expect(answer: Answer, what: str, expected: str) -> None:
    if (answer.code if answer.outcome == REFUSED else answer.outcome) != expected:
        raise Surprise(f"{what} was answered {answer}, not {expected}")


def accepted(story: Story) -> None:
    """In the window; nobody else can."""
    story.says(story.nadia, "accept", "NOT_FOUND")
    _works(story, story.marco)
    story.says(story.nadia, "accept", "NOT_FOUND")


def declined(story: Story) -> None:
    """Then the other one takes it."""
    story.says(story.marco, "decline")
    story.says(story.marco, "accept", "DECLINED")
    _works(story, story.nadia)


def cancelled(story: Story) -> None:
    """In the window."""
    story.says(story.ana, "cancel")
    story.says(story.marco, "accept", "CANCELLED")
    story.status = "cancelled"


def cancelled_late(story: Story) -> None:
    """After the acceptance, before the start."""
    story.says(story.marco, "accept")
    story.says(story.ana, "cancel")
    story.status = "cancelled"


def lapsed(story: Story) -> None:
    """The sweep asks everyone, and both press at once."""
    story.end_window()
    story.until("pending", "preferred_mechanic_no_response")
    story.rules["lapse"] = 1
    story.race()
    story.status = "completed"


def taken_at_the_end(story: Story) -> None:
    """The clock ends the window, whether or not anybody sweeps."""
    story.end_window()
    story.race()
    story.status = "completed"


def expired(story: Story) -> None:
    """Nobody answers at all."""
    story.end_window()
    story.until("pending", "preferred_mechanic_no_response")
    story.town.sql(END_LIFE, story.request_id)
    story.until("expired", "preferred_mechanic_no_response")
    story.rules |= {"lapse": 1, "expiry": 1}
    story.status = "expired"


def released(story: Story) -> None:
    """Given back before the start, taken by the other one."""
    story.says(story.marco, "accept")
    story.says(story.marco, "release")
    _works(story, story.nadia)


def _works(story: Story, mechanic: Person) -> None:
    for verb in ("accept", "start", "complete"):
        story.says(mechanic, verb)
    story.status = "completed"


PLOTS = (accepted, declined, cancelled, cancelled_late, lapsed, taken_at_the_end, expired, released)
WEIGHTS = (24, 16, 14, 6, 16, 8, 10, 6)


def any_plot() -> Callable[[Story], None]:
    """One of them, by their weights."""
    return random.choices(PLOTS, WEIGHTS)[0]
