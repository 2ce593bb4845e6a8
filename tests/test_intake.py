"""The intake: what is asked, what is kept, what is refused and where; the workshop's link."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from favorites.settings import current
from tests.cast import INTAKE, Customer, Mechanic, Owner
from tests.database import one, sql
from tests.pages import chosen, kept

FORM = {**INTAKE, "plan": "chat10", "form_key": "one-form"}
START = "/api/intake/start"


def mistakes(who: Customer, **fields: Any) -> dict[str, str]:
    """What is refused of an intake, by field; a field of `...` is left out."""
    told = {key: value for key, value in {**INTAKE, "plan": "chat10", **fields}.items() if value is not ...}
    answer = who.client.post(START, json=told)
    assert answer.status_code in (201, 422), answer.text
    fields_of: dict[str, str] = answer.get_json().get("fields", {})
    return fields_of


def test_i1_u10_the_intake_carries_the_choice_and_prefills_the_person(ana: Customer, marco: Mechanic) -> None:
    ana.favors(marco)
    seen = ana.client.get("/intake", query_string={"plan": "video15", "urgent": "1", **chosen(marco)}).text
    for name, value in {**chosen(marco), "plan": "video15"}.items():
        assert f'name="{name}" value="{value}"' in seen
    assert 'name="form_key" value="' in seen
    for known in ("Ana Castillo", ana.email, "+1 555 0100", "Harbor City"):
        assert f'value="{known}"' in seen
    assert "checked" in seen


def test_i2_i5_without_a_choice_there_are_no_keys(ana: Customer) -> None:
    seen = ana.client.get("/intake?plan=chat10").text
    assert "preferred_mechanic_id" not in seen
    assert "routing_type" not in seen
    ana.starts_intake()
    assert kept() == {}


def test_without_a_plan_the_launcher_comes_first_and_the_choice_stays(ana: Customer, marco: Mechanic) -> None:
    for plan in ("", "gold"):
        answer = ana.client.get("/intake", query_string={"plan": plan, **chosen(marco)})
        assert answer.status_code == 303
        assert str(marco.id) in answer.location


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "123456"),
        ("phone", "call me maybe"),
        ("vin", "WVWZZZ1KZAW00000"),
        ("concern", "too short"),
        ("year", 1899),
        ("year", 99999999999999999999),
        ("odometer", -1),
        ("odometer", 10_000_000),
        ("name", ""),
        ("name", "x" * 101),
        ("name", "a\x07b"),
        ("name", {"nested": ["garbage"]}),
        ("email", "nobody"),
        ("plan", "gold"),
        ("plan", ...),
        ("concern", ...),
        ("color", "red"),
        ("preferred_mechanic_id", {"a": 1}),
    ],
)
def test_a_mistake_is_told_at_its_field(ana: Customer, field: str, value: Any) -> None:
    assert list(mistakes(ana, **{field: value})) == [field]
    assert one("SELECT count(*) FROM sessions") == 0


def test_a_car_is_known_by_vin_or_by_year_make_and_model_unless_it_is_urgent(ana: Customer) -> None:
    assert list(mistakes(ana, model="")) == ["vin"]
    assert mistakes(ana, model="", urgent=True, concern="Smoke") == {}
    assert mistakes(ana, year=..., make=..., model=..., vin="wvwzzz1kzaw000001") == {}
    assert one("SELECT count(*) FROM intakes WHERE vin = 'WVWZZZ1KZAW000001'") == 1


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "{", '"text"', "[" * 100_000, '{"name": "\\ud800"}', '{"name": "\\u0000"}']
)
def test_what_is_no_json_object_is_400(ana: Customer, body: str) -> None:
    assert ana.client.post(START, data=body, content_type="application/json").status_code == 400


def test_another_content_type_is_415(ana: Customer) -> None:
    for content_type in ("text/plain", "application/xml", ""):
        assert ana.client.post(START, data=b"hello", content_type=content_type).status_code == 415


def test_nothing_typed_is_lost_by_a_mistake(ana: Customer, marco: Mechanic) -> None:
    answer = ana.client.post(START, data={**FORM, **chosen(marco), "phone": "12", "plate": "HRB 4711", "urgent": "1"})
    assert answer.status_code == 422
    for typed in ('value="12"', 'value="HRB 4711"', "one-form", INTAKE["concern"], str(marco.id), "checked"):
        assert typed in answer.text
    assert 'id="phone-error"' in answer.text


def test_a_form_sent_twice_is_one_consultation(ana: Customer) -> None:
    first, second = (ana.client.post(START, data=FORM) for _ in range(2))
    assert first.status_code == 303
    assert first.location == second.location
    assert one("SELECT count(*) FROM sessions") == 1


@pytest.mark.parametrize(
    "preferred", ["nonsense", "x" * 500, "00000000-0000-0000-0000-000000000000", 7, "\u202e\u2028abc"]
)
@pytest.mark.usefixtures("flag_on")
def test_an_unknown_favorite_never_fails_a_booking(ana: Customer, preferred: Any) -> None:
    ana.books(preferred_mechanic_id=preferred, routing_type="priority_broadcast")
    assert kept()["preferred_mechanic_id"] == "".join(x for x in str(preferred) if x.isprintable())[:64]
    assert one("SELECT priority_notified_at FROM session_requests") is None


def test_any_other_routing_type_is_broadcast(ana: Customer) -> None:
    ana.starts_intake(routing_type="workshop_only")
    assert kept() == {"routing_type": "broadcast"}


def test_booking_beside_an_open_request_answers_with_its_link_and_takes_nothing(ana: Customer) -> None:
    request_id = ana.books()
    place = f"/customer/requests/{request_id}"
    answer = ana.client.post(START, json={**INTAKE, "plan": "chat10"})
    assert answer.status_code == 409
    assert (answer.get_json()["code"], answer.get_json()["next"]) == ("CUSTOMER_HAS_OPEN_REQUEST", place)
    answer = ana.client.post(START, data={**FORM, "form_key": "another"})
    assert (answer.status_code, place in answer.text) == (409, True)
    assert place in ana.client.get("/intake?plan=chat10").text
    assert one("SELECT count(*) FROM sessions") == 1


def test_a_workshops_link_is_kept_until_the_intake_is_sent(ana: Customer, rita: Mechanic) -> None:
    assert "Book with Harbor Garage" in ana.client.get("/w/harbor-garage").text
    assert ana.client.post("/w/harbor-garage").status_code == 303
    for path in ("/customer/dashboard", "/intake?plan=chat10"):
        assert "Booking with Harbor Garage" in ana.client.get(path).text
    ana.books()
    assert UUID(kept()["workshop_id"]) == one("SELECT id FROM workshops")
    assert one("SELECT routing_type FROM session_requests") == "workshop_only"
    assert rita.hears("new_request")
    assert "Booking with Harbor Garage" not in ana.client.get("/customer/dashboard").text


def test_a_workshops_link_can_be_left_and_ends_with_the_workshop(app: Flask, ana: Customer, rita: Mechanic) -> None:
    ana.client.post("/w/harbor-garage")
    assert ana.client.post("/leave-workshop").status_code == 303
    assert "Harbor Garage" not in ana.client.get("/customer/dashboard").text
    ana.client.post("/w/harbor-garage")
    sql("UPDATE workshops SET is_active = false")
    assert "Harbor Garage" not in ana.client.get("/customer/dashboard").text
    for slug in ("harbor-garage", "nowhere"):
        assert app.test_client().get(f"/w/{slug}").status_code == 404
        assert ana.client.post(f"/w/{slug}").status_code == 404


def test_an_hour_has_so_many_bookings_and_mistakes_do_not_count(
    app: Flask, ana: Customer, ben: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from favorites.web.limits import limiter

    monkeypatch.setattr(limiter, "enabled", True)
    monkeypatch.setattr(current(), "bookings_per_hour", 2)
    with app.app_context():
        limiter.reset()
    statuses = [
        ana.client.post(START, json={**INTAKE, "plan": plan}).status_code
        for plan in ("x", "chat10", "chat10", "chat10")
    ]
    assert statuses == [422, 201, 201, 429]
    ben.starts_intake()
    with app.app_context():
        limiter.reset()


def test_the_intake_is_described_for_owners(ana: Customer, olga: Owner) -> None:
    described = olga.client.get("/api/openapi.json").get_json()["paths"][START]["post"]
    assert {"201", "409", "422"} <= set(described["responses"])
    assert ana.client.get("/api/openapi.json").status_code == 403
