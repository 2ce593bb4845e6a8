"""V25: signing out, a changed password and a suspension end a person's open streams within five seconds."""

import time
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.cast import PASSWORD, Customer, Mechanic, Owner, Person
from tests.database import one, sql
from tests.ears import Ear
from tests.hashes import cheap_hashes

TIMES = 10  # of each; `make faults` plays all of it again and again
MOST = 5.0  # seconds
BOARD = "/mechanic/events"
HINTS = (("sign_ins", "sign_ins_control_hint"), ("mechanics", "mechanics_control_hint"))

Opens = Callable[[Person, str], tuple[FlaskClient, Ear]]


@pytest.fixture(autouse=True)
def cheap(app: Flask) -> Iterator[None]:
    """Passwords are changed in no time."""
    with cheap_hashes(app):
        yield


@pytest.fixture
def opens() -> Iterator[Opens]:
    """Another browser of this person, with that stream open in it."""
    ears: list[Ear] = []

    def open_one(person: Person, path: str) -> tuple[FlaskClient, Ear]:
        browser = person.new_client()
        cookie = browser.get_cookie("session")
        assert cookie
        ears.append(Ear(person.port, path, f"session={cookie.value}"))
        assert ears[-1].status == 200
        return browser, ears[-1]

    yield open_one
    for ear in ears:
        ear.close()


@pytest.fixture
def silent() -> Iterator[None]:
    """No NOTIFY says that somebody may hear less: the hub must find out by looking."""
    for table, trigger in HINTS:
        sql(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    yield
    for table, trigger in HINTS:
        sql(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")


def ends(act: Callable[[], object], *ears: Ear) -> float:
    """Does it; the seconds from its beginning until the last of these streams was closed."""
    began = time.monotonic()
    act()
    for ear in ears:
        ear.until_closed()
    return time.monotonic() - began


def is_open(ear: Ear) -> bool:
    ear.drain()
    return ear.is_open


def signs_out(opens: Opens, person: Person, path: str) -> float:
    """In one of two browsers; the other hears on."""
    (here, ends_here), (_, stays) = opens(person, path), opens(person, path)
    seconds = ends(lambda: here.post("/logout"), ends_here)
    assert is_open(stays)
    assert here.get(path).status_code == 401
    stays.close()
    return seconds


def changes_password(opens: Opens, person: Person, path: str, times: int) -> float:
    """In one of two browsers; both streams end, and that browser alone may come back."""
    (here, first), (there, second) = opens(person, path), opens(person, path)
    old, new = (PASSWORD, "purple monkey lamp") if times % 2 == 0 else ("purple monkey lamp", PASSWORD)
    seconds = ends(lambda: here.post("/change", data={"password": old, "new_password": new}), first, second)
    person.uniquifier = one("SELECT fs_uniquifier FROM users WHERE id = %s", person.user_id)  # it is another one now
    assert (here.head(path).status_code, there.head(path).status_code) == (200, 401)
    return seconds


def is_suspended(opens: Opens, olga: Owner, marco: Mechanic) -> float:
    """By the owner; both streams end, and nobody of theirs comes back. Approved again afterwards."""
    (here, first), (_, second) = opens(marco, BOARD), opens(marco, BOARD)
    seconds = ends(
        lambda: olga.client.post(f"/admin/mechanics/{marco.id}/suspend", data={"reason": "pause"}), first, second
    )
    assert here.get(BOARD).status_code == 401
    assert olga.client.post(f"/admin/mechanics/{marco.id}/approve").status_code == 303
    return seconds


@pytest.fixture
def waiting_page(ana: Customer) -> str:
    request_id: UUID = ana.books()
    return f"/customer/requests/{request_id}/events"


@pytest.mark.parametrize("of", ["mechanic", "customer"])
def test_v25_signing_out(opens: Opens, ana: Customer, marco: Mechanic, waiting_page: str, of: str) -> None:
    person, path = (marco, BOARD) if of == "mechanic" else (ana, waiting_page)
    assert max(signs_out(opens, person, path) for _ in range(TIMES)) <= MOST


@pytest.mark.parametrize("of", ["mechanic", "customer"])
def test_v25_a_changed_password(opens: Opens, ana: Customer, marco: Mechanic, waiting_page: str, of: str) -> None:
    person, path = (marco, BOARD) if of == "mechanic" else (ana, waiting_page)
    assert max(changes_password(opens, person, path, times) for times in range(TIMES)) <= MOST


def test_v25_a_suspension(opens: Opens, olga: Owner, marco: Mechanic) -> None:
    assert max(is_suspended(opens, olga, marco) for _ in range(TIMES)) <= MOST


@pytest.mark.usefixtures("silent")
def test_v25_with_every_hint_lost(opens: Opens, ana: Customer, olga: Owner, marco: Mechanic, waiting_page: str) -> None:
    assert signs_out(opens, marco, BOARD) <= MOST
    assert changes_password(opens, ana, waiting_page, 0) <= MOST
    assert is_suspended(opens, olga, marco) <= MOST


def test_k34_suspended_in_the_window_the_offer_goes_to_everyone_and_the_mechanic_is_out(
    opens: Opens, ana: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner, flag_on: None
) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    (browser, board) = opens(marco, BOARD)
    assert (
        ends(lambda: olga.client.post(f"/admin/mechanics/{marco.id}/suspend", data={"reason": "pause"}), board) <= MOST
    )
    assert nadia.hears("new_request", fallback_reason="preferred_mechanic_unavailable")
    again, accept = marco.new_client(), f"/mechanic/requests/{request_id}/accept"
    assert (browser.post(accept).status_code, browser.post(accept).location[:6]) == (303, "/login")
    assert again.post(accept, headers={"Accept": "application/json"}).status_code == 403
    assert nadia.accepts(request_id).status_code == 200
