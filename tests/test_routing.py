"""Rows R1 and R2: who is asked is a pure decision over four facts."""

from itertools import product

import pytest

from favorites.dispatch.routing import Facts, Preferred, Route, Stage, decide

CASES = list(
    product((True, False), ("priority_broadcast", "broadcast"), (Preferred.CAN_BE_ASKED, Preferred.NONE), (True, False))
)


def test_r1_of_sixteen_cases_exactly_one_is_priority():
    priority = [case for case in CASES if decide(Facts(*case)).stage is Stage.PRIORITY]
    assert len(CASES) == 16
    assert priority == [(True, "priority_broadcast", Preferred.CAN_BE_ASKED, False)]


@pytest.mark.parametrize("case", [case for case in CASES if case[3]])
def test_r2_a_workshop_is_asked_before_any_favorite(case):
    assert decide(Facts(*case)) == Route(Stage.WORKSHOP, "workshop")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (Facts(False, "priority_broadcast", Preferred.CAN_BE_ASKED, False), "flag_off"),
        (Facts(True, "priority_broadcast", Preferred.NONE, False), "no_preference"),
        (Facts(True, "broadcast", Preferred.CAN_BE_ASKED, False), "no_preference"),
        (Facts(True, "priority_broadcast", Preferred.NOT_FOUND, False), "mechanic_not_found"),
        (Facts(True, "priority_broadcast", Preferred.NOT_APPROVED, False), "mechanic_not_approved"),
        (Facts(True, "priority_broadcast", Preferred.NOT_A_FAVORITE, False), "not_a_favorite"),
        (Facts(True, "priority_broadcast", Preferred.RECENTLY_ASKED, False), "recently_asked"),
        (Facts(True, "priority_broadcast", Preferred.NOT_TAKING_OFFERS, False), "not_taking_offers"),
    ],
)
def test_r1_everyone_is_asked_for_a_reason(facts, reason):
    assert decide(facts) == Route(Stage.EVERYONE, reason)
