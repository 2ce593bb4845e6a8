"""Paid plans by Stripe: from Pay to the session request, and every way in which that ends otherwise."""

import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from favorites.settings import ROOT, current
from tests.cast import Customer, Mechanic
from tests.database import one, sql
from tests.fake_stripe import FakeStripe
from tests.pages import chosen, page
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
NOT_HEARD = "We have not heard from the bank yet"
ON_ITS_WAY = "Your money is on its way back"
HTMX = {"HX-Request": "true"}


def test_stripe_is_asked_for_the_price_with_whose_it_is_and_until_when(
    ana: Customer, started: UUID, stripe: FakeStripe
) -> None:
    (session,) = stripe.of("cs")
    assert (session["amount_total"], session["currency"]) == (999, "usd")
    assert session["metadata"] == {"consultation": str(started), "customer": str(ana.id)}
    assert session["client_reference_id"] == str(started)
    assert session["success_url"].endswith(f"/checkout/{started}/paid?checkout={{CHECKOUT_SESSION_ID}}")
    assert session["cancel_url"].endswith(f"/checkout/{started}/cancelled")
    (key,) = stripe.answered
    assert key.startswith(f"checkout-{started}-0-")
    row = payment("status, reference, amount_cents, currency, provider, url_until - created_at AS lasts")
    assert tuple(row)[:5] == ("started", session["id"], 999, "USD", "stripe")
    assert 1800 <= row.lasts.total_seconds() <= 1960
    assert requests() == 0


def test_paid_and_back_a_mechanic_is_asked_once_however_often_the_page_is_loaded(
    ana: Customer, started: UUID, stripe: FakeStripe, nadia: Mechanic
) -> None:
    stripe.pays()
    place = comes_back(ana, stripe.session()).location
    assert place == f"/customer/requests/{one('SELECT id FROM session_requests')}"
    assert comes_back(ana, stripe.session()).location == place
    assert nadia.hears("new_request")
    row = payment()
    assert (row.status, row.fee_cents, row.received_cents, row.received_currency) == ("paid", 59, 999, "USD")
    assert row.charge == stripe.session()["payment_intent"]
    assert one("SELECT paid_by FROM sessions") == "payment"
    assert starts(ana, started) == place


@pytest.mark.usefixtures("flag_on", "stripe")
def test_i6_i7_a_paid_book_again_asks_the_favorite_first_though_only_the_webhook_comes(
    ana: Customer, marco: Mechanic, nadia: Mechanic, stripe: FakeStripe, tell: Callable[..., int]
) -> None:
    ana.favors(marco)
    starts(ana, signs(ana, **chosen(marco)))
    assert tell(stripe.pays()) == 204
    assert marco.hears("priority_session_request")
    assert nadia.heard_nothing
    assert one("SELECT preferred_mechanic_id FROM session_requests") == marco.id


@pytest.mark.usefixtures("flag_on", "stripe")
def test_a_favorite_who_can_no_longer_be_asked_is_told_and_everyone_is_asked(
    ana: Customer, marco: Mechanic, nadia: Mechanic, stripe: FakeStripe
) -> None:
    ana.favors(marco)
    starts(ana, signs(ana, **chosen(marco)))
    marco.client.post("/mechanic/first-offers", data={"takes": ""})
    sql("UPDATE mechanics SET takes_favorites = false WHERE id = %s", marco.id)
    stripe.pays()
    place = comes_back(ana, stripe.session()).location
    assert nadia.hears("new_request")
    assert "Marco is not taking first offers right now, so everyone was asked" in page(ana, place)


def test_pay_again_leads_to_the_same_page_while_it_can_be_paid_and_then_to_a_new_one(
    ana: Customer, started: UUID, stripe: FakeStripe, tell: Callable[..., int]
) -> None:
    first = stripe.session()
    stripe.answered.clear()  # as in a later minute
    assert starts(ana, started) == first["url"]
    assert len(stripe.of("cs")) == 1
    tell(stripe.runs_out())
    assert payment("status") == "failed"
    assert starts(ana, started) == stripe.session()["url"] != first["url"]
    assert one("SELECT count(*) FROM payments") == 2


def test_pressed_twice_at_once_there_is_one_payment(
    ana: Customer, draft: UUID, stripe: FakeStripe, pool: ThreadPoolExecutor
) -> None:
    stripe.delay = 0.2
    clients = [ana.new_client() for _ in range(4)]
    places = {answer.location for answer in pool.map(lambda client: client.post(f"/checkout/{draft}/pay"), clients)}
    assert len(places) == 1
    assert one("SELECT count(*) FROM payments") == 1


def test_stripe_slow_leaves_threads_to_everybody_else(
    ana: Customer, draft: UUID, stripe: FakeStripe, pool: ThreadPoolExecutor
) -> None:
    stripe.delay = 0.5
    clients = [ana.new_client() for _ in range(7)]
    codes = [answer.status_code for answer in pool.map(lambda one: one.post(f"/checkout/{draft}/pay"), clients)]
    assert sorted(codes) == [303] * 4 + [503] * 3
    assert starts(ana, draft) == stripe.session()["url"]


@pytest.mark.parametrize("away", ["is_down", "breaks_before", "breaks_after"])
def test_stripe_away_is_a_sentence_and_nothing_is_lost(
    ana: Customer, draft: UUID, stripe: FakeStripe, away: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, away, 1)
    answer = ana.client.post(f"/checkout/{draft}/pay")
    assert answer.status_code == 503
    assert "The payment page cannot be reached right now. Nothing was taken" in answer.text
    assert f"/checkout/{draft}/pay" in answer.text
    stripe.is_down, stripe.answered = False, {}  # as in the next minute, whose key is another
    assert starts(ana, draft) == stripe.session()["url"]


def test_a_wrong_key_is_a_sentence_and_an_error_for_the_owner(
    ana: Customer, draft: UUID, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tests.fake_stripe.KEY", "sk_test_another")
    assert ana.client.post(f"/checkout/{draft}/pay").status_code == 503
    assert "Stripe does not answer as it should" in caplog.text


def test_not_heard_from_the_bank_is_said_and_looked_at_again_until_it_is(
    ana: Customer, started: UUID, stripe: FakeStripe, tell: Callable[..., int]
) -> None:
    tell(stripe.is_unsure())
    answer = comes_back(ana, stripe.session())
    assert NOT_HEARD in answer.text
    assert 'data-hx-trigger="every 3s"' in answer.text
    assert re.search(r'<noscript>\s*<meta http-equiv="refresh" content="5">', answer.text)
    assert requests() == 0
    assert starts(ana, started).endswith(f"?checkout={stripe.session()['id']}")  # Pay is no way to pay twice
    assert "Please do not pay again" in ana.client.get(f"/checkout/{started}").text
    part = comes_back(ana, stripe.session(), **HTMX)
    assert NOT_HEARD in part.text
    assert "<html" not in part.text
    stripe.bank_says_yes()
    place = comes_back(ana, stripe.session(), **HTMX).headers["HX-Redirect"]
    assert place == f"/customer/requests/{one('SELECT id FROM session_requests')}"


def test_the_bank_says_no_days_later(
    ana: Customer, started: UUID, stripe: FakeStripe, tell: Callable[..., int]
) -> None:
    tell(stripe.is_unsure())
    assert tell(stripe.bank_says_no()) == 204
    assert payment("status") == "failed"
    assert comes_back(ana, stripe.session()).location == f"/checkout/{started}"
    assert "The payment was not made" in ana.client.get(f"/checkout/{started}").text
    assert requests() == 0


def test_the_bank_said_no_and_only_the_page_asks(ana: Customer, started: UUID, stripe: FakeStripe) -> None:
    stripe.is_unsure()
    stripe.bank_says_no()
    assert comes_back(ana, stripe.session()).location == f"/checkout/{started}"
    assert payment("status") == "failed"


def test_back_without_having_paid(ana: Customer, started: UUID, stripe: FakeStripe) -> None:
    assert comes_back(ana, stripe.session()).location == f"/checkout/{started}"
    assert "Nothing was taken" in page(ana, f"/checkout/{started}/cancelled")
    assert payment("status") == "started"
    assert starts(ana, started) == stripe.session()["url"]


def test_left_and_paid_after_all_goes_on(ana: Customer, started: UUID, stripe: FakeStripe) -> None:
    stripe.pays()
    back = ana.client.get(f"/checkout/{started}/cancelled").location
    assert ana.client.get(back).location == f"/customer/requests/{one('SELECT id FROM session_requests')}"


def test_while_stripe_is_away_the_pages_say_what_is_known(ana: Customer, started: UUID, stripe: FakeStripe) -> None:
    stripe.pays()
    stripe.is_down = True
    assert NOT_HEARD in comes_back(ana, stripe.session()).text
    assert "We cannot reach the payment page right now" in page(ana, f"/checkout/{started}/cancelled")
    stripe.is_down = False
    assert comes_back(ana, stripe.session()).location.startswith("/customer/requests/")


@pytest.mark.usefixtures("nadia")
def test_paid_while_another_session_request_is_open_goes_back(
    ana: Customer, started: UUID, stripe: FakeStripe, settle: Callable[[], None]
) -> None:
    open_one = ana.books()
    stripe.pays()
    answer = comes_back(ana, stripe.session())
    assert ON_ITS_WAY in answer.text
    assert "You had another open session request" in answer.text
    assert tuple(payment("status, refund_reason")) == ("refunding", "open_request")
    assert requests() == 1
    settle()
    assert stripe.given_back() == 999
    answer = comes_back(ana, stripe.session())
    assert "Your money was given back" in answer.text
    assert one("SELECT status FROM sessions WHERE id = %s", started) == "draft"
    ana.does(open_one, "cancel")


def test_paid_by_credits_meanwhile_goes_back_and_is_one_session_request(
    ana: Customer, started: UUID, stripe: FakeStripe, tell: Callable[..., int], settle: Callable[[], None]
) -> None:
    request_id = ana.pays_by_credits(started)
    tell(stripe.pays())
    assert tuple(payment("status, refund_reason")) == ("refunding", "already_paid")
    assert f"/customer/requests/{request_id}" in comes_back(ana, stripe.session()).text
    settle()
    assert (payment("status"), stripe.given_back(), requests()) == ("refunded", 999, 1)


def test_paid_on_two_pages_the_second_goes_back(
    ana: Customer, started: UUID, stripe: FakeStripe, tell: Callable[..., int], settle: Callable[[], None]
) -> None:
    first = stripe.session()
    sql("UPDATE payments SET url_until = clock_timestamp() - interval '1 second'")
    stripe.answered.clear()  # as in a later minute
    starts(ana, started)
    second = stripe.session()
    assert first["id"] != second["id"]
    for session in (first, second):
        tell(stripe.pays(session["id"]))
    settle()
    states = sql("SELECT status, refund_reason FROM payments ORDER BY created_at")
    assert [tuple(state) for state in states] == [("paid", None), ("refunded", "already_paid")]
    assert (stripe.given_back(), requests()) == (999, 1)


def test_a_consultation_that_is_cancelled_meanwhile_goes_back(
    ana: Customer, started: UUID, stripe: FakeStripe, tell: Callable[..., int], settle: Callable[[], None]
) -> None:
    sql("UPDATE sessions SET status = 'cancelled', closed_at = clock_timestamp() WHERE id = %s", started)
    tell(stripe.pays())
    assert "It could not be booked any more" in comes_back(ana, stripe.session()).text
    settle()
    assert tuple(payment("status, refund_reason")) == ("refunded", "not_bookable")
    assert (stripe.given_back(), requests()) == (999, 0)


@pytest.mark.parametrize(
    ("paid", "reason", "seen"),
    [
        ({"cents": 500}, "amount_differs", "$5.00"),
        ({"cents": 2000}, "amount_differs", "$20.00"),
        ({"currency": "eur"}, "currency_differs", "€9.99"),
    ],
)
def test_another_amount_or_currency_goes_back_as_it_came(
    ana: Customer,
    started: UUID,
    stripe: FakeStripe,
    settle: Callable[[], None],
    paid: dict[str, int],
    reason: str,
    seen: str,
) -> None:
    stripe.pays(**paid)
    assert f"{ON_ITS_WAY}: {seen}" in comes_back(ana, stripe.session()).text
    settle()
    assert tuple(payment("status, refund_reason, received_cents")) == ("refunded", reason, paid.get("cents", 999))
    assert (stripe.given_back(), requests()) == (paid.get("cents", 999), 0)
    assert started


@pytest.mark.parametrize("change", ["is_active = false", "price_cents = 1999"])
def test_a_plan_that_changes_after_the_start_keeps_its_price(
    ana: Customer, started: UUID, stripe: FakeStripe, change: str
) -> None:
    sql(f"UPDATE plans SET {change} WHERE code = 'chat10'")
    try:
        stripe.pays()
        assert comes_back(ana, stripe.session()).location.startswith("/customer/requests/")
    finally:
        sql("UPDATE plans SET is_active = true, price_cents = 999 WHERE code = 'chat10'")
    assert tuple(one("SELECT price_cents, plan_code FROM sessions WHERE id = %s", started)) == (999, "chat10")


def test_a_plan_that_was_withdrawn_cannot_be_paid(ana: Customer, draft: UUID, stripe: FakeStripe) -> None:
    sql("UPDATE plans SET is_active = false WHERE code = 'chat10'")
    try:
        assert "cannot be paid online right now" in ana.client.get(f"/checkout/{draft}").text
        assert ana.client.post(f"/checkout/{draft}/pay").status_code == 409
    finally:
        sql("UPDATE plans SET is_active = true WHERE code = 'chat10'")
    assert stripe.of("cs") == []


def test_switched_off_nothing_is_started_and_what_was_started_goes_on(
    ana: Customer, ben: Customer, started: UUID, stripe: FakeStripe
) -> None:
    other = signs(ben)
    sql("UPDATE feature_flags SET is_enabled = false WHERE flag_key = 'ENABLE_PAID_PLANS'")
    assert "cannot be paid online right now" in ben.client.get(f"/checkout/{other}").text
    answer = ben.client.post(f"/checkout/{other}/pay", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "PLAN_NOT_AVAILABLE")
    assert len(stripe.of("cs")) == 1
    assert starts(ana, started) == stripe.session()["url"]
    stripe.pays()
    assert comes_back(ana, stripe.session()).location.startswith("/customer/requests/")


def test_the_environment_switches_it_off_while_the_row_is_undecided(
    ana: Customer, draft: UUID, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current(), "enable_paid_plans", False)
    assert ana.client.post(f"/checkout/{draft}/pay").status_code == 409
    assert stripe.of("cs") == []


def test_another_account_pays_and_its_own_customer_gets_the_session_request(
    ana: Customer, ben: Customer, started: UUID, stripe: FakeStripe, tell: Callable[..., int]
) -> None:
    tell(stripe.pays())
    assert comes_back(ben, stripe.session()).status_code == 404
    assert one("SELECT customer_id FROM session_requests") == ana.id
    assert comes_back(ana, stripe.session()).location.startswith("/customer/requests/")
    assert started


def test_a_reference_that_somebody_made_up_proves_nothing_and_is_not_asked_about(
    ana: Customer, ben: Customer, started: UUID, stripe: FakeStripe
) -> None:
    stripe.pays()
    asked = len(stripe.asked)
    others = signs(ben)
    for reference in ("cs_made_up", stripe.session()["id"], ""):
        assert ben.client.get(f"/checkout/{others}/paid?checkout={reference}").location == f"/checkout/{others}"
    assert len(stripe.asked) == asked
    assert requests() == 0
    assert comes_back(ana, stripe.session()).location.startswith("/customer/requests/")
    assert started


@pytest.mark.usefixtures("started")
def test_nobody_comes_back_and_no_webhook_comes_it_is_asked_about_and_is_no_lost_payment(
    stripe: FakeStripe, settle: Callable[[], None]
) -> None:
    stripe.pays()
    settle()
    assert payment("status") == "started"  # its page can still be paid
    is_over(minutes=36)
    settle()
    assert (payment("status"), requests()) == ("paid", 1)


@pytest.mark.usefixtures("started")
def test_nobody_ever_paid_it_is_asked_about_once_and_failed(stripe: FakeStripe, settle: Callable[[], None]) -> None:
    stripe.runs_out()
    is_over(minutes=36)
    settle()
    assert (payment("status"), payment("ask_due_at")) == ("failed", None)
    asked = len(stripe.asked)
    is_over(minutes=3000)
    settle()
    assert len(stripe.asked) == asked


@pytest.mark.usefixtures("started")
def test_a_bank_that_takes_days_is_asked_about_less_and_less_often(
    stripe: FakeStripe, settle: Callable[[], None]
) -> None:
    stripe.is_unsure()
    is_over(minutes=36)
    settle()
    assert payment("status = 'started' AND awaited_at IS NOT NULL")
    asked = len(stripe.asked)
    settle()
    assert len(stripe.asked) == asked
    for _ in range(3):
        is_over(minutes=361)
        settle()
    assert len(stripe.asked) == asked + 3
    stripe.bank_says_yes()
    is_over(minutes=361)
    settle()
    assert (payment("status"), requests()) == ("paid", 1)


@pytest.mark.usefixtures("started")
def test_the_fee_is_asked_for_where_the_webhook_was_first(
    stripe: FakeStripe, tell: Callable[..., int], settle: Callable[[], None]
) -> None:
    tell(stripe.pays())
    assert payment("fee_cents") is None
    settle()
    assert (payment("fee_cents"), payment("ask_due_at")) == (59, None)


def test_the_form_may_lead_to_the_payment_page_and_nowhere_else(ana: Customer, draft: UUID, stripe: FakeStripe) -> None:
    policy = ana.client.get(f"/checkout/{draft}").headers["Content-Security-Policy"]
    assert f"form-action 'self' {stripe.url};" in policy
    assert stripe.url not in ana.client.get("/customer/dashboard").headers["Content-Security-Policy"]


def test_without_a_key_nothing_imports_the_library(tmp_path: object) -> None:
    asks = "import sys; import app; sys.exit('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asks], cwd=ROOT, check=False).returncode == 0
    assert tmp_path
