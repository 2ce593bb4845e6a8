"""The owner gives a session request to a mechanic: whose it may be, who hears of it, and who was quicker."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from tests.cast import NOBODY, Customer, Mechanic, Owner
from tests.database import fast_forward, one, sql, until_waiting

ROW = """SELECT status, mechanic_id, fallback_reason, assigned_at = accepted_at AS is_gift
           FROM session_requests WHERE id = %s"""
TOLD = """SELECT note, payload->>'reason' AS reason, payload->>'mechanic_id' AS mechanic, actor
            FROM owner_events WHERE subject_id = %s"""


def gives(olga: Owner, request_id: UUID, mechanic: Mechanic, **form: str) -> Any:
    """POST as a program."""
    form = {"mechanic_id": str(mechanic.id), "reason": "waits_too_long"} | form
    return olga.client.post(f"/admin/requests/{request_id}/assign", data=form, headers={"Accept": "application/json"})


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_a_broadcast_is_given_to_a_mechanic_and_everybody_hears_what_is_theirs_to_hear(
    ana: Customer, nadia: Mechanic, omar: Mechanic, olga: Owner
) -> None:
    request_id = ana.books()
    for mechanic in (nadia, omar):
        mechanic.hears("new_request")
    page = ana.listens_to(request_id)
    assert gives(olga, request_id, nadia, note="I called her.").status_code == 200
    assert one(ROW, request_id) == ("accepted", nadia.id, None, True)
    assert nadia.hears("request_assigned", request_id=str(request_id))
    assert omar.hears("request_accepted", request_id=str(request_id))
    assert omar.heard_nothing
    assert page.until("request_accepted", reason="assigned")
    assert one(TOLD, request_id) == ("I called her.", "waits_too_long", str(nadia.id), f"admin:{olga.user_id}")
    assert "Nadia was assigned by the owner" in ana.client.get(f"/customer/requests/{request_id}").text
    assert "Your job" in nadia.client.get("/mechanic/dashboard").text
    assert one("SELECT count(*) FROM request_events WHERE payload::text LIKE '%%called%%'") == 0


@pytest.mark.usefixtures("flag_on")
def test_inside_a_window_only_who_was_asked_first_learns_that_it_is_gone(
    ana: Customer, marco: Mechanic, nadia: Mechanic, omar: Mechanic, olga: Owner
) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    marco.hears("priority_session_request")
    assert gives(olga, request_id, nadia).status_code == 200
    assert marco.hears("request_withdrawn", reason="assigned_away")
    assert nadia.hears("request_assigned")
    assert omar.heard_nothing
    assert one(ROW, request_id) == ("accepted", nadia.id, None, True)
    assert omar.client.get(f"/mechanic/requests/{request_id}").status_code == 404
    assert code(marco.accepts(request_id)) == (409, "TAKEN")


@pytest.mark.usefixtures("flag_on")
def test_inside_a_window_it_may_be_given_to_who_was_asked_first(ana: Customer, marco: Mechanic, olga: Owner) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    assert gives(olga, request_id, marco).status_code == 200
    assert marco.hears("request_assigned")
    assert marco.heard_nothing


def test_taken_from_one_it_is_given_to_another_who_begins(
    ana: Customer, marco: Mechanic, nadia: Mechanic, omar: Mechanic, olga: Owner
) -> None:
    request_id = ana.books()
    nadia.accepts(request_id)
    rooms = "SELECT room FROM session_requests WHERE id = %s"
    before = one(rooms, request_id)
    omar.hears("request_accepted")
    assert gives(olga, request_id, omar).status_code == 200
    assert nadia.hears("request_withdrawn", reason="assigned_away")
    assert omar.hears("request_assigned")
    assert one(ROW, request_id) == ("accepted", omar.id, None, True)
    assert one("SELECT released_from FROM session_requests WHERE id = %s", request_id) in (
        [nadia.id],
        f"{{{nadia.id}}}",
    )
    assert one(rooms, request_id) != before
    assert code(gives(olga, request_id, nadia)) == (409, "SAID_NO")
    assert omar.does(request_id, "start").status_code == 200
    assert code(gives(olga, request_id, marco)) == (409, "STARTED")  # he could have it otherwise
    assert gives(olga, request_id, omar).status_code == 200  # a repeat
    assert len(sql(TOLD, request_id)) == 1


@pytest.mark.usefixtures("flag_on")
def test_taken_inside_its_window_from_who_was_asked_first_it_is_a_release(
    ana: Customer, marco: Mechanic, nadia: Mechanic, omar: Mechanic, olga: Owner
) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    marco.accepts(request_id)
    assert gives(olga, request_id, nadia).status_code == 200
    assert one(ROW, request_id) == ("accepted", nadia.id, "released", True)
    assert omar.heard_nothing


def test_given_back_it_is_nobodys_gift_any_more(ana: Customer, nadia: Mechanic, olga: Owner) -> None:
    request_id = ana.books()
    gives(olga, request_id, nadia)
    assert nadia.does(request_id, "release").status_code == 200
    assert one("SELECT assigned_at, reopened_at IS NULL AS never FROM session_requests WHERE id = %s", request_id) == (
        None,
        False,
    )


def test_who_cannot_take_it_is_refused_in_words(
    ana: Customer, ben: Customer, nadia: Mechanic, omar: Mechanic, zed: Mechanic, rita: Mechanic, olga: Owner
) -> None:
    request_id, other = ana.books(), ben.books()
    nadia.accepts(other)
    assert code(gives(olga, request_id, zed)) == (409, "NOT_ELIGIBLE")
    busy = gives(olga, request_id, nadia)
    assert code(busy) == (409, "MECHANIC_HAS_ACTIVE_SESSION")
    assert busy.get_json()["error"] == "This mechanic is on a job."
    assert gives(olga, UUID(NOBODY), omar).status_code == 404
    ana.does(request_id, "cancel")
    assert code(gives(olga, request_id, omar)) == (409, "CANCELLED")


def test_what_a_workshop_alone_is_asked_is_given_to_one_of_its_own(
    ana: Customer, nadia: Mechanic, rita: Mechanic, olga: Owner
) -> None:
    assert ana.client.post("/w/harbor-garage").status_code == 303
    request_id = ana.books()
    assert code(gives(olga, request_id, nadia)) == (409, "NOT_ELIGIBLE")
    assert gives(olga, request_id, rita).status_code == 200


@pytest.mark.usefixtures("flag_on")
def test_who_declined_is_not_given_it(ana: Customer, marco: Mechanic, olga: Owner) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    marco.declines(request_id)
    assert code(gives(olga, request_id, marco)) == (409, "SAID_NO")


def test_two_jobs_at_once_are_refused_by_the_index(
    ana: Customer, ben: Customer, nadia: Mechanic, olga: Owner, connect: Any, pool: ThreadPoolExecutor
) -> None:
    hers, his = ana.books(), ben.books()
    slow = connect()
    slow.cursor().execute(
        "UPDATE session_requests SET status = 'accepted', mechanic_id = %s, accepted_at = now() WHERE id = %s",
        (nadia.id, his),
    )
    answer = pool.submit(gives, olga, hers, nadia)
    until_waiting()
    slow.commit()
    assert code(answer.result()) == (409, "MECHANIC_HAS_ACTIVE_SESSION")
    sql("UPDATE session_requests SET status = 'pending', mechanic_id = NULL, accepted_at = NULL WHERE id = %s", his)


@pytest.mark.usefixtures("flag_on")
def test_after_the_window_it_is_as_an_acceptance(
    ana: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner, sweep: Callable[[], object]
) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    fast_forward(minutes=11)
    assert gives(olga, request_id, nadia).status_code == 200
    assert marco.hears("request_accepted")
    sweep()
    assert one(ROW, request_id) == ("accepted", nadia.id, None, True)


@pytest.mark.usefixtures("flag_on")
def test_an_offer_that_was_given_away_stands_among_the_missed(
    ana: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner
) -> None:
    ana.favors(marco)
    gives(olga, ana.books_again(marco), nadia)
    assert "The owner gave it to another mechanic" in marco.client.get("/mechanic/days").text


@pytest.mark.parametrize("verb", ["assign", "open", "cancel", "release", "complete"])
def test_without_a_reason_nothing_is_done_and_the_form_says_so(
    ana: Customer, nadia: Mechanic, olga: Owner, verb: str
) -> None:
    request_id = ana.books()
    address = f"/admin/requests/{request_id}/{verb}"
    for reason in ("", "because"):
        answer = olga.client.post(address, data={"mechanic_id": str(nadia.id), "reason": reason, "note": "Kept."})
        assert answer.status_code == 422
        assert "Choose a reason." in answer.text
        assert "Kept." in answer.text
    assert one(ROW, request_id)[0] == "pending"
    assert not sql("SELECT FROM owner_events")


def test_each_act_writes_who_and_why_once(ana: Customer, nadia: Mechanic, omar: Mechanic, olga: Owner) -> None:
    request_id = ana.books()
    nadia.accepts(request_id)
    posts = {"release": "no_show", "cancel": "customer_asked"}
    for verb, reason in posts.items():
        for _ in range(2):
            answer = olga.client.post(f"/admin/requests/{request_id}/{verb}", data={"reason": reason})
            assert answer.status_code == 303
    told = sql("SELECT kind, payload->>'reason' AS reason FROM owner_events ORDER BY id")
    assert [tuple(row) for row in told] == [("request_released", "no_show"), ("request_cancelled", "customer_asked")]
