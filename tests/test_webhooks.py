"""What Stripe tells us by itself: forged, old, doubled, out of order, early, late; each has its effect once."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from favorites.providers import stripe as adapter
from favorites.settings import current
from tests.cast import Customer, Mechanic
from tests.database import one, sql
from tests.fake_stripe import KEY, PRIVATE, SECRET, Event, FakeStripe, signed
from tests.pages import page
from tests.paying import (  # fixtures among them
    comes_back,
    draft,
    is_over,
    listening,
    payment,
    requests,
    signs,
    started,
    starts,
    stripe,
    tell,
)

FIXTURES = (draft, listening, started, stripe, tell)
Tell = Callable[..., int]
EVENTS = "SELECT kind, outcome FROM payment_events ORDER BY received_at"


def outcomes() -> list[str | None]:
    return [row.outcome for row in sql(EVENTS)]


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize(
    "how",
    [{"secret": "whsec_of_somebody_else"}, {"ago": 301}, {"ago": 3 * 86400}, {"ago": -86400, "secret": "whsec_x"}],
)
def test_k42_a_bad_or_old_signature_is_400_and_nothing(stripe: FakeStripe, tell: Tell, how: dict[str, Any]) -> None:
    assert tell(stripe.pays(), **how) == 400
    assert (outcomes(), payment("status")) == ([], "started")


@pytest.mark.usefixtures("started")
def test_k42_a_changed_body_is_400(app: Flask, stripe: FakeStripe) -> None:
    sent = signed(stripe.pays())
    for body in (sent["data"].replace("999", "998"), sent["data"] + " ", "", "{}"):
        assert app.test_client().post("/webhooks/stripe", **{**sent, "data": body}).status_code == 400
    for headers in ({}, {"Stripe-Signature": "nonsense"}, {"Stripe-Signature": "t=1"}):
        answer = app.test_client().post("/webhooks/stripe", data=sent["data"], headers=headers)
        assert answer.status_code == 400
    assert outcomes() == []


@pytest.mark.usefixtures("started")
def test_k42_a_clock_that_is_six_minutes_off_is_refused_and_four_are_not(stripe: FakeStripe, tell: Tell) -> None:
    event = stripe.pays()
    assert tell(event, ago=360) == 400
    assert tell(event, ago=240) == 204
    assert requests() == 1


def test_a_body_that_is_too_large_is_not_read(app: Flask, stripe: FakeStripe) -> None:
    event = stripe.told("checkout.session.completed", {"id": "cs", "more": "x" * 300_000})
    assert app.test_client().post("/webhooks/stripe", **signed(event)).status_code == 413


@pytest.mark.parametrize("missing", ["stripe_secret_key", "stripe_webhook_secret"])
def test_where_stripe_is_not_set_up_there_is_nothing(
    stripe: FakeStripe, tell: Tell, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current(), missing, type(current().secret_key)(""))
    assert tell(stripe.told("checkout.session.completed", {"id": "cs"})) == 404


def test_it_needs_neither_sign_in_nor_token(
    app: Flask, started: UUID, stripe: FakeStripe, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    assert tell(stripe.pays()) == 204
    assert requests() == 1
    assert started


def test_what_we_do_nothing_about_is_taken_and_not_kept(stripe: FakeStripe, tell: Tell) -> None:
    for kind in ("customer.created", "payment_intent.succeeded", "invoice.paid"):
        assert tell(stripe.told(kind, {"id": "x_1", "name": PRIVATE[1]})) == 204
    assert outcomes() == []


@pytest.mark.usefixtures("started")
def test_k42_replayed_it_has_its_effect_once(stripe: FakeStripe, tell: Tell, nadia: Mechanic) -> None:
    event = stripe.pays()
    assert [tell(event) for _ in range(3)] == [204] * 3
    assert (outcomes(), requests()) == (["applied"], 1)
    assert nadia.hears("new_request")
    assert nadia.heard_nothing


@pytest.mark.usefixtures("started")
def test_k42_doubled_in_parallel_it_has_its_effect_once(
    stripe: FakeStripe, tell: Tell, pool: ThreadPoolExecutor
) -> None:
    event = stripe.pays()
    assert set(pool.map(lambda _: tell(event), range(8))) == {204}
    assert (outcomes(), requests()) == (["applied"], 1)


def test_k42_webhook_and_page_at_the_same_time_ask_once(
    ana: Customer, started: UUID, stripe: FakeStripe, tell: Tell, pool: ThreadPoolExecutor
) -> None:
    event, clients = stripe.pays(), [ana.new_client() for _ in range(4)]
    page = f"/checkout/{started}/paid?checkout={stripe.session()['id']}"
    told = [pool.submit(tell, event) for _ in range(4)]
    seen = [pool.submit(client.get, page) for client in clients]
    assert {each.result() for each in told} == {204}
    places = {each.result().location for each in seen}
    assert places == {f"/customer/requests/{one('SELECT id FROM session_requests')}"}


@pytest.mark.usefixtures("started")
def test_k42_three_days_late_is_not_too_late(stripe: FakeStripe, tell: Tell) -> None:
    event = stripe.pays()
    is_over(minutes=3 * 1440)
    event["created"] -= 3 * 86400
    assert tell(event) == 204
    assert (payment("status"), requests()) == ("paid", 1)


@pytest.mark.usefixtures("started")
def test_k42_expired_after_completed_does_nothing(stripe: FakeStripe, tell: Tell) -> None:
    paid = stripe.pays()
    for event in (paid, stripe.runs_out()):
        tell(event)
    assert (outcomes(), payment("status"), requests()) == (["applied", "nothing"], "paid", 1)


@pytest.mark.usefixtures("started")
def test_k42_completed_after_expired_is_paid_all_the_same(stripe: FakeStripe, tell: Tell) -> None:
    late = stripe.runs_out()
    stripe.session()["status"] = "open"
    paid = stripe.pays()
    for event in (late, paid):
        tell(event)
    assert (payment("status"), requests()) == ("paid", 1)


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_k42_the_bank_s_yes_in_any_order(stripe: FakeStripe, tell: Tell, order: tuple[int, int]) -> None:
    events = stripe.is_unsure(), stripe.bank_says_yes()
    for place in order:
        assert tell(events[place]) == 204
    assert (payment("status"), payment("awaited_at"), requests()) == ("paid", None, 1)


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_k42_the_bank_s_no_in_any_order(stripe: FakeStripe, tell: Tell, order: tuple[int, int]) -> None:
    events = stripe.is_unsure(), stripe.bank_says_no()
    for place in order:
        assert tell(events[place]) == 204
    assert (payment("status"), requests()) == ("failed", 0)


@pytest.mark.usefixtures("started")
def test_k42_refunded_before_completed_is_back_and_nobody_is_asked(
    stripe: FakeStripe, tell: Tell, nadia: Mechanic
) -> None:
    paid = stripe.pays()
    back = stripe.owner_refunds()
    assert tell(back) == 204
    assert outcomes() == [None]
    assert tell(paid) == 204
    assert tuple(payment("status, refund_reason")) == ("refunded", "by_provider")
    assert (sorted(outcomes()), requests()) == (["applied", "applied"], 0)
    assert nadia.heard_nothing


@pytest.mark.usefixtures("started")
def test_refunded_in_the_dashboard_is_written_down_and_the_session_request_stays(
    stripe: FakeStripe, tell: Tell, settle: Callable[[], None]
) -> None:
    for event in (stripe.pays(), stripe.owner_refunds()):
        tell(event)
    assert tuple(payment("status, refund_reason")) == ("refunded", "by_provider")
    assert one("SELECT status FROM session_requests") == "pending"
    settle()
    assert stripe.given_back() == 999


def test_the_receipt_says_when_the_owner_gave_it_back(
    ana: Customer, started: UUID, stripe: FakeStripe, tell: Tell, nadia: Mechanic
) -> None:
    tell(stripe.pays())
    for verb in ("accept", "start", "complete"):
        nadia.does(one("SELECT id FROM session_requests"), verb)
    assert "Given back" not in page(ana, f"/consultations/{started}/receipt")
    tell(stripe.owner_refunds())
    receipt = page(ana, f"/consultations/{started}/receipt")
    assert "<dt>Paid</dt>" in receipt
    assert "<dt>Given back</dt>" in receipt


@pytest.mark.usefixtures("started")
def test_a_part_that_the_owner_gave_back_in_the_dashboard_leaves_it_paid(stripe: FakeStripe, tell: Tell) -> None:
    for event in (stripe.pays(), stripe.owner_refunds(cents=300)):
        tell(event)
    assert (payment("status"), outcomes()) == ("paid", ["applied", "nothing"])


def test_k43_told_before_we_wrote_it_down_it_is_kept_and_had_its_effect_with_the_row(
    ana: Customer, draft: UUID, stripe: FakeStripe, tell: Tell, monkeypatch: pytest.MonkeyPatch, nadia: Mechanic
) -> None:
    start = adapter.Stripe.start

    def is_paid_at_once(*asked: Any) -> Any:
        page = start(*asked)
        assert tell(stripe.pays()) == 204
        assert outcomes() == [None]
        return page

    monkeypatch.setattr(adapter.Stripe, "start", is_paid_at_once)
    place = starts(ana, draft)
    assert place.startswith(f"/checkout/{draft}/paid?checkout=")
    assert ana.client.get(place).location == f"/customer/requests/{one('SELECT id FROM session_requests')}"
    assert (outcomes(), payment("status")) == (["applied"], "paid")
    assert nadia.hears("new_request")


def test_k43_told_while_neither_saw_the_other_it_has_its_effect_a_little_later(
    ana: Customer,
    draft: UUID,
    stripe: FakeStripe,
    tell: Tell,
    settle: Callable[[], None],
) -> None:
    starts(ana, draft)
    sql("UPDATE payments SET reference = reference || '-later'")  # as if it had not been committed yet
    tell(stripe.pays())
    sql("UPDATE payments SET reference = left(reference, -6)")
    assert (outcomes(), requests()) == ([None], 0)
    settle()
    assert (outcomes(), payment("status"), requests()) == (["applied"], "paid", 1)


def test_k43_what_is_of_nobody_is_kept_three_days_and_then_ends_quietly(
    stripe: FakeStripe, tell: Tell, settle: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    checkout = {"id": "cs_of_another_shop", "status": "complete", "payment_status": "paid", "payment_intent": "pi_x"}
    assert tell(stripe.told("checkout.session.completed", {**checkout, "currency": "usd", "amount_total": 5})) == 204
    settle()
    assert outcomes() == [None]
    is_over(minutes=3 * 1440 + 1)
    settle()
    assert outcomes() == ["unmatched"]
    assert "error" not in caplog.text.lower()


@pytest.mark.usefixtures("started")
def test_disputed_is_loud_and_is_never_given_back_by_us(
    ana: Customer, stripe: FakeStripe, tell: Tell, settle: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    for event in (stripe.pays(), stripe.is_disputed()):
        assert tell(event) == 204
    assert "[Payment] Disputed" in caplog.text
    ana.does(one("SELECT id FROM session_requests"), "cancel")
    settle()
    assert payment("status = 'paid' AND disputed_at IS NOT NULL")
    assert (stripe.of("re"), one("SELECT status FROM session_requests")) == ([], "cancelled")


@pytest.mark.usefixtures("started")
def test_disputed_before_completed(stripe: FakeStripe, tell: Tell) -> None:
    paid = stripe.pays()
    for event in (stripe.is_disputed(), paid):
        tell(event)
    assert payment("status = 'paid' AND disputed_at IS NOT NULL")
    assert outcomes() == ["applied", "applied"]


def test_2xx_only_after_the_commit(
    started: UUID, stripe: FakeStripe, tell: Tell, connect: Callable[[], Any], pool: ThreadPoolExecutor
) -> None:
    """While the customer's row is held it is not answered; let go, it is answered and written."""
    from tests.database import until_waiting

    holder = connect()
    holder.cursor().execute("SELECT FROM customers FOR UPDATE")
    answer = pool.submit(tell, stripe.pays())
    until_waiting()
    assert not answer.done()
    holder.rollback()
    assert answer.result() == 204
    assert requests() == 1
    assert started


@pytest.mark.usefixtures("started")
def test_a_database_that_breaks_is_no_2xx_and_the_next_try_does_it(
    stripe: FakeStripe, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    event = stripe.pays()
    with monkeypatch.context() as broken:
        away = OperationalError("", {}, Exception("away"))
        broken.setattr(Session, "commit", lambda _: (_ for _ in ()).throw(away))
        assert tell(event) == 503
    assert (outcomes(), requests()) == ([], 0)
    assert tell(event) == 204
    assert requests() == 1


def test_nothing_of_a_card_or_of_a_key_is_stored_or_logged(
    ana: Customer,
    ben: Customer,
    started: UUID,
    stripe: FakeStripe,
    tell: Tell,
    settle: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    events: list[Event] = [stripe.pays(), stripe.is_disputed(), stripe.owner_refunds()]
    assert PRIVATE[0] in json.dumps(events[2])
    for event in events:
        assert PRIVATE[1] in json.dumps(event)
        tell(event)
        tell(event, ago=400)
    comes_back(ana, stripe.session())
    settle()
    stripe.is_down = True
    assert ben.client.post(f"/checkout/{signs(ben)}/pay").status_code == 503
    tables = [
        row.name for row in sql("SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200")
    ]
    stored = "".join(str(sql(f'SELECT * FROM "{table}"')) for table in tables if table != "mechanics")
    for secret in (*PRIVATE, KEY, SECRET):
        alone = rf"(?<![\w.-]){re.escape(secret)}(?![\w-])"  # not the digits of an instant, and no id begins with 0
        assert not re.search(alone, stored)
        assert not re.search(alone, caplog.text)
    assert started


@pytest.mark.usefixtures("started")
def test_of_an_event_only_what_is_used_is_kept(stripe: FakeStripe, tell: Tell) -> None:
    tell(stripe.pays())
    kept = one("SELECT payload FROM payment_events")
    assert set(kept) == {"state", "charge", "cents", "currency", "consultation"}
