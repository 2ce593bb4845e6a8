"""A pytest plugin: every test FAULT_TIMES times. Loaded by `tests.faults.suite` alone."""

import os

import pytest

TIMES = int(os.environ.get("FAULT_TIMES", "1"))


@pytest.fixture
def again(request: pytest.FixtureRequest) -> int:
    """Which time it is."""
    return int(request.param)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.fixturenames.append("again")
    metafunc.parametrize("again", range(TIMES), indirect=True)
