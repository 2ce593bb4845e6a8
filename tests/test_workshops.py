"""Workshops as the owner runs them: link, routing, mechanics, closed and open again; each act told."""

from uuid import UUID

import pytest
from flask import Flask

from tests.cast import NOBODY, Customer, Mechanic, Owner
from tests.database import one, sql
from tests.requests_table import row
from tests.test_admin_pages import admin, posts

DONE = "SELECT kind, payload FROM owner_events WHERE subject_id = %s ORDER BY id"


@pytest.fixture
def harbor(rita: Mechanic) -> UUID:
    workshop_id: UUID = one("SELECT workshop_id FROM mechanics WHERE id = %s", rita.id)
    return workshop_id


def books_through(ana: Customer) -> UUID:
    assert ana.client.post("/w/harbor-garage").status_code == 303
    return ana.books()


def test_a_workshop_is_added_with_its_routing_and_told(olga: Owner) -> None:
    posts(olga, "workshops", slug="dock-9", name="Dock Nine", routing="hybrid")
    workshop = one("SELECT * FROM workshops")
    assert (workshop.slug, workshop.routing, workshop.is_active) == ("dock-9", "hybrid", True)
    (event,) = sql(DONE, workshop.id)
    assert (event.kind, event.payload) == ("workshop_added", {"slug": "dock-9", "routing": "hybrid"})
    assert "Dock Nine" in admin(olga, "workshops")
    posts(olga, "workshops", slug="dock-8", name="Dock Eight")
    assert one("SELECT routing FROM workshops WHERE slug = 'dock-8'") == "workshop_only"


def test_its_page_has_the_link_the_mechanics_and_who_waits(ana: Customer, olga: Owner, harbor: UUID) -> None:
    books_through(ana)
    page = " ".join(admin(olga, f"workshops/{harbor}").split())
    for told in ('value="http://localhost/w/harbor-garage"', "Rita Solberg", "1 session request open now"):
        assert told in page
    assert '<td data-label="Open now">1</td>' in admin(olga, "workshops")
    assert olga.client.get(f"/admin/workshops/{NOBODY}").status_code == 404


def test_a_change_counts_from_the_next_booking_on(
    ana: Customer, ben: Customer, nadia: Mechanic, olga: Owner, harbor: UUID
) -> None:
    before = books_through(ana)
    posts(olga, f"workshops/{harbor}/change", name="Harbor & Sons", routing="hybrid")
    posts(olga, f"workshops/{harbor}/change", name="Harbor & Sons", routing="hybrid")
    after = books_through(ben)
    assert (row(before).routing_type, row(before).workshop_until) == ("workshop_only", None)
    assert row(after).routing_type == "hybrid"
    assert [(event.kind, event.payload) for event in sql(DONE, harbor)] == [
        ("workshop_changed", {"name": "Harbor & Sons", "routing": "hybrid"})
    ]
    assert "Called Harbor &amp; Sons; its own mechanics are asked first" in admin(olga, f"workshops/{harbor}")


@pytest.mark.parametrize("typed", [{"name": " "}, {"name": "x" * 201}, {"name": "Harbor", "routing": "x"}])
def test_a_change_that_cannot_be_is_told_at_its_field(olga: Owner, harbor: UUID, typed: dict[str, str]) -> None:
    answer = olga.client.post(f"/admin/workshops/{harbor}/change", data=typed)
    field = "routing" if "routing" in typed else "name"
    assert (answer.status_code, f'id="{field}-error"' in answer.text) == (422, True)
    assert one("SELECT name FROM workshops") == "Harbor Garage"


@pytest.mark.parametrize("routing", ["workshop_only", "hybrid"])
def test_who_waits_for_a_workshop_that_closes_is_asked_of_everyone(
    ana: Customer, rita: Mechanic, nadia: Mechanic, olga: Owner, harbor: UUID, routing: str
) -> None:
    sql("UPDATE workshops SET routing = %s", routing)
    request_id = books_through(ana)
    posts(olga, f"workshops/{harbor}/close")
    assert nadia.hears("new_request", routing_type="broadcast", fallback_reason="workshop_closed")
    page = " ".join(ana.client.get(f"/customer/requests/{request_id}").text.split())
    assert "Harbor Garage has closed, so everyone was asked" in page
    assert nadia.accepts(request_id).status_code == 200
    posts(olga, f"workshops/{harbor}/close")
    assert [event.payload for event in sql(DONE, harbor)] == [{"is_active": False}]


def test_a_closed_ones_link_says_so_until_it_opens_again(app: Flask, ana: Customer, olga: Owner, harbor: UUID) -> None:
    posts(olga, f"workshops/{harbor}/close")
    nobody = app.test_client()
    closed = nobody.get("/w/harbor-garage")
    assert (closed.status_code, "takes no bookings here at the moment" in closed.text) == (404, True)
    assert ana.client.post("/w/harbor-garage").status_code == 404
    posts(olga, f"workshops/{harbor}/reopen")
    assert nobody.get("/w/harbor-garage").status_code == 200
    assert [event.payload for event in sql(DONE, harbor)] == [{"is_active": False}, {"is_active": True}]


def test_who_told_their_intake_before_it_closed_is_asked_of_everyone(
    ana: Customer, nadia: Mechanic, olga: Owner, harbor: UUID
) -> None:
    ana.client.post("/w/harbor-garage")
    consultation_id = ana.starts_intake()
    ana.signs(consultation_id)
    posts(olga, f"workshops/{harbor}/close")
    request_id = ana.pays_by_credits(consultation_id)
    assert (row(request_id).routing_type, row(request_id).workshop_id) == ("broadcast", None)
    assert nadia.accepts(request_id).status_code == 200


def test_mechanics_join_and_leave_by_address_and_it_is_told(olga: Owner, marco: Mechanic, harbor: UUID) -> None:
    for verb in ("join", "join", "leave", "leave"):
        posts(olga, f"workshops/{harbor}/{verb}", email=f" {marco.email.upper()}")
    assert [(event.kind, event.payload) for event in sql(DONE, marco.id)] == [
        ("workshop_joined", {"workshop_id": str(harbor)}),
        ("workshop_joined", {}),
    ]
    posts(olga, f"workshops/{harbor}/join", email=marco.email)
    posts(olga, "workshops", slug="dock-9", name="Dock Nine")
    other = one("SELECT id FROM workshops WHERE slug = 'dock-9'")
    posts(olga, f"workshops/{other}/leave", email=marco.email)  # whose mechanic he is not
    assert one("SELECT workshop_id FROM mechanics WHERE id = %s", marco.id) == harbor
    page = admin(olga, f"mechanics/{marco.id}")
    assert "Joined Harbor Garage" in page
    assert "Made independent" in page
    nobody = olga.client.post(f"/admin/workshops/{harbor}/join", data={"email": "nobody@demo.test"})
    assert (nobody.status_code, "No mechanic has this e-mail address." in nobody.text) == (422, True)


def test_the_terminal_does_the_same(app: Flask, rita: Mechanic, harbor: UUID) -> None:
    runner = app.test_cli_runner()

    def said(*words: str) -> str:
        return str(runner.invoke(args=["workshop", *words]).stdout)

    assert said("routing", "harbor-garage", "hybrid") == "Harbor Garage is hybrid now.\n"
    assert said("close", "harbor-garage") == "Harbor Garage is closed.\n"
    assert said("list").split() == ["/w/harbor-garage", "closed", "hybrid", "Harbor", "Garage"]
    assert said("reopen", "harbor-garage") == "Harbor Garage is open.\n"
    assert said("leave", rita.email) == "Rita Solberg is independent now.\n"
    assert one("SELECT workshop_id FROM mechanics WHERE id = %s", rita.id) is None
    assert len(sql(DONE, harbor)) == 3
    assert runner.invoke(args=["workshop", "close", "nowhere"]).exit_code == 1
