"""The state machine, at random: each verb is answered, and each row is, as the model says; in the end every invariant.

The short form here; `MODEL=nightly` plays a thousand runs of fifty steps, `MODEL=20` twenty (`make faults`).
"""

import os

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.database import broken, empty
from tests.model.model import Model, said
from tests.model.shop import CREDITS, CUSTOMERS, LOST, MECHANICS, OK, OLGA, Shop

pytestmark = pytest.mark.timeout(3600)

ASKED = os.environ.get("MODEL", "")
RUNS, STEPS = (1000 if ASKED == "nightly" else int(ASKED), 50) if ASKED else (40, 30)
LENGTHS = [1, 4, 5, 5, 10, 10, 15, 30, 60, 1440]  # minutes that pass

BY_MECHANICS, BY_CUSTOMERS = ("accept", "decline", "release", "start", "complete"), ("cancel", "open", "complete")
# What is likely to come next, and by whom; most of it is not refused.
LIKELY = {
    "pending": [("accept", who) for who in ("favorite", "favorite", *MECHANICS)]
    + [("decline", "favorite"), ("decline", "favorite"), ("extend", "favorite"), ("open", "customer")]
    + [("cancel", "customer"), ("sweep",), ("prolong", "customer")],
    "accepted": [(verb, "holder") for verb in ("start", "start", "release", "suspend")]
    + [(verb, "customer") for verb in ("open", "cancel", "complete")],
    "started": [("complete", "holder"), ("complete", "customer"), ("complete", OLGA), ("cancel", "customer")],
    "closed": [("accept", "favorite"), ("accept", "nadia"), ("release", "holder"), ("cancel", "customer")],
}
CIRCUMSTANCES = [
    ("suspend", "marco"),
    ("suspend", "nadia"),
    *[("approve", who) for who in MECHANICS * 2],
    ("delete", "marco"),
    ("delete", "nadia"),
    *[("flip", is_on) for is_on in (False, True, True, True)],
    *[("change_window", minutes) for minutes in (1, 10, 60, 118)],
    *[("come_back", "marco")] * 3,
    *[("wishes_offers", "marco", is_so) for is_so in (False, True, True)],
    *[("join", who, is_in) for who in ("nadia", "rita") for is_in in (False, True)],
    *[("route", has_head_start) for has_head_start in (False, True, True)],
    *[("likes", "ana", "marco", is_one) for is_one in (False, True, True)],
]
BOOKINGS = [
    *[(who, False) for who in ("marco", "marco", "marco", "nadia", "rita", None)],
    *[("marco", True)] * 2,
]
TRIES = [
    *[(verb, who) for verb in ("accept", "decline", "extend", "start", "release", "complete") for who in MECHANICS],
    *[(verb, who) for verb in ("cancel", "open", "complete") for who in (*CUSTOMERS, OLGA)],
    *[("prolong", who) for who in CUSTOMERS],
    ("release", OLGA),
]
# Weights: hypothesis switches whole rules off in some runs, so there is one rule, and it draws what happens.
KINDS = [*["goes_on"] * 7, "books", "dies", "tries", "tries", "time_passes", "time_passes", "sweeps"]
KINDS += ["circumstances", "looks"]


def pick(some, number):
    """One of them."""
    return some[number % len(some)]


class Machine(RuleBasedStateMachine):
    """Each rule does one thing, in the shop and in the model."""

    def __init__(self) -> None:
        super().__init__()
        self.shop, self.model = Shop(), Model(CUSTOMERS, MECHANICS, CREDITS)
        for customer, who in (("ana", "marco"), ("ana", "nadia"), ("ben", "marco")):
            self._both("likes", customer, who, True)
        self._both("book", "ana", "marco", False)

    @rule(kind=st.sampled_from(KINDS), number=st.integers(0, 5039), recent=st.sampled_from([0, 0, 0, 1, 2]))
    def step(self, kind, number, recent):
        """`number` picks from what such a step may be; `recent` counts session requests from the newest."""
        getattr(self, f"_{kind}")(number, recent)

    def _books(self, number, _):
        is_open = {wish.customer for wish in self.model.wishes if wish.status in ("pending", "accepted")}
        free = [who for who in CUSTOMERS if who not in is_open] or CUSTOMERS
        self._both("book", free[number % len(free)], *pick(BOOKINGS, number))

    def _goes_on(self, number, recent):
        self._both(*self._likely(number, recent))

    def _dies(self, number, recent):
        """Who dies before the commit has done nothing; a refusal commits nothing."""
        verb, *values = ("book", "ben", "marco", False) if number % 5 == 0 else self._likely(number, recent)
        note(f"dies: {verb} {values}")
        told = said(self.model.copy(), verb, *values)
        assert self.shop.dies(verb, *values) == (LOST if told.startswith(OK) else told)

    def _tries(self, number, recent):
        self._both(*self._act(recent, *pick(TRIES, number)))

    def _time_passes(self, number, _):
        self._both("passes", pick(LENGTHS, number))

    def _sweeps(self, *_):
        self._both("sweep")

    def _circumstances(self, number, _):
        self._both(*pick(CIRCUMSTANCES, number))

    def _looks(self, number, _):
        who = pick(MECHANICS, number)
        if who in self.model.status:
            assert self.shop.board(who) == self.model.board(who)

    @invariant()
    def rows_are_as_the_model_says(self):
        assert self.shop.rows(self.model.now) == [vars(wish) for wish in self.model.wishes]
        assert self.shop.balances() == self.model.credits

    def teardown(self):
        try:
            assert broken() == []
        finally:
            self.shop.close()
            empty()

    def _both(self, verb, *values):
        note(f"{verb} {values}")
        assert self.shop.does(verb, *values) == said(self.model, verb, *values)

    def _likely(self, number, recent):
        wish = self.model.wishes[self._place(recent)]
        stage = "started" if wish.has_started and wish.status == "accepted" else wish.status
        acts = LIKELY.get(stage, LIKELY["closed"])
        return self._act(recent, *pick(acts, number))

    def _act(self, recent, verb, who=None):
        """The verb and its values; who it is follows from the session request."""
        place = self._place(recent)
        wish = self.model.wishes[place]
        who = {"favorite": wish.preferred, "holder": wish.mechanic, "customer": wish.customer}.get(who, who) or "nadia"
        return {"sweep": ("sweep",), "suspend": ("suspend", who)}.get(verb, (verb, place, who))

    def _place(self, recent):
        return len(self.model.wishes) - 1 - recent % len(self.model.wishes)


def test_at_random_every_answer_and_every_row_is_as_the_model_says():
    profile = settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        deadline=None,  # a step waits for a database
        print_blob=True,
        report_multiple_bugs=False,  # one is enough to read, and searching for more takes minutes
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],  # thirty steps are long, and meant so
    )
    run_state_machine_as_test(Machine, settings=profile)
