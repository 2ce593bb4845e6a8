"""Money goes back by itself: on cancel before acceptance and on expiry, exactly once, until Stripe has confirmed it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from favorites.dispatch.refunds import claim_refund
from favorites.settings import current
from favorites.settling import Settling
from tests.cast import Customer, Mechanic
from tests.conftest import engine
from tests.database import fast_forward, one, sql
from tests.fake_stripe import FakeStripe
from tests.pages import page
from tests.paying import (  # fixtures among them
    draft,
    is_over,
    listening,
    payment,
    started,
    stripe,
    tell,
)

FIXTURES = (draft, listening, started, stripe, tell)
Tell = Callable[..., int]
Settle = Callable[[], None]
ON_ITS_WAY = "Your money is on its way back: $9.99."


@pytest.fixture
def paid(started: UUID, stripe: FakeStripe, tell: Tell, settle: Settle) -> UUID:
    """Ana's session request, paid for; its id."""
    tell(stripe.pays())
    settle()
    assert payment("fee_cents") == 59
    stripe.asked.clear()
    return UUID(str(one("SELECT id FROM session_requests WHERE session_id = %s", started)))


def created(stripe: FakeStripe) -> int:
    """How often a refund was asked for."""
    return stripe.asked.count(("POST", "/v1/refunds"))


def test_cancelled_before_the_acceptance_it_is_owed_at_once_and_back_when_stripe_says_so(
    ana: Customer, paid: UUID, stripe: FakeStripe, settle: Settle
) -> None:
    assert ana.does(paid, "cancel").status_code == 200
    assert tuple(payment("status, refund_reason, refund_tries")) == ("refunding", "cancelled", 0)
    assert ON_ITS_WAY in page(ana, f"/customer/requests/{paid}")
    assert ON_ITS_WAY in page(ana, "/customer/dashboard")
    settle()
    row = payment()
    assert (row.status, row.refund_due_at, row.refund_problem, row.refund_tries) == ("refunded", None, None, 1)
    assert row.refund_reference == stripe.of("re")[0]["id"]
    assert "was given back on" in page(ana, f"/customer/requests/{paid}")
    assert "was given back on" in page(ana, "/customer/dashboard")
    for _ in range(2):
        is_over(minutes=400)
        settle()
    assert (stripe.given_back(), created(stripe)) == (999, 1)


def test_cancelled_after_the_acceptance_and_before_the_start_goes_back_as_well(
    ana: Customer, paid: UUID, stripe: FakeStripe, settle: Settle, nadia: Mechanic
) -> None:
    assert nadia.accepts(paid).status_code == 200
    ana.does(paid, "cancel")
    settle()
    assert (payment("status"), stripe.given_back()) == ("refunded", 999)


def test_expired_it_goes_back(
    ana: Customer, paid: UUID, stripe: FakeStripe, settle: Settle, sweep: Callable[[], object]
) -> None:
    fast_forward(minutes=16)
    sweep()
    assert tuple(payment("status, refund_reason")) == ("refunding", "expired")
    seen = page(ana, f"/customer/requests/{paid}")
    assert "Nobody could take it in time" in seen
    assert "has been given back" not in seen
    assert ON_ITS_WAY in seen
    settle()
    assert (payment("status"), stripe.given_back()) == ("refunded", 999)


def test_a_consultation_that_takes_place_is_kept(
    paid: UUID, stripe: FakeStripe, settle: Settle, nadia: Mechanic
) -> None:
    for verb in ("accept", "start", "complete"):
        assert nadia.does(paid, verb).status_code == 200
    settle()
    assert (payment("status"), stripe.of("re")) == ("paid", [])


def test_while_stripe_is_away_it_is_asked_again_and_again_with_longer_pauses(
    ana: Customer, paid: UUID, stripe: FakeStripe, settle: Settle, caplog: pytest.LogCaptureFixture
) -> None:
    ana.does(paid, "cancel")
    stripe.is_down = True
    pauses = []
    for _ in range(11):
        settle()
        pauses.append(round(payment("extract(epoch FROM refund_due_at - clock_timestamp())") / 60))
        sql("UPDATE payments SET refund_due_at = clock_timestamp()")
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]
    assert tuple(payment("refund_problem, refund_tries")) == ("APIConnectionError", 11)
    assert "[Payment] Not given back yet" in caplog.text
    stripe.is_down = False
    settle()
    assert (payment("status"), payment("refund_problem"), stripe.given_back()) == ("refunded", None, 999)


@pytest.mark.parametrize("fault", ["breaks_before", "breaks_after"])
def test_stripe_breaks_before_or_after_doing_it_it_is_given_back_once(
    ana: Customer, paid: UUID, stripe: FakeStripe, settle: Settle, fault: str
) -> None:
    ana.does(paid, "cancel")
    setattr(stripe, fault, 1)
    settle()
    assert payment("status") == "refunding"
    stripe.answered.clear()  # as Stripe forgets the key after some days
    is_over(minutes=2)
    settle()
    assert (payment("status"), stripe.given_back(), len(stripe.of("re"))) == ("refunded", 999, 1)


def test_slow_it_is_not_asked_by_two_at_once(
    app: Flask, ana: Customer, paid: UUID, stripe: FakeStripe, pool: ThreadPoolExecutor
) -> None:
    ana.does(paid, "cancel")
    stripe.delay = 0.3

    def settle(_: int) -> None:
        with Session(engine(app)) as session:
            Settling(lambda: True).settle(session)

    list(pool.map(settle, range(4)))
    assert (payment("status"), stripe.given_back(), created(stripe)) == ("refunded", 999, 1)


def test_who_dies_between_stripe_s_answer_and_the_row_gives_it_back_once(
    ana: Customer, paid: UUID, stripe: FakeStripe, settle: Settle, session: Session
) -> None:
    from favorites.providers import provider_of

    ana.does(paid, "cancel")
    owed, shop = claim_refund(session), provider_of("stripe")
    assert owed
    assert shop
    shop.refund(owed)  # and nothing is written
    settle()
    assert payment("status") == "refunding"  # it is claimed for a minute
    is_over(minutes=2)
    settle()
    assert (payment("status"), stripe.given_back(), len(stripe.of("re"))) == ("refunded", 999, 1)


@pytest.mark.parametrize("hears", ["webhook", "itself"])
def test_a_refund_that_takes_days_is_on_its_way_until_it_is_confirmed(
    ana: Customer, paid: UUID, stripe: FakeStripe, tell: Tell, settle: Settle, hears: str
) -> None:
    stripe.refunds_are = "pending"
    ana.does(paid, "cancel")
    settle()
    assert tuple(payment("status, refund_problem")) == ("refunding", "pending")
    assert ON_ITS_WAY in page(ana, f"/customer/requests/{paid}")
    is_over(minutes=2)
    settle()
    assert tuple(payment("status, refund_tries")) == ("refunding", 2)
    event = stripe.refund_becomes("succeeded")
    if hears == "webhook":
        tell(event)
    else:
        is_over(minutes=5)
        settle()
    assert (payment("status"), stripe.given_back(), len(stripe.of("re"))) == ("refunded", 999, 1)


def test_a_refund_that_fails_is_asked_for_anew_and_the_problem_is_shown(
    ana: Customer, paid: UUID, stripe: FakeStripe, tell: Tell, settle: Settle
) -> None:
    stripe.refunds_are = "pending"
    ana.does(paid, "cancel")
    settle()
    tell(stripe.refund_becomes("failed"))
    assert tuple(payment("status, refund_problem")) == ("refunding", "expired_or_canceled_card")
    stripe.refunds_are = "succeeded"
    is_over(minutes=2)
    settle()
    assert (payment("status"), stripe.given_back(), len(stripe.of("re"))) == ("refunded", 999, 2)


def test_a_refund_that_fails_though_we_never_heard_of_it_is_owed_again(
    ana: Customer, paid: UUID, stripe: FakeStripe, tell: Tell, settle: Settle, session: Session
) -> None:
    """Killed before the answer was written; then all that is known comes from the webhooks."""
    from favorites.providers import provider_of

    ana.does(paid, "cancel")
    owed, shop = claim_refund(session), provider_of("stripe")
    assert owed
    assert shop
    shop.refund(owed)
    tell(stripe.refund_is_told(stripe.of("re")[0]))
    assert tuple(payment("status, refund_reference")) == ("refunded", None)
    tell(stripe.refund_becomes("failed"))
    assert payment("status") == "refunding"
    is_over(minutes=2)
    settle()
    assert (payment("status"), stripe.given_back()) == ("refunded", 999)


def test_what_is_told_late_of_a_refund_that_failed_changes_nothing_once_the_next_is_confirmed(
    ana: Customer, paid: UUID, stripe: FakeStripe, tell: Tell, settle: Settle
) -> None:
    stripe.refunds_are = "pending"
    ana.does(paid, "cancel")
    settle()
    failed = stripe.refund_becomes("failed")
    late = stripe.told("refund.updated", stripe.of("re")[0])
    tell(failed)
    stripe.refunds_are = "succeeded"
    is_over(minutes=2)
    settle()
    for event in (failed, late):
        assert tell(event) == 204
        assert payment("status") == "refunded"
    assert stripe.given_back() == 999


def test_a_refund_that_comes_back_after_it_was_confirmed_is_owed_again(
    ana: Customer, paid: UUID, stripe: FakeStripe, tell: Tell, settle: Settle
) -> None:
    ana.does(paid, "cancel")
    settle()
    assert payment("status") == "refunded"
    tell(stripe.refund_becomes("failed"))
    assert tuple(payment("status, refunded_at")) == ("refunding", None)
    is_over(minutes=2)
    settle()
    assert (payment("status"), stripe.given_back()) == ("refunded", 999)


def test_given_back_in_the_dashboard_meanwhile_counts(
    ana: Customer, paid: UUID, stripe: FakeStripe, tell: Tell, settle: Settle
) -> None:
    ana.does(paid, "cancel")
    event = stripe.owner_refunds()  # its webhook is late
    settle()
    assert tuple(payment("status, refund_reason")) == ("refunded", "cancelled")
    assert tell(event) == 204
    assert (payment("status"), stripe.given_back()) == ("refunded", 999)


def test_a_part_that_fails_in_the_dashboard_is_none_of_ours(paid: UUID, stripe: FakeStripe, tell: Tell) -> None:
    tell(stripe.owner_refunds(cents=300))
    tell(stripe.refund_becomes("failed"))
    assert payment("status") == "paid"
    assert paid


def test_of_a_part_that_was_given_back_in_the_dashboard_the_rest_goes_back(
    ana: Customer, paid: UUID, stripe: FakeStripe, tell: Tell, settle: Settle
) -> None:
    tell(stripe.owner_refunds(cents=300))
    ana.does(paid, "cancel")
    settle()
    assert (payment("status"), stripe.given_back()) == ("refunded", 999)


@pytest.mark.parametrize("hears", ["webhook", "itself"])
def test_disputed_while_it_is_owed_stops_with_its_problem(
    ana: Customer, paid: UUID, stripe: FakeStripe, tell: Tell, settle: Settle, hears: str
) -> None:
    ana.does(paid, "cancel")
    event = stripe.is_disputed()
    if hears == "webhook":
        tell(event)
    settle()
    row = payment()
    assert (row.status, row.refund_due_at, row.refund_problem) == ("refunding", None, "charge_disputed")
    assert row.disputed_at
    assert "your bank decides about it now" in page(ana, f"/customer/requests/{paid}")
    asked = len(stripe.asked)
    is_over(minutes=9999)
    settle()
    assert (len(stripe.asked), stripe.of("re")) == (asked, [])


def test_without_the_key_it_waits_and_says_why(
    ana: Customer, paid: UUID, stripe: FakeStripe, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana.does(paid, "cancel")
    with monkeypatch.context() as unset:
        unset.setattr(current(), "stripe_secret_key", type(current().secret_key)(""))
        settle()
    assert tuple(payment("status, refund_problem")) == ("refunding", "no_key")
    is_over(minutes=2)
    settle()
    assert (payment("status"), stripe.given_back()) == ("refunded", 999)


def test_the_thread_settles_in_a_server_that_polls(
    app: Flask, ana: Customer, paid: UUID, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.server import until

    monkeypatch.setattr("favorites.settling.ROUND", 0.05)
    ana.does(paid, "cancel")
    settling = Settling(lambda: True)
    settling.start()
    try:
        until(lambda: payment("status") == "refunded", "it is given back")
    finally:
        settling.stop()
    assert stripe.given_back() == 999


@pytest.mark.parametrize("event", ["refund_becomes", "refund_is_told"])
def test_what_stripe_tells_of_our_own_refund_changes_nothing_more(
    ana: Customer, paid: UUID, stripe: FakeStripe, tell: Tell, settle: Settle, event: str
) -> None:
    ana.does(paid, "cancel")
    settle()
    before = payment("refunded_at")
    told = (
        stripe.refund_becomes("succeeded") if event == "refund_becomes" else stripe.refund_is_told(stripe.of("re")[0])
    )
    assert tell(told) == 204
    assert (payment("refunded_at"), one("SELECT outcome FROM payment_events ORDER BY received_at DESC LIMIT 1")) == (
        before,
        "nothing",
    )
