"""A full disk under PostgreSQL; where none can be mounted this file is left out (conftest.py)."""

import pytest

from tests.faults import surroundings


@pytest.mark.timeout(300)
def test_a_full_disk_refuses_and_heals() -> None:
    assert surroundings.full_disk(2) == 0
