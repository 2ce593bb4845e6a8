"""Paying by a Stripe of the tests' own: what the customer, the webhook and the clock do. Fixtures to import."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from favorites.providers import stripe as adapter
from favorites.settings import current
from tests.cast import Customer
from tests.database import one, sql
from tests.fake_stripe import KEY, SECRET, Event, FakeStripe, fake_stripe, signed


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeStripe]:
    with fake_stripe() as server:
        yield server


@pytest.fixture
def stripe(listening: FakeStripe, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    """Stripe takes the payments of this test; it has heard of nothing."""
    listening.forget()
    monkeypatch.setattr(current(), "stripe_secret_key", type(current().secret_key)(KEY))
    monkeypatch.setattr(current(), "stripe_webhook_secret", type(current().secret_key)(SECRET))
    monkeypatch.setattr(current(), "stripe_api_url", listening.url)
    adapter.shop.cache_clear()
    yield listening
    adapter.shop.cache_clear()


@pytest.fixture
def tell(app: Flask) -> Callable[..., int]:
    """Sends a webhook, as Stripe signs it; the status of the answer."""

    def send(event: Event, **how: Any) -> int:
        return app.test_client().post("/webhooks/stripe", **signed(event, **how)).status_code

    return send


@pytest.fixture
def draft(ana: Customer) -> UUID:
    """Ana's consultation, signed and not paid for."""
    return signs(ana)


@pytest.fixture
def started(ana: Customer, draft: UUID, stripe: FakeStripe) -> UUID:
    """Ana is at Stripe's page for that consultation."""
    assert starts(ana, draft) == stripe.session()["url"]
    return draft


def signs(who: Customer, plan: str = "chat10", **fields: Any) -> UUID:
    consultation_id = who.starts_intake(plan, **fields)
    who.signs(consultation_id)
    return consultation_id


def starts(who: Customer, consultation_id: UUID) -> str:
    """Presses Pay; where it leads."""
    answer = who.client.post(f"/checkout/{consultation_id}/pay")
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def comes_back(who: Customer, session: dict[str, Any], **headers: str) -> Any:
    """At the success page, as Stripe sends them there."""
    address = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return who.client.get(address.partition("localhost")[2] or address, headers=headers)


def payment(what: str = "*") -> Any:
    """The newest payment, or a column of it."""
    return one(f"SELECT {what} FROM payments ORDER BY created_at DESC LIMIT 1")


def requests() -> int:
    """How many session requests there are."""
    return int(one("SELECT count(*) FROM session_requests"))


def is_over(minutes: float) -> None:
    """So much time has passed for every payment and for what was kept."""
    past = f"interval '{minutes * 60} seconds'"
    sql(
        f"""UPDATE payments SET created_at = created_at - {past}, paid_at = paid_at - {past},
              url_until = url_until - {past}, ask_due_at = ask_due_at - {past}, refund_due_at = refund_due_at - {past},
              awaited_at = awaited_at - {past}"""
    )
    sql(f"UPDATE payment_events SET received_at = received_at - {past}, occurred_at = occurred_at - {past}")
