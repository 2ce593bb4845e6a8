"""From the agreement to the waiting page: signing and the three ways of paying."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from tests.cast import Customer, Mechanic
from tests.database import one, sql
from tests.pages import chosen, kept


def pays(who: Customer, consultation_id: UUID, answer: str = "pay") -> str:
    """At the demo's payment page; where it leads."""
    payment = who.client.post(f"/checkout/{consultation_id}/pay").location
    assert "Demo payment" in who.client.get(payment).text
    back = who.client.post(payment, data={"answer": answer}).location
    place: str = who.client.get(back).location
    assert who.client.get(back).location == place  # a reload of the way back changes nothing
    return place


@pytest.mark.usefixtures("flag_on")
@pytest.mark.parametrize("way", ["credits", "free", "pay"])
def test_i3_i4_i6_i7_i9_every_way_of_paying_keeps_the_choice_and_asks_the_favorite_first(
    ana: Customer, marco: Mechanic, way: str
) -> None:
    ana.favors(marco)
    consultation_id = ana.starts_intake("free" if way == "free" else "chat10", **chosen(marco))
    place = ana.signs(consultation_id)
    if way == "credits":
        place = ana.client.post(f"/checkout/{consultation_id}/credits").location
    if way == "pay":
        place = pays(ana, consultation_id)
    assert place == f"/customer/requests/{one('SELECT id FROM session_requests')}"  # I8: free goes straight there
    assert kept() == chosen(marco)
    assert one("SELECT preferred_mechanic_id FROM session_requests WHERE priority_notified_at IS NOT NULL") == marco.id


def test_i8_the_agreement_leads_to_the_checkout_where_there_is_something_to_choose_and_else_straight_on(
    ana: Customer, ben: Customer
) -> None:
    to_pay = ana.starts_intake("chat10")
    assert ana.client.get("/intake?plan=chat10").status_code == 200
    assert ana.signs(to_pay).endswith(f"/checkout/{to_pay}")
    waiting = ben.signs(ben.starts_intake("free"))
    assert waiting.endswith(f"/customer/requests/{one('SELECT id FROM session_requests')}")
    assert ben.client.get(waiting).status_code == 200


def test_a_declined_payment_books_nothing_and_can_be_tried_again(ana: Customer) -> None:
    consultation_id = ana.starts_intake()
    ana.signs(consultation_id)
    assert pays(ana, consultation_id, "decline") == f"/checkout/{consultation_id}"
    assert ana.client.get(f"/checkout/{consultation_id}/paid?paid=made-up").location == f"/checkout/{consultation_id}"
    assert one("SELECT count(*) FROM session_requests") == 0
    assert "/customer/requests/" in pays(ana, consultation_id)


def test_what_was_paid_beside_an_open_request_is_given_back(ana: Customer, settle: Callable[[], None]) -> None:
    first, second = ana.starts_intake(), ana.starts_intake()
    for consultation_id in (first, second):
        ana.signs(consultation_id)
    payment = ana.client.post(f"/checkout/{second}/pay").location
    back = ana.client.post(payment, data={"answer": "pay"}).location
    ana.pays_by_credits(first)
    assert "Your money is on its way back" in ana.client.get(back).text
    settle()
    assert "Your money was given back" in ana.client.get(back).text
    assert one("SELECT status FROM payments") == "refunded"


def test_without_a_provider_paid_plans_are_not_available(ana: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    consultation_id = ana.starts_intake()
    ana.signs(consultation_id)
    monkeypatch.setattr("favorites.web.demo_payment.is_offered", lambda: False)
    assert "Not available" in ana.client.get(f"/checkout/{consultation_id}").text
    assert ana.client.post(f"/checkout/{consultation_id}/pay").status_code == 409
    assert one("SELECT count(*) FROM session_requests") == 0


def test_the_free_plan_is_once_and_asks_for_a_confirmed_address(ana: Customer, ben: Customer, nadia: Mechanic) -> None:
    sql("UPDATE users SET confirmed_at = NULL WHERE id = %s", ana.user_id)
    consultation_id = ana.starts_intake("free")
    assert ana.signs(consultation_id) == f"/checkout/{consultation_id}"
    assert "confirm your e-mail address" in ana.client.get(f"/checkout/{consultation_id}").text
    answer = ana.client.post(f"/checkout/{consultation_id}/free")
    assert (answer.status_code, "Please confirm" in answer.text) == (409, True)
    request_id = UUID(ben.signs(ben.starts_intake("free")).rsplit("/", 1)[-1])
    for verb in ("accept", "start", "complete"):
        nadia.does(request_id, verb)
    second = ben.starts_intake("free")
    assert ben.signs(second) == f"/checkout/{second}"
    assert "You have used your free session." in ben.client.get(f"/checkout/{second}").text
    assert "Used, once for each customer" in ben.client.get("/customer/dashboard").text


def test_too_few_credits_are_told_with_the_way_out(ana: Customer) -> None:
    sql("DELETE FROM credit_entries")
    consultation_id = ana.starts_intake()
    ana.signs(consultation_id)
    seen = ana.client.get(f"/checkout/{consultation_id}").text
    assert "It costs 3 credits. You have 0." in seen
    answer = ana.client.post(f"/checkout/{consultation_id}/credits", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "NOT_ENOUGH_CREDITS")


def test_two_drafts_become_one_request(ana: Customer) -> None:
    first, second = ana.starts_intake(), ana.starts_intake()
    ana.signs(first)
    ana.signs(second)
    request_id = ana.pays_by_credits(first)
    assert ana.pays_by_credits(first) == request_id
    answer = ana.client.post(f"/checkout/{second}/credits")
    assert (answer.status_code, f"/customer/requests/{request_id}" in answer.text) == (409, True)
    assert one("SELECT sum(credits) FROM credit_entries") == 97


def test_the_agreement_is_signed_once_with_name_time_address_and_browser(ana: Customer) -> None:
    consultation_id = ana.starts_intake()
    address = f"/waiver/{consultation_id}"
    assert "Version 2026-11" in ana.client.get(address).text
    answer = ana.client.post(address, data={"full_name": "Ana C.", "consent": ""})
    assert (answer.status_code, 'value="Ana C."' in answer.text) == (422, True)
    assert ana.client.get(f"/checkout/{consultation_id}").location == address
    for name in ("Ana Castillo", "Somebody Else"):
        answer = ana.client.post(
            address,
            data={"full_name": name, "consent": "1"},
            headers={"User-Agent": "Browser/1", "X-Forwarded-For": "9.9.9.9"},
        )
        assert answer.location == f"/checkout/{consultation_id}"
    signed = one("SELECT full_name, version, host(ip), user_agent, signed_at IS NOT NULL FROM waivers")
    assert tuple(signed) == ("Ana Castillo", "2026-11", "127.0.0.1", "Browser/1", True)
    assert ana.client.get(address).location == f"/checkout/{consultation_id}"


def test_who_does_not_own_the_consultation_can_neither_sign_nor_pay(ana: Customer, ben: Customer) -> None:
    consultation_id = ana.starts_intake()
    for path in (
        f"/waiver/{consultation_id}",
        *(f"/checkout/{consultation_id}/{way}" for way in ("free", "credits", "pay")),
    ):
        assert ben.client.post(path, data={"full_name": "Ben", "consent": "1"}).status_code == 404
    assert ben.client.post(f"/checkout/{uuid4()}/credits").status_code == 404
