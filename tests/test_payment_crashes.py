"""kill -9 at every commit between the money and the session request: the short form of `make faults` P4."""

from collections.abc import Iterator

import pytest

from tests.faults import payments
from tests.faults.payments import PayingStage

pytestmark = pytest.mark.timeout(600)


# Those that can be half done in the most ways; `make faults` plays all places, twenty times each.
SHORT = (
    "start_payment.after_commit",
    "receive_event.before_commit",
    "receive_event.after_commit",
    "hear_payment.after_commit",
    "claim_refund.after_commit",
    "refund.answered",
)


@pytest.fixture(scope="module")
def stage() -> Iterator[PayingStage]:
    with payments.stage() as stage:
        yield stage


@pytest.mark.parametrize("place", SHORT)
def test_every_charge_has_a_session_request_or_is_back_once(stage: PayingStage, place: str) -> None:
    before = len(stage.ground.violations)
    payments.play(stage, place)
    stage.ground.check()
    assert stage.ground.violations[before:] == []
    assert place in payments.PLACES
