"""The state machine, at random: each verb is answered, and each row is, as the model says; in the end every invariant.

The short form here; `MODEL=nightly` plays a thousand runs of fifty steps (`make faults`).
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.database import broken, empty
from tests.model.model import Model, said
from tests.model.shop import CREDITS, CUSTOMERS, LOST, MECHANICS, OK, OLGA, Shop

pytestmark = pytest.mark.timeout(3600)

RUNS, STEPS = (1000, 50) if os.environ.get("MODEL") == "nightly" else (100, 30)
LENGTHS = [1, 4, 5, 5, 10, 10, 15, 30, 60, 1440]  # minutes that pass

customers, mechanics = st.sampled_from(CUSTOMERS), st.sampled_from(MECHANICS)
recent = st.integers(0, 2)  # counted from the newest session request
who_answers = st.sampled_from(["favorite", "holder", *MECHANICS])
who_asks = st.sampled_from(["customer", "customer", *CUSTOMERS])
# Each answer by somebody who may well give it.
likely = st.sampled_from(
    [("accept", who) for who in ("favorite", "nadia")]
    + [("decline", "favorite")]
    + [(verb, "holder") for verb in ("release", "start", "complete")]
    + [(verb, "customer") for verb in ("cancel", "open", "complete")]
)


def some_wish(machine: "Machine") -> bool:
    """There is one to act on."""
    return bool(machine.model.wishes)


class Machine(RuleBasedStateMachine):
    """Each rule does one thing, in the shop and in the model."""

    def __init__(self) -> None:
        super().__init__()
        self.shop, self.model = Shop(), Model(CUSTOMERS, MECHANICS, CREDITS)
        self._both("likes", "ana", "marco", True)
        self._both("likes", "ben", "marco", True)

    @rule(customer=customers, preferred=st.sampled_from(["marco", "marco", "nadia", None]))
    def books(self, customer, preferred):
        self._both("book", customer, preferred, False)

    @rule(customer=customers, preferred=mechanics)
    def books_by_the_workshops_link(self, customer, preferred):
        self._both("book", customer, preferred, True)

    @precondition(some_wish)
    @rule(recent=recent, who=who_answers)
    def accepts(self, recent, who):
        self._answers("accept", recent, who)

    @precondition(some_wish)
    @rule(verb=st.sampled_from(["decline", "release", "start", "complete"]), recent=recent, who=who_answers)
    def mechanic_does(self, verb, recent, who):
        self._answers(verb, recent, who)

    @precondition(some_wish)
    @rule(verb=st.sampled_from(["cancel", "open", "open", "complete"]), recent=recent, who=who_asks)
    def customer_does(self, verb, recent, who):
        self._answers(verb, recent, who)

    @precondition(some_wish)
    @rule(verb=st.sampled_from(["cancel", "open", "release", "complete"]), recent=recent)
    def owner_does(self, verb, recent):
        self._answers(verb, recent, OLGA)

    @precondition(some_wish)
    @rule(act=likely)
    def goes_on(self, act):
        verb, who = act
        self._answers(verb, 0, who)

    @rule(minutes=st.sampled_from(LENGTHS))
    def time_passes(self, minutes):
        self._both("passes", minutes)

    @rule()
    def sweeps(self):
        self._both("sweep")

    @rule(who=mechanics)
    def is_suspended(self, who):
        self._both("suspend", who)

    @rule()
    def all_are_approved_again(self):
        for who in MECHANICS:
            self._both("approve", who)

    @precondition(lambda self: len(self.model.status) > 1)
    @rule(who=mechanics)
    def is_deleted(self, who):
        self._both("delete", who)

    @rule(is_on=st.booleans())
    def flag_flips(self, is_on):
        self._both("flip", is_on)

    @rule(minutes=st.sampled_from([1, 10, 60]))
    def window_changes(self, minutes):
        self._both("change_window", minutes)

    @rule(who=mechanics, is_in=st.booleans())
    def workshop_changes(self, who, is_in):
        self._both("join", who, is_in)

    @rule(customer=customers, who=mechanics, is_one=st.booleans())
    def favorite_changes(self, customer, who, is_one):
        self._both("likes", customer, who, is_one)

    @precondition(some_wish)
    @rule(act=likely)
    def dies_while_answering(self, act):
        verb, who = act
        number = self._number(0)
        self._dies(verb, number, self._who(number, who))

    @rule(act=st.sampled_from([("book", "ana", "marco", False), ("sweep",), ("suspend", "marco")]))
    def dies_at_another_verb(self, act):
        self._dies(*act)

    @rule(who=mechanics)
    def looks_at_the_board(self, who):
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

    def _answers(self, verb, recent, who):
        number = self._number(recent)
        self._both(verb, number, self._who(number, who))

    def _both(self, verb, *values):
        assert self.shop.does(verb, *values) == said(self.model, verb, *values)

    def _dies(self, verb, *values):
        """Who dies before the commit has done nothing; a refusal commits nothing."""
        told = said(self.model.copy(), verb, *values)
        assert self.shop.dies(verb, *values) == (LOST if told.startswith(OK) else told)

    def _number(self, recent):
        return len(self.model.wishes) - 1 - recent % len(self.model.wishes)

    def _who(self, number, who):
        wish = self.model.wishes[number]
        return {"favorite": wish.preferred, "holder": wish.mechanic, "customer": wish.customer}.get(who, who) or "nadia"


def test_at_random_every_answer_and_every_row_is_as_the_model_says():
    profile = settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        deadline=None,  # a step waits for a database
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],  # thirty steps are long, and meant so
    )
    run_state_machine_as_test(Machine, settings=profile)
