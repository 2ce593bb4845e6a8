"""From a payment at Stripe to the books: given back by hand or at Stripe, disputed, told of nothing that is ours."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests.cast import Customer, Mechanic, Owner
from tests.database import one, sql
from tests.fake_stripe import FakeStripe
from tests.pages import page
from tests.paying import draft, is_over, listening, payment, started, stripe, tell  # fixtures among them
from tests.test_refunding import completed, refund, steps

FIXTURES = (draft, listening, started, stripe, tell)
Tell = Callable[..., int]
Settle = Callable[[], None]


@pytest.fixture
def held(started: UUID, stripe: FakeStripe, tell: Tell, settle: Settle, marco: Mechanic) -> UUID:
    """What Ana paid for, and Marco did; the session request. What it costs is known."""
    assert tell(stripe.pays()) == 204
    settle()
    return completed(marco, UUID(str(one("SELECT id FROM session_requests"))))


def sums(olga: Owner) -> dict[str, Any]:
    (book,) = olga.client.get("/admin/money.json").get_json()["currencies"]
    return {name: book[name] for name in ("received", "fees", "unknown_fees", "given_back", "disputed", "left")}


def test_given_back_by_hand_it_is_asked_for_once_and_the_books_tell_it_when_stripe_has(
    held: UUID, stripe: FakeStripe, settle: Settle, ana: Customer, olga: Owner
) -> None:
    kept = {"received": 999, "fees": 59, "unknown_fees": 0, "given_back": 0, "disputed": 0, "left": 940}
    assert sums(olga) == kept
    assert refund(olga, held).status_code == 303
    assert sums(olga) == kept
    for _ in range(2):
        settle()
        is_over(minutes=400)
    assert (payment("status"), stripe.given_back(), len(stripe.of("re"))) == ("refunded", 999, 1)
    assert sums(olga) == kept | {"given_back": 999, "left": -59}
    assert [step["what"] for step in steps(olga, held)][1:] == [
        "The payment goes back",
        "The provider gave the payment back",
    ]
    assert "The owner of this site gives it back to you." in page(ana, f"/customer/requests/{held}")


def test_a_refund_that_stripe_does_not_take_needs_the_owner_and_is_asked_for_again_at_once(
    held: UUID, stripe: FakeStripe, settle: Settle, olga: Owner
) -> None:
    refund(olga, held)
    stripe.is_down = True
    for times in range(3):
        assert "<h3>1 refund</h3>" not in page(olga, "/admin")  # it may be over in a minute
        settle()
        is_over(minutes=2**times)
    assert "<h3>1 refund</h3>" in page(olga, "/admin")
    settle()
    assert "APIConnectionError" in page(olga, "/admin/money")
    stripe.is_down = False
    settle()
    assert payment("status") == "refunding"  # its next try is some minutes away
    assert olga.client.post("/admin/money/refunds/retry").status_code == 303
    settle()
    assert (payment("status"), stripe.given_back()) == ("refunded", 999)
    assert "<h3>1 refund</h3>" not in page(olga, "/admin")


def test_given_back_in_stripes_dashboard_it_says_so(held: UUID, stripe: FakeStripe, tell: Tell, olga: Owner) -> None:
    assert tell(stripe.owner_refunds()) == 204
    assert sums(olga)["given_back"] == 999
    assert "It was given back at the provider" in page(olga, "/admin/money")
    assert refund(olga, held).status_code == 409
    assert [step["what"] for step in steps(olga, held)][1:] == ["The provider gave the payment back"]


def test_a_dispute_stands_above_and_nothing_is_given_back_from_here(
    held: UUID, stripe: FakeStripe, tell: Tell, settle: Settle, olga: Owner
) -> None:
    assert tell(stripe.is_disputed()) == 204
    said = page(olga, "/admin/money")
    assert payment("charge") in said.partition('aria-label="Time"')[0]
    assert "The customers’ banks have taken these back for now." in said
    assert sums(olga)["disputed"] == 999
    assert "bank has taken this payment back" in refund(olga, held).text
    settle()
    assert stripe.of("re") == []


def test_what_was_on_its_way_back_when_it_was_disputed_is_the_banks(
    held: UUID, stripe: FakeStripe, tell: Tell, settle: Settle, olga: Owner
) -> None:
    refund(olga, held)
    tell(stripe.is_disputed())
    settle()
    said = page(olga, "/admin/money")
    assert 'id="disputes"' in said
    assert 'id="going-back"' not in said
    assert "charge disputed" in said
    assert (payment("status"), stripe.of("re")) == ("refunding", [])


def test_what_stripe_tells_of_no_payment_of_ours_is_shown_and_after_three_days_left(
    stripe: FakeStripe, tell: Tell, settle: Settle, olga: Owner
) -> None:
    foreign = {"id": "cs_foreign", "object": "checkout.session", "status": "complete", "payment_status": "paid"}
    event = stripe.told("checkout.session.completed", foreign | {"amount_total": 5, "currency": "usd"})
    assert tell(event) == 204
    assert "Kept, and tried again" in page(olga, "/admin/money")
    is_over(minutes=3 * 24 * 60 + 1)
    settle()
    said = page(olga, "/admin/money")
    assert ("cs_foreign" in said, "Fits nothing" in said) == (True, True)
    assert sql("SELECT FROM payments") == []
