"""Each mutation can still be made, and the tests that must catch it are there; `make mutants` plays them."""

import re

from favorites.settings import ROOT
from tests.mutants.__main__ import MUTATIONS


def test_every_mutation_fits():
    assert [one.words for one in MUTATIONS if one.applied((ROOT / one.path).read_text()) is None] == []


def test_every_mutation_has_the_tests_that_must_catch_it():
    for node in (node for one in MUTATIONS for node in one.nodes):
        file, _, name = node.partition("::")
        assert re.search(rf"^def {name.partition('[')[0]}\(", (ROOT / file).read_text(), re.M), node
