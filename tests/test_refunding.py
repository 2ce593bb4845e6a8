"""The owner gives back what a session request cost: once, with a reason, whatever became of it; its story tells it."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from favorites.dispatch import refunding
from favorites.dispatch.actors import SYSTEM
from favorites.dispatch.errors import Disputed, GivenBack, NotFound, NothingPaid, Refusal
from favorites.dispatch.owner_events import Why
from favorites.models.owner_event import Reason
from tests.cast import Customer, Mechanic, Owner
from tests.conftest import engine
from tests.database import fast_forward, one, sql
from tests.pages import page
from tests.test_checkout import pays

WHY = Why(Reason.CUSTOMER_ASKED)
JSON = {"Accept": "application/json"}


def paid(customer: Customer) -> UUID:
    """A session request that was paid online."""
    consultation_id = customer.starts_intake()
    customer.signs(consultation_id)
    return UUID(pays(customer, consultation_id).rsplit("/", 1)[-1])


def completed(mechanic: Mechanic, request_id: UUID) -> UUID:
    for verb in ("accept", "start", "complete"):
        assert mechanic.does(request_id, verb).status_code == 200
    return request_id


def refund(olga: Owner, request_id: UUID, **form: str) -> Any:
    given = {"reason": "customer_asked", "note": "She called", **form}
    return olga.client.post(f"/admin/requests/{request_id}/refund", data=given)


def steps(olga: Owner, request_id: UUID) -> list[dict[str, Any]]:
    said = olga.client.get(f"/admin/requests/{request_id}", headers=JSON).get_json()
    return [step for step in said["steps"] if "cents" in step or "credit" in step["what"]]


def test_what_was_paid_is_owed_back_and_the_consultation_stays_as_it_is(
    ana: Customer, marco: Mechanic, olga: Owner
) -> None:
    request_id = completed(marco, paid(ana))
    assert f'href="/admin/requests/{request_id}/refund"' in page(olga, f"/admin/requests/{request_id}")
    assert "$9.99 paid" in page(olga, f"/admin/requests/{request_id}/refund")
    answer = refund(olga, request_id)
    assert (answer.status_code, answer.location) == (303, f"/admin/requests/{request_id}")
    row = one("SELECT status, refund_reason, refund_due_at <= now() AS is_due, refund_tries FROM payments")
    assert tuple(row) == ("refunding", "owner", True, 0)
    assert one("SELECT status FROM session_requests") == "completed"
    kind, actor, subject, note, payload = one("SELECT kind, actor, subject_id, note, payload FROM owner_events")
    assert (kind, actor, subject, note) == ("payment_refunded", f"admin:{olga.user_id}", request_id, "She called")
    payment_id = str(one("SELECT id FROM payments"))
    assert payload == {"reason": "customer_asked", "payment_id": payment_id, "cents": 999, "currency": "USD"}
    said = page(olga, f"/admin/requests/{request_id}")
    assert "Give back what was paid" not in said
    assert "The payment goes back, $9.99." in said
    assert "Reason: The customer asked for it." in said
    assert "“She called”" in said
    assert "On the way back</span>" in page(olga, "/admin/money")


def test_credits_are_back_at_once_by_one_more_line_that_says_whose_doing_it_was(
    ana: Customer, marco: Mechanic, olga: Owner
) -> None:
    request_id = completed(marco, ana.books())
    assert "3 credits" in page(olga, f"/admin/requests/{request_id}/refund")
    assert refund(olga, request_id).status_code == 303
    assert sorted(row.credits for row in sql("SELECT credits FROM credit_entries WHERE session_id IS NOT NULL")) == [
        -3,
        3,
    ]
    kind, subject, payload = one("SELECT kind, subject_id, payload FROM owner_events")
    entry_id = str(one("SELECT id FROM credit_entries WHERE kind = 'refund'"))
    assert (kind, subject) == ("credits_refunded", request_id)
    assert payload == {"reason": "customer_asked", "entry_id": entry_id, "credits": 3}
    ledger = page(olga, f"/admin/customers/{ana.id}")
    assert f'data-label="Who">{olga.email}' in ledger
    assert "Credits: 100" in ledger
    assert [step["what"] for step in steps(olga, request_id)] == ["Paid with 3 credits", "3 credits went back"]


@pytest.mark.parametrize("way", [paid, Customer.books])
def test_a_repeat_gives_nothing_more_and_says_so(way: Any, ana: Customer, olga: Owner) -> None:
    request_id = way(ana)
    assert refund(olga, request_id).status_code == 303
    again = refund(olga, request_id)
    assert (again.status_code, "was given back before" in again.text) == (409, True)
    told = olga.client.post(f"/admin/requests/{request_id}/refund", data={"reason": "other"}, headers=JSON)
    assert (told.status_code, told.get_json()["code"]) == (409, "GIVEN_BACK")
    assert "There is nothing to give back" in page(olga, f"/admin/requests/{request_id}/refund")
    assert one("SELECT count(*) FROM owner_events") == 1


@pytest.mark.parametrize("way", [paid, Customer.books])
def test_many_at_once_and_a_cancellation_give_it_back_once(app: Flask, way: Any, ana: Customer) -> None:
    request_id = way(ana)

    def give() -> bool:
        with Session(engine(app)) as session:
            try:
                refunding.refund(session, request_id, SYSTEM, WHY)
            except Refusal:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        given = [pool.submit(give) for _ in range(8)]
        assert ana.does(request_id, "cancel").status_code == 200
        times = sum(done.result() for done in given)
    assert one("SELECT count(*) FROM owner_events") == times <= 1
    assert one("SELECT coalesce(sum(credits), 0) FROM credit_entries WHERE session_id IS NOT NULL") == 0
    assert one("SELECT count(*) FROM payments WHERE status = 'paid'") == 0


@pytest.mark.parametrize("way", [paid, Customer.books])
def test_what_is_cancelled_or_expires_after_that_is_not_given_back_twice(
    way: Any, ana: Customer, olga: Owner, sweep: Any
) -> None:
    request_id = way(ana)
    assert refund(olga, request_id).status_code == 303
    fast_forward(minutes=20)
    sweep()
    assert one("SELECT status FROM session_requests") == "expired"
    assert one("SELECT coalesce(sum(credits), 0) FROM credit_entries WHERE session_id IS NOT NULL") == 0
    assert one("SELECT coalesce(max(refund_reason), 'owner') FROM payments") == "owner"


@pytest.mark.planted
def test_what_a_bank_has_taken_back_is_not_given_back_here(session: Session, ana: Customer, olga: Owner) -> None:
    request_id = paid(ana)
    sql("UPDATE payments SET disputed_at = clock_timestamp()")
    with pytest.raises(Disputed):
        refunding.refund(session, request_id, SYSTEM, WHY)
    assert "There is nothing to give back" in page(olga, f"/admin/requests/{request_id}/refund")
    assert "bank has taken this payment back" in refund(olga, request_id).text
    assert one("SELECT status FROM payments") == "paid"
    assert [step["what"] for step in steps(olga, request_id)][-1] == "The customer’s bank took the payment back"


def test_a_free_session_has_nothing_to_give_back(session: Session, ana: Customer) -> None:
    request_id = UUID(ana.signs(ana.starts_intake("free")).rsplit("/", 1)[-1])
    with pytest.raises(NothingPaid):
        refunding.refund(session, request_id, SYSTEM, WHY)
    with pytest.raises(NotFound):
        refunding.refund(session, uuid4(), SYSTEM, WHY)


def test_a_session_request_that_was_cancelled_before_was_given_back(session: Session, ana: Customer) -> None:
    for way in (paid, Customer.books):
        request_id = way(ana)
        assert ana.does(request_id, "cancel").status_code == 200
        with pytest.raises(GivenBack):
            refunding.refund(session, request_id, SYSTEM, WHY)
    assert one("SELECT count(*) FROM owner_events") == 0


@pytest.mark.planted
def test_what_the_provider_does_not_confirm_is_asked_for_again_when_the_owner_says_so(
    ana: Customer, ben: Customer, olga: Owner
) -> None:
    failing, waiting = paid(ana), paid(ben)
    for request_id, problem in ((failing, "insufficient_funds"), (waiting, None)):
        refund(olga, request_id)
        sql(
            "UPDATE payments SET refund_due_at = clock_timestamp() + interval '6 hours', refund_tries = 9,"
            " refund_problem = %s FROM session_requests r WHERE r.session_id = payments.session_id AND r.id = %s",
            problem,
            request_id,
        )
    answer = olga.client.post("/admin/money/refunds/retry")
    assert (answer.status_code, answer.location) == (303, "/admin/money")
    assert "The provider is asked again for 1 refund." in page(olga, "/admin/money")
    due = "SELECT session_id, refund_due_at <= clock_timestamp() AS is_due, refund_tries FROM payments"
    rows = {row.session_id: (row.is_due, row.refund_tries) for row in sql(due)}
    ids = {row.id: row.session_id for row in sql("SELECT id, session_id FROM session_requests")}
    assert (rows[ids[failing]], rows[ids[waiting]]) == ((True, 9), (False, 9))
    retried = "SELECT actor, subject_id, payload FROM owner_events WHERE kind = 'sending_retried'"
    assert tuple(one(retried)) == (f"admin:{olga.user_id}", failing, {"what": "refund"})


@pytest.mark.parametrize("form", [{"reason": ""}, {"reason": "whim"}, {"note": "x" * 201}])
def test_nothing_goes_back_without_a_reason(form: dict[str, str], ana: Customer, olga: Owner) -> None:
    request_id = paid(ana)
    answer = refund(olga, request_id, **form)
    assert (answer.status_code, "field__error" in answer.text) == (422, True)
    assert one("SELECT status FROM payments") == "paid"


def test_the_receipt_says_that_it_goes_back_and_when_it_did(ana: Customer, marco: Mechanic, olga: Owner) -> None:
    request_id = completed(marco, paid(ana))
    receipt = f"/consultations/{one('SELECT session_id FROM session_requests')}/receipt"
    assert "back" not in page(ana, receipt).partition("<article")[2].partition("</article>")[0]
    refund(olga, request_id)
    assert "What was paid is on its way back." in page(ana, receipt)
    assert "<dt>Paid</dt>" in page(ana, receipt)
    sql("UPDATE payments SET status = 'refunded', refunded_at = clock_timestamp(), refund_due_at = NULL")
    said = page(ana, receipt)
    assert ("on its way back" in said, "<dt>Given back</dt>" in said) == (False, True)


@pytest.mark.usefixtures("flag_on")
@pytest.mark.parametrize(("pay", "figure", "counted"), [(pays, "money", "paid"), (None, "credits", "by_credits")])
def test_the_value_of_a_pair_is_what_was_kept(
    ana: Customer, marco: Mechanic, olga: Owner, pay: Any, figure: str, counted: str
) -> None:
    ana.favors(marco)
    request_id = completed(marco, booked_again(ana, marco, pay))
    before = value_of_pairs(olga)
    assert (before["held"], before[figure] > 0, len(behind(olga, counted))) == (1, True, 1)
    assert refund(olga, request_id).status_code == 303
    after = value_of_pairs(olga)
    assert (after["held"], after[figure], behind(olga, counted)) == (1, 0, [])


def booked_again(customer: Customer, mechanic: Mechanic, pay: Any) -> UUID:
    """By credits, or as `pay` does."""
    if pay is None:
        return customer.books_again(mechanic)
    consultation_id = customer.starts_intake(preferred_mechanic_id=mechanic.id, routing_type="priority_broadcast")
    customer.signs(consultation_id)
    return UUID(pay(customer, consultation_id).rsplit("/", 1)[-1])


def value_of_pairs(olga: Owner) -> dict[str, Any]:
    figures = olga.client.get("/admin/analytics.json?days=7").get_json()["figures"]
    return {line["figure"]: line["value"] for line in figures if line["by"] == "all"}


def behind(olga: Owner, counted: str) -> list[str]:
    listed = olga.client.get(f"/admin/analytics/requests?days=7&count={counted}").text
    return re.findall(r'href="/admin/requests/[0-9a-f-]{36}"', listed)


def test_the_receipt_of_credits_says_when_they_went_back(ana: Customer, marco: Mechanic, olga: Owner) -> None:
    request_id = completed(marco, ana.books())
    refund(olga, request_id)
    said = page(ana, f"/consultations/{one('SELECT session_id FROM session_requests')}/receipt")
    assert "<dt>Given back</dt>" in said
    assert "3 credits" in said


@pytest.mark.planted
def test_the_story_tells_what_became_of_the_money_by_the_clock(ana: Customer, marco: Mechanic, olga: Owner) -> None:
    request_id = completed(marco, paid(ana))
    refund(olga, request_id)
    sql("UPDATE payments SET status = 'refunded', refunded_at = clock_timestamp(), refund_due_at = NULL")
    sql(
        "INSERT INTO payments (session_id, provider, reference, amount_cents, currency, status, created_at)"
        " SELECT session_id, 'demo', 'first try', 999, 'USD', 'failed', paid_at - interval '5 minutes' FROM payments"
    )
    told = steps(olga, request_id)
    assert [(step["what"], step.get("who")) for step in told] == [
        ("Went to pay, and it was not paid", "Ana Castillo, customer"),
        ("Paid online", "Ana Castillo, customer"),
        ("The payment goes back", f"{olga.email}, owner"),
        ("The provider gave the payment back", None),
    ]
    assert {(step["cents"], step["currency"]) for step in told} == {(999, "USD")}
    every = olga.client.get(f"/admin/requests/{request_id}", headers=JSON).get_json()["steps"]
    assert [step["what"] for step in every[:2]] == [told[0]["what"], told[1]["what"]]
    assert [step["what"] for step in every[-2:]] == [told[2]["what"], told[3]["what"]]


@pytest.mark.planted
@pytest.mark.parametrize(
    ("reason", "why"),
    [("cancelled", "It was cancelled"), ("already_paid", "It was paid already"), ("by_provider", None)],
)
def test_the_story_says_why_it_went_back_by_itself(reason: str, why: str | None, ana: Customer, olga: Owner) -> None:
    request_id = paid(ana)
    assert ana.does(request_id, "cancel").status_code == 200
    sql(
        "UPDATE payments SET status = 'refunded', refunded_at = clock_timestamp(), refund_due_at = NULL,"
        " refund_reason = %s",
        reason,
    )
    owed = [step for step in steps(olga, request_id) if step["what"] == "The payment goes back"]
    assert [step["why"] for step in owed] == ([why] if why else [])
    last = steps(olga, request_id)[-1]
    assert last["what"] == "The provider gave the payment back"
    assert last.get("why") == (None if why else "It was given back at the provider")


@pytest.mark.planted
def test_the_story_keeps_it_where_the_events_are_gone(ana: Customer, marco: Mechanic, olga: Owner) -> None:
    request_id = completed(marco, ana.books())
    refund(olga, request_id)
    sql("ALTER TABLE request_events DISABLE TRIGGER USER; DELETE FROM request_events")
    sql("ALTER TABLE request_events ENABLE TRIGGER USER")
    assert [step["what"] for step in steps(olga, request_id)] == ["Paid with 3 credits", "3 credits went back"]


def test_only_an_owner_gives_it_back(ana: Customer, marco: Mechanic) -> None:
    request_id = paid(ana)
    for who in (ana, marco):
        assert who.client.post(f"/admin/requests/{request_id}/refund", data={"reason": "other"}).status_code == 403
