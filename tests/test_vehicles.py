"""Saved cars: chosen at the intake or saved by it, kept once, never changing what was booked; and nobody else's."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from favorites.models.vehicle import SAVED_AT_MOST
from tests.cast import INTAKE, NOBODY, Customer
from tests.database import one, sql, until_waiting
from tests.pages import counted, page

START = "/api/intake/start"
FORM = {**INTAKE, "plan": "chat10", "form_key": "one-form"}
PERSON = {key: value for key, value in FORM.items() if key not in {"year", "make", "model"}}
VIN = "WVWZZZ1KZAW000001"
CAR = "SELECT vin, year, make, model, plate FROM intakes"


def cars(who: Customer) -> list[Any]:
    return sql("SELECT * FROM vehicles WHERE customer_id = %s ORDER BY used_at DESC", who.id)


def test_a_saved_car_is_all_that_needs_to_be_told_of_it(ana: Customer) -> None:
    car = ana.saves_a_car(plate="HRB 4711")
    wrong = {"vin": "too short", "year": "1066", "make": "Opel", "plate": "X"}  # typed before the car was chosen
    answer = ana.client.post(START, data={**PERSON, **wrong, "vehicle_id": str(car), "odometer": "98,000"})
    assert answer.status_code == 303
    assert tuple(one(CAR)) == ("", 2014, "Volkswagen", "Golf", "HRB 4711")
    assert one("SELECT odometer FROM intakes") == 98_000
    assert len(cars(ana)) == 1


def test_a_program_names_the_car_too(ana: Customer) -> None:
    car = ana.saves_a_car()
    assert ana.client.post(START, json={**PERSON, "vehicle_id": str(car)}).status_code == 201
    assert tuple(one(CAR)) == ("", 2014, "Volkswagen", "Golf", "")


@pytest.mark.parametrize("name", ["gone", "foreign", "malformed"])
def test_a_car_that_is_not_theirs_is_one_that_is_not_there(ana: Customer, ben: Customer, name: str) -> None:
    car = {"gone": NOBODY, "foreign": str(ben.saves_a_car()), "malformed": "my car"}[name]
    answer = ana.client.post(START, json={**PERSON, "vehicle_id": car})
    assert answer.status_code == 422
    assert list(answer.get_json()["fields"]) == ["vehicle_id"]
    seen = ana.client.post(START, data={**PERSON, "vehicle_id": car})
    assert seen.status_code == 422
    assert "cold start" in seen.text
    assert one("SELECT count(*) FROM sessions") == 0


def test_the_car_that_was_typed_is_saved_with_the_intake_once(ana: Customer) -> None:
    for _ in range(2):  # the same form, sent twice
        assert ana.client.post(START, data={**FORM, "save_vehicle": "1", "plate": "HRB 1"}).status_code == 303
    (car,) = cars(ana)
    assert (car.year, car.make, car.model, car.plate) == (2014, "Volkswagen", "Golf", "HRB 1")
    again = {**FORM, "form_key": "another", "save_vehicle": "1", "make": "VOLKSWAGEN", "plate": "hrb 1"}
    assert ana.client.post(START, data=again).status_code == 303
    (later,) = cars(ana)
    assert later.id == car.id
    assert later.used_at > car.used_at


def test_what_was_not_known_of_a_saved_car_is_added(ana: Customer) -> None:
    for told in ({"vin": VIN}, {"vin": VIN, "year": 2014, "make": "Volkswagen", "model": "Golf"}, {"vin": VIN}):
        ana.client.post("/customer/vehicles/add", data=told)
    (car,) = cars(ana)
    assert (car.vin, car.year, car.model) == (VIN, 2014, "Golf")


def test_nothing_is_saved_unasked_or_of_a_car_that_is_not_known_or_of_an_intake_that_is_refused(ana: Customer) -> None:
    assert ana.client.post(START, data=FORM).status_code == 303
    unknown = {**PERSON, "form_key": "urgent", "urgent": "1", "make": "Opel", "save_vehicle": "1"}
    assert ana.client.post(START, data=unknown).status_code == 303
    assert ana.client.post(START, json={**INTAKE, "plan": "gold", "save_vehicle": True}).status_code == 422
    ana.books()
    assert ana.client.post(START, json={**INTAKE, "plan": "chat10", "save_vehicle": True}).status_code == 409
    assert cars(ana) == []


def test_a_repeat_gets_the_first_answer_though_the_car_is_gone(ana: Customer) -> None:
    told = {**PERSON, "vehicle_id": str(ana.saves_a_car())}
    first = ana.client.post(START, data=told)
    sql("DELETE FROM vehicles")
    assert ana.client.post(START, data=told).location == first.location


def test_the_car_that_was_used_last_is_chosen_at_the_next_intake(ana: Customer) -> None:
    golf, transit = ana.saves_a_car(), ana.saves_a_car(2011, "Ford", "Transit", "HRB 7")
    assert f'value="{transit}" checked' in page(ana, "/intake?plan=chat10")
    ana.client.post(START, data={**PERSON, "vehicle_id": str(golf)})
    seen = page(ana, "/intake?plan=chat10")
    assert f'value="{golf}" checked' in seen
    assert 'value="" id="make"' in seen  # of another car nothing is known


def test_without_a_saved_car_the_last_one_is_filled_in(ana: Customer) -> None:
    ana.client.post(START, data=FORM)
    seen = page(ana, "/intake?plan=chat10")
    assert 'value="Volkswagen" id="make"' in seen
    assert "vehicle_id" not in seen


def test_neither_a_change_nor_a_removal_touches_what_was_booked(ana: Customer) -> None:
    car = ana.saves_a_car()
    ana.client.post(START, data={**PERSON, "vehicle_id": str(car)})
    changed = {"year": "2015", "make": "Volkswagen", "model": "Golf", "plate": "HRB 2"}
    assert ana.client.post(f"/customer/vehicles/{car}", data=changed).status_code == 303
    assert cars(ana)[0].plate == "HRB 2"
    assert ana.client.post(f"/customer/vehicles/{car}/remove").status_code == 303
    assert cars(ana) == []
    assert tuple(one(CAR)) == ("", 2014, "Volkswagen", "Golf", "")


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"vin": "WVWZZZ1KZAW00000"}, "vin"),
        ({"year": "2014", "make": "Volkswagen"}, "vin"),
        ({}, "vin"),
        ({"vin": VIN, "year": "1899"}, "year"),
        ({"vin": VIN, "make": "a\x07b"}, "make"),
        ({"vin": VIN, "plate": "x" * 21}, "plate"),
        ({"vin": VIN, "customer_id": NOBODY}, "customer_id"),
    ],
)
def test_a_mistake_stands_at_its_field_and_nothing_typed_is_lost(
    ana: Customer, told: dict[str, str], field: str
) -> None:
    car = ana.saves_a_car(plate="HRB 4711")
    for path in ("/customer/vehicles/add", f"/customer/vehicles/{car}"):
        answer = ana.client.post(path, data=told)
        assert answer.status_code == 422
        typed = {value for name, value in told.items() if name in {"vin", "year", "plate"}}
        assert all(f'value="{value}"' in answer.text for value in typed)
        refused = ana.client.post(path, data=told, headers={"Accept": "application/json"})
        assert list(refused.get_json()["fields"]) == [field]
    assert cars(ana)[0].plate == "HRB 4711"


def test_one_car_cannot_become_another_one_that_is_saved(ana: Customer) -> None:
    ana.saves_a_car(plate="HRB 1")
    second = ana.saves_a_car(plate="HRB 2")
    same = {"year": "2014", "make": "volkswagen", "model": "golf", "plate": "hrb 1"}
    answer = ana.client.post(f"/customer/vehicles/{second}", data=same)
    assert answer.status_code == 422
    assert "You have saved this car already." in answer.text
    assert {car.plate for car in cars(ana)} == {"HRB 1", "HRB 2"}


def test_someone_elses_car_answers_like_a_missing_one(ana: Customer, ben: Customer) -> None:
    his = ben.saves_a_car(plate="BEN 1")
    for path in (f"/customer/vehicles/{his}", f"/customer/vehicles/{NOBODY}"):
        assert ana.client.get(path).status_code == 404
        assert ana.client.post(path, data={"vin": VIN}).status_code == 404
        assert ana.client.post(path, data={}).status_code == 404
        assert ana.client.post(f"{path}/remove").status_code == 303
    assert "BEN 1" not in page(ana, "/customer/vehicles")
    assert [car.plate for car in cars(ben)] == ["BEN 1"]


def test_twenty_cars_are_enough_however_they_come(ana: Customer, pool: ThreadPoolExecutor) -> None:
    sql(
        "INSERT INTO vehicles (customer_id, year, make, model, plate)"
        " SELECT %s, 2014, 'Volkswagen', 'Golf', n::text FROM generate_series(1, %s) n",
        ana.id,
        SAVED_AT_MOST - 1,
    )
    told = [{"year": "2014", "make": "Ford", "model": "Transit", "plate": f"HRB {number}"} for number in range(4)]
    asked = [pool.submit(ana.new_client().post, "/customer/vehicles/add", data=car) for car in told]
    assert sorted(each.result().status_code for each in asked) == [303, 409, 409, 409]
    (last,) = {car.plate for car in cars(ana)} & {car["plate"] for car in told}
    same = {**told[0], "plate": last}
    assert ana.client.post("/customer/vehicles/add", data=same).status_code == 303  # sent twice is saved once
    assert ana.client.post(START, data={**FORM, "save_vehicle": "1"}).status_code == 303  # booked, but not saved
    assert len(cars(ana)) == SAVED_AT_MOST
    assert "as many as there can be" in page(ana, "/customer/vehicles")
    assert "save_vehicle" not in page(ana, "/intake?plan=chat10")


def test_who_saves_at_the_same_moment_waits_for_the_other(
    ana: Customer, connect: Any, pool: ThreadPoolExecutor
) -> None:
    another = connect()
    another.cursor().execute("SELECT FROM customers WHERE id = %s FOR NO KEY UPDATE", (ana.id,))
    adding = pool.submit(ana.client.post, "/customer/vehicles/add", data={"vin": VIN})
    until_waiting()
    another.cursor().execute(
        "INSERT INTO vehicles (customer_id, year, make, model, plate)"
        " SELECT %s, 2014, 'Volkswagen', 'Golf', n::text FROM generate_series(1, %s) n",
        (ana.id, SAVED_AT_MOST),
    )
    another.commit()
    assert adding.result(5).status_code == 409


def test_an_empty_garage_says_what_to_do(ana: Customer) -> None:
    seen = page(ana, "/customer/vehicles")
    assert "No car is saved yet." in seen
    assert 'href="/customer/vehicles/add"' in seen


def test_the_cars_go_with_their_customer(ana: Customer) -> None:
    ana.saves_a_car()
    sql("DELETE FROM users WHERE id = %s", ana.user_id)
    assert one("SELECT count(*) FROM vehicles") == 0


@pytest.mark.parametrize("more", [{"save_vehicle": "1"}, {"vehicle_id": ""}])
def test_a_booking_that_saves_or_uses_a_car_takes_no_statement_more(ana: Customer, more: dict[str, str]) -> None:
    car = ana.saves_a_car()
    with counted() as plain:
        ana.client.post(START, data=FORM)
    chosen = {"vehicle_id": str(car)} if "vehicle_id" in more else more
    with counted() as with_car:
        ana.client.post(START, data={**FORM, "form_key": "another", **chosen})
    assert len(with_car) == len(plain)
