"""Accept against everything, in every interleaving, inside the window; `make faults` plays all pairs in all states."""

from tests.faults import interleavings
from tests.scratch import migrated_database


def test_every_interleaving_with_an_accept_ends_as_one_of_the_two_orders_does():
    wrong = []
    with migrated_database() as database:
        number = interleavings.play(
            database.url,
            ["in the window"],
            lambda fact, otherwise: fact or wrong.append(otherwise),
            ["accept", "another's accept"],
        )
    assert wrong == []
    assert number > 150
