"""The owner's people: who applies is judged with a reason that they read; customers and their ledger."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from flask import Flask
from flask_mailman import EmailMessage
from sqlalchemy.orm import Session

from favorites.dispatch import money, people
from favorites.dispatch.actors import SYSTEM
from favorites.dispatch.errors import NotSoManyCredits
from favorites.queries import acts, invariants
from favorites.queries.pages import SIZE
from tests.cast import NOBODY, Customer, Mechanic, Owner
from tests.conftest import engine
from tests.database import one, sql
from tests.requests_table import row, status
from tests.test_admin_pages import admin, posts

DONE = "SELECT kind, actor, note, payload FROM owner_events WHERE subject_id = %s ORDER BY id"


@pytest.fixture
def outbox(app: Flask) -> list[EmailMessage]:
    """What was mailed."""
    mailman = app.extensions["mailman"]
    mailman.outbox = sent = []
    return sent


def done_to(subject_id: UUID) -> list[str]:
    return [event.kind for event in sql(DONE, subject_id)]


def test_who_is_refused_reads_why_on_their_page_and_in_a_mail(
    olga: Owner, zed: Mechanic, outbox: list[EmailMessage]
) -> None:
    posts(olga, f"mechanics/{zed.id}/refuse", reason="area", words="Please come back <in spring>.")
    page = zed.client.get("/mechanic/dashboard")
    assert page.status_code == 403
    assert "There is no work for you where you are right now." in page.text
    assert "Please come back &lt;in spring&gt;." in page.text
    (mail,) = outbox
    assert mail.to == [zed.email]
    assert "There is no work for you where you are right now." in mail.body
    assert "Please come back <in spring>." in mail.body
    (event,) = sql(DONE, zed.id)
    assert (event.kind, event.note) == ("mechanic_refused", "Please come back <in spring>.")
    assert (event.actor, event.payload) == (f"admin:{olga.user_id}", {"reason": "area"})


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({}, "reason", "Choose a reason."),
        ({"reason": "missed"}, "reason", "Choose a reason."),  # which is none to refuse for
        ({"reason": "other"}, "words", "Tell them the reason in a sentence."),
        ({"reason": "area", "words": "x" * 501}, "words", "At most 500 characters."),
    ],
)
def test_nobody_is_refused_without_a_reason(
    olga: Owner, zed: Mechanic, outbox: list[EmailMessage], typed: dict[str, str], field: str, sentence: str
) -> None:
    answer = olga.client.post(f"/admin/mechanics/{zed.id}/refuse", data=typed)
    assert answer.status_code == 422
    assert f'id="{field}-error">{sentence}' in answer.text
    assert (one("SELECT status FROM mechanics WHERE id = %s", zed.id), done_to(zed.id), outbox) == ("pending", [], [])


def test_each_act_is_one_event_and_a_repeat_is_none(olga: Owner, zed: Mechanic, outbox: list[EmailMessage]) -> None:
    for verb in ("approve", "approve", "suspend", "suspend", "approve", "approve"):
        posts(olga, f"mechanics/{zed.id}/{verb}", reason="pause")
    assert done_to(zed.id) == ["mechanic_approved", "mechanic_suspended", "mechanic_restored"]
    assert [mail.subject for mail in outbox] == [
        "You are approved at Book Again",
        "You are suspended at Book Again",
        "You are approved at Book Again",
    ]
    assert one("SELECT reason, reason_words FROM mechanics WHERE id = %s", zed.id) == (None, "")


def test_who_is_judged_already_is_not_refused(olga: Owner, marco: Mechanic) -> None:
    refused = olga.client.post(f"/admin/mechanics/{marco.id}/refuse", data={"reason": "area"})
    assert (refused.status_code, done_to(marco.id)) == (404, [])


@pytest.mark.usefixtures("flag_on")
def test_a_suspension_gives_offers_and_jobs_to_everyone_and_its_row_with_them(
    ana: Customer, ben: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner
) -> None:
    ben.favors(marco)
    job = ana.books()
    assert marco.accepts(job).status_code == 200
    offer = ben.books_again(marco)
    posts(olga, f"mechanics/{marco.id}/suspend", reason="complaint", words="Call me.")
    assert (status(job), row(offer).fallback_reason) == ("pending", "preferred_mechanic_unavailable")
    assert nadia.accepts(job).status_code == 200
    assert done_to(marco.id) == ["mechanic_suspended"]


def test_the_terminal_goes_the_same_way(app: Flask, marco: Mechanic) -> None:
    runner = app.test_cli_runner()
    for verb in ("suspend", "approve"):
        assert runner.invoke(args=["mechanic", verb, marco.email]).exit_code == 0
    assert [(event.kind, event.actor) for event in sql(DONE, marco.id)] == [
        ("mechanic_suspended", "system"),
        ("mechanic_restored", "system"),
    ]


def test_what_fails_leaves_no_act(session: Session, marco: Mechanic, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> bool:
        raise ValueError("no")

    monkeypatch.setattr(people, "take_back", fails)
    with pytest.raises(ValueError, match="no"):
        people.suspend_mechanic(session, marco.id, SYSTEM)
    assert (done_to(marco.id), one("SELECT status FROM mechanics WHERE id = %s", marco.id)) == ([], "approved")


def test_mechanics_are_found_by_name_address_status_and_workshop(
    olga: Owner, marco: Mechanic, nadia: Mechanic, rita: Mechanic
) -> None:
    posts(olga, f"mechanics/{nadia.id}/suspend", reason="pause")
    workshop_id = one("SELECT id FROM workshops")
    found = {
        "find=marco+ro": "Marco",
        "find=NADIA%40demo": "Nadia",
        "status=suspended": "Nadia",
        f"workshop={workshop_id}": "Rita",
        "workshop=none&status=approved": "Marco",
    }
    for query, name in found.items():
        page = admin(olga, f"mechanics?{query}")
        shown = {who.first_name for who in (marco, nadia, rita) if f"mechanic-{who.id}" in page}
        assert shown == {name}, query
    assert "Nobody matches." in admin(olga, "mechanics?find=%25")
    for nonsense in ("status=x", "workshop=x", "page=x", "page=0", "page=-1"):
        assert f"mechanic-{marco.id}" in admin(olga, f"mechanics?{nonsense}")
    assert "Nobody matches." in admin(olga, "mechanics?page=999999999")


MANY = """WITH person AS (INSERT INTO users (email, role, fs_uniquifier)
            SELECT '{0}' || n || '@demo.test', '{0}', '{0} ' || n FROM generate_series(101, {1}) AS n
            RETURNING id, fs_uniquifier)
          INSERT INTO {0}s (user_id, first_name{2}) SELECT id, fs_uniquifier{3} FROM person"""


@pytest.mark.parametrize(("role", "more"), [("mechanic", (", status", ", 'approved'")), ("customer", ("", ""))])
def test_beyond_the_first_page_there_are_more(olga: Owner, role: str, more: tuple[str, str]) -> None:
    sql(MANY.format(role, 100 + 4 * SIZE + 5, *more))  # 205 of them
    pages = [admin(olga, f"{role}s?find={role}&page={number}") for number in (1, 5)]
    first, last = (f">{role} {number}<" for number in (101, 305))
    assert [first in page for page in pages] == [True, False]
    assert [last in page for page in pages] == [False, True]
    assert f"/admin/{role}s?find={role}&amp;page=2" in pages[0]
    assert "Next page" not in pages[1]
    assert "page=4" in pages[1]


@pytest.mark.usefixtures("flag_on")
def test_a_mechanics_page_tells_all_of_them(ana: Customer, ben: Customer, marco: Mechanic, olga: Owner) -> None:
    ana.favors(marco)
    ben.favors(marco)
    marco.accepts(ana.books_again(marco))
    sql("UPDATE mechanics SET quiet_from = '22:00', quiet_until = '06:00', about = 'Brakes' WHERE id = %s", marco.id)
    page = " ".join(admin(olga, f"mechanics/{marco.id}").split())
    for told in (marco.email, "Brakes", "2 customers", "quiet from", "Ana Castillo", "accepted", "Nothing yet."):
        assert told in page
    posts(olga, f"mechanics/{marco.id}/suspend", reason="missed", words="Three <b>times</b>.")
    page = " ".join(admin(olga, f"mechanics/{marco.id}").split())
    assert f'Suspended: accepted and did not start <span class="muted">by {olga.email}' in page
    assert "Three &lt;b&gt;times&lt;/b&gt;." in page
    assert olga.client.get(f"/admin/mechanics/{NOBODY}").status_code == 404


def test_an_owner_who_is_gone_and_the_terminal_are_named_as_such() -> None:
    assert acts.who_did(f"admin:{NOBODY}", None) == "a former owner"
    assert acts.who_did("system", None) == "the command line"


def test_customers_are_found_by_name_and_address(ana: Customer, ben: Customer, olga: Owner) -> None:
    for query in ("find=castillo", "find=ANA%40demo"):
        page = admin(olga, f"customers?{query}")
        assert (f"/admin/customers/{ana.id}" in page, f"/admin/customers/{ben.id}" in page) == (True, False)
    assert "Nobody matches." in admin(olga, "customers?find=nobody")


def test_a_customers_page_tells_all_of_them(ana: Customer, marco: Mechanic, olga: Owner) -> None:
    ana.favors(marco)
    request_id = ana.books()
    posts(olga, f"customers/{ana.id}/grant", credits="5", note="Sorry")
    posts(olga, f"customers/{ana.id}/correct", correction="-2", why="A slip")
    ana.does(request_id, "cancel")
    page = " ".join(admin(olga, f"customers/{ana.id}").split())
    for told in (ana.email, "confirmed", "Marco Rossi", "Quick Chat", "Grant: Sorry", "Correction: A slip"):
        assert told in page
    for credits, balance in (("+3", 103), ("-2", 100), ("+5", 102), ("-3", 97), ("+100", 100)):
        assert f'<td data-label="Credits">{credits}</td> <td data-label="Then">{balance}</td>' in page
    assert page.count(f'<td data-label="Who">{olga.email}</td>') == 2
    assert done_to(ana.id) == ["credits_granted", "credits_corrected"]
    assert olga.client.get(f"/admin/customers/{NOBODY}").status_code == 404


def test_a_balance_never_falls_below_zero_and_no_line_is_changed(ana: Customer, olga: Owner) -> None:
    before = sql("SELECT * FROM credit_entries")
    answer = olga.client.post(f"/admin/customers/{ana.id}/correct", data={"correction": "-101", "why": "All of it"})
    assert answer.status_code == 422
    assert "They do not have so many credits" in answer.text
    assert (sql("SELECT * FROM credit_entries"), done_to(ana.id)) == (before, [])
    posts(olga, f"customers/{ana.id}/correct", correction="-100", why="All of it")
    assert one("SELECT sum(credits) FROM credit_entries WHERE customer_id = %s", ana.id) == 0


@pytest.mark.parametrize(
    ("verb", "typed", "field"),
    [
        ("grant", {"credits": "0"}, "credits"),
        ("grant", {"credits": "-5"}, "credits"),
        ("grant", {"credits": "5", "note": "x" * 201}, "note"),
        ("correct", {"correction": "0", "why": "x"}, "correction"),
        ("correct", {"correction": "5", "why": " "}, "why"),
    ],
)
def test_a_change_that_cannot_be_is_told_at_its_field(
    ana: Customer, olga: Owner, verb: str, typed: dict[str, str], field: str
) -> None:
    answer = olga.client.post(f"/admin/customers/{ana.id}/{verb}", data=typed)
    assert (answer.status_code, f'id="{field}-error"' in answer.text) == (422, True)
    assert one("SELECT count(*) FROM credit_entries") == 1


def test_corrections_at_once_never_take_more_than_there_is(
    app: Flask, session: Session, ana: Customer, pool: ThreadPoolExecutor
) -> None:
    def correct(_: int) -> bool:
        with Session(engine(app)) as own:
            try:
                money.correct_credits(own, ana.id, -30, SYSTEM, "At once")
            except NotSoManyCredits:
                return False
            return True

    assert sum(pool.map(correct, range(8))) == 3
    assert one("SELECT sum(credits) FROM credit_entries WHERE customer_id = %s", ana.id) == 10
    assert invariants.broken(session) == []


def test_the_terminal_corrects_too(app: Flask, ana: Customer) -> None:
    runner = app.test_cli_runner()
    said = runner.invoke(args=["credits", "correct", ana.email, "-7", "--note", "A slip"])
    assert said.stdout == "Ana Castillo has 93 credits.\n"
    assert runner.invoke(args=["credits", "correct", ana.email, "-700", "--note", "A slip"]).exit_code == 1
    assert runner.invoke(args=["credits", "correct", ana.email, "0", "--note", "A slip"]).exit_code == 1
    assert [(event.kind, event.actor, event.note) for event in sql(DONE, ana.id)] == [
        ("credits_corrected", "system", "A slip")
    ]
