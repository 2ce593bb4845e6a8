"""The owner's room: who may help, what is switched on, what waits; for admins and nobody else."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from tests.cast import NOBODY, Customer, Mechanic, Owner
from tests.database import one, sql


def admin(olga: Owner, place: str = "requests") -> str:
    answer = olga.client.get(f"/admin/{place}")
    assert answer.status_code == 200
    return answer.text


def posts(olga: Owner, path: str, **form: Any) -> None:
    assert olga.client.post(f"/admin/{path}", data=form).status_code == 303


def is_offered_first(request_id: UUID) -> bool:
    return bool(one("SELECT priority_notified_at IS NOT NULL FROM session_requests WHERE id = %s", request_id))


def test_f6_admins_and_only_they_toggle_the_flag_on_a_page_with_effect_at_once(
    app: Flask, ana: Customer, ben: Customer, marco: Mechanic, olga: Owner
) -> None:
    ana.favors(marco)
    ben.favors(marco)
    for anyone in (ana.client, marco.client):
        assert anyone.post("/admin/flag", data={"state": "on"}).status_code == 403
    assert app.test_client().post("/admin/flag", data={"state": "on"}).location.startswith("/login")
    assert {row.is_enabled for row in sql("SELECT is_enabled FROM feature_flags")} == {None}
    posts(olga, "flag", state="on")
    first = ana.books_again(marco)
    assert is_offered_first(first)
    assert ana.does(first, "cancel").status_code == 200
    posts(olga, "flag", state="off")
    assert not is_offered_first(ben.books_again(marco))


@pytest.mark.parametrize(("state", "now"), [("on", "On"), ("off", "Off"), ("environment", "Off")])
def test_the_page_shows_what_the_flag_means_now(olga: Owner, state: str, now: str) -> None:
    posts(olga, "flag", state=state)
    page = " ".join(admin(olga, "settings").split())
    assert f'">{now}</span>' in page.partition("Now:")[2][:60]
    assert f'value="{state}" checked' in page


def test_a_state_that_is_none_is_refused_at_the_field(olga: Owner) -> None:
    answer = olga.client.post("/admin/flag", data={"state": "maybe"})
    assert answer.status_code == 422
    assert "Choose on, off or the environment." in answer.text


PATHS = [
    "flag",
    "credits",
    "workshops",
    *(f"mechanics/{NOBODY}/{verb}" for verb in ("approve", "suspend", "workshop")),
]


@pytest.mark.parametrize("path", [*PATHS, f"requests/{NOBODY}/cancel"])
def test_nobody_else_can_press_anything(ana: Customer, marco: Mechanic, path: str) -> None:
    for anyone in (ana, marco):
        assert anyone.client.post(f"/admin/{path}").status_code == 403
        assert anyone.client.get("/admin").status_code == 403


def test_an_empty_page_says_what_comes_next(olga: Owner) -> None:
    assert "Nobody waits." in admin(olga)
    assert "No one is waiting." in admin(olga, "mechanics")
    assert "No mechanics yet." in admin(olga, "mechanics")
    assert "No workshops yet." in admin(olga, "workshops")


def test_an_application_is_approved_or_refused(olga: Owner, zed: Mechanic) -> None:
    assert "applied" in admin(olga, "mechanics")
    posts(olga, f"mechanics/{zed.id}/refuse", reason="area")
    assert "Refused" in admin(olga, "mechanics")
    posts(olga, f"mechanics/{zed.id}/approve")
    assert zed.client.get("/mechanic/dashboard").status_code == 200


def test_a_suspended_mechanic_is_signed_out_and_what_they_had_goes_on(
    ana: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner
) -> None:
    request_id = ana.books()
    marco.accepts(request_id)
    posts(olga, f"mechanics/{marco.id}/suspend", reason="pause")
    assert marco.client.get("/mechanic/dashboard").status_code == 303
    assert nadia.accepts(request_id).status_code == 200
    assert "Restore" in admin(olga, "mechanics")
    posts(olga, f"mechanics/{marco.id}/approve")
    assert one("SELECT status FROM mechanics WHERE id = %s", marco.id) == "approved"


def test_a_mechanic_joins_a_workshop_and_leaves_it(olga: Owner, marco: Mechanic) -> None:
    posts(olga, "workshops", slug="harbor-garage", name="Harbor Garage")
    workshop_id = one("SELECT id FROM workshops")
    joined = "SELECT workshop_id FROM mechanics WHERE id = %s"
    posts(olga, f"mechanics/{marco.id}/workshop", workshop_id=str(workshop_id))
    assert one(joined, marco.id) == workshop_id
    posts(olga, f"mechanics/{marco.id}/workshop", workshop_id="")
    assert one(joined, marco.id) is None


@pytest.mark.parametrize(
    ("slug", "name", "sentence"),
    [
        ("Harbor Garage", "Harbor", "Use small letters, digits and hyphens"),
        ("taken", "Harbor", "Another workshop has this link."),
        ("harbor", " ", "Give it a name"),
    ],
)
def test_a_workshop_that_cannot_be_is_told_at_its_field_and_keeps_what_was_typed(
    olga: Owner, slug: str, name: str, sentence: str
) -> None:
    sql("INSERT INTO workshops (slug, name) VALUES ('taken', 'Taken')")
    answer = olga.client.post("/admin/workshops", data={"slug": slug, "name": name})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{slug}"' in answer.text
    assert one("SELECT count(*) FROM workshops") == 1


def test_credits_are_granted_by_e_mail_in_whatever_case(ana: Customer, olga: Owner) -> None:
    posts(olga, "credits", email=f" {ana.email.upper()}", credits="12", note="Sorry for the wait")
    granted = "SELECT credits FROM credit_entries WHERE note = 'Sorry for the wait' AND customer_id = %s"
    assert one(granted, ana.id) == 12


@pytest.mark.parametrize(
    ("credits", "is_wrong"), [("0", True), ("-1", True), ("1001", True), ("x", True), ("5", False)]
)
def test_a_grant_that_cannot_be_is_told_at_its_fields(olga: Owner, credits: str, is_wrong: bool) -> None:
    answer = olga.client.post("/admin/credits", data={"email": "nobody@demo.test", "credits": credits, "note": "Hello"})
    assert answer.status_code == 422
    assert "No customer has this e-mail address." in answer.text
    assert ("Give a whole number" in answer.text) is is_wrong
    assert 'value="Hello"' in answer.text


@pytest.mark.usefixtures("flag_on")
def test_the_owner_opens_a_window_to_everyone(ana: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    assert "Marco first," in " ".join(admin(olga).split())
    posts(olga, f"requests/{request_id}/open", reason="customer_asked")
    assert "Everyone since" in " ".join(admin(olga).split())
    assert nadia.accepts(request_id).status_code == 200


def test_the_owner_releases_completes_and_cancels(ana: Customer, nadia: Mechanic, omar: Mechanic, olga: Owner) -> None:
    request_id = ana.books()
    nadia.accepts(request_id)
    assert ">Accepted</span>" in admin(olga)
    posts(olga, f"requests/{request_id}/release", reason="no_show")
    omar.accepts(request_id)
    omar.does(request_id, "start")
    assert ">Started</span>" in admin(olga)
    posts(olga, f"requests/{request_id}/complete", reason="other")
    other_id = ana.books()
    posts(olga, f"requests/{other_id}/cancel", reason="other")
    status = "SELECT status FROM session_requests WHERE id = %s"
    assert (one(status, request_id), one(status, other_id)) == ("completed", "cancelled")
    assert "Nobody waits." in admin(olga)
