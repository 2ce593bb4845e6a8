"""Erasing somebody: nothing that says who they are is left anywhere, and all that counts still adds up."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from favorites.dispatch import booking, privacy
from favorites.dispatch.actors import SYSTEM, Actor
from favorites.dispatch.errors import LastOwner, NotFound, NotOverYet, Refusal
from favorites.dispatch.money import grant_credits
from favorites.dispatch.owner_events import tell
from favorites.models import OwnerKind
from tests.cast import INTAKE, PASSWORD, Customer, Mechanic, Owner
from tests.database import one, sql, until_waiting
from tests.matrix import a_photo
from tests.test_checkout import pays

ABOUT = {
    "name": "Xana Xcastillo",
    "email": "xother@canary.test",
    "phone": "+99 777 1234567",
    "city": "Xcity",
    "vin": "XVN45678901234567",
    "year": 1977,
    "make": "Xmake",
    "model": "Xmodel",
    "odometer": "777123",
    "plate": "XPLATE7",
    "concern": "Xconcern: it howls.",
}
SAID = ["Xhello, it is me.", "Xanswer for you.", "Xsummary: a loose hose.", "Xnote", "Xwhim", "Xbrowser", "Xpush"]
THEIRS = ("customers", "intakes", "waivers", "messages", "credit_entries", "session_requests", "sessions", "mechanics")
# What says nothing of a person, whatever stands in it.
CODES = ("session_type", "currency", "version", "kind", "provider", "status", "plan_code", "routing_type")


def whole_database() -> str:
    """Every row of every table, as one text; without the events of other tests, which outlive them."""
    tables = sql("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
    rows = "SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]')::text FROM {} t {}"
    ours = {"request_events": "WHERE session_request_id IN (SELECT id FROM session_requests)"}
    return " ".join(one(rows.format(name, ours.get(name, ""))) for (name,) in tables)


def left_of(words: list[str]) -> list[str]:
    """Those that stand in the database, in whatever case; a number not where it is a part of an id or of an instant."""
    everything = whole_database().lower()
    return [word for word in words if re.search(_alone(word.lower()), everything)]


def _alone(word: str) -> str:
    return rf"(?<![\w.-]){word}(?![\w-])" if word.isdigit() else re.escape(word)


def completed(customer: Customer, mechanic: Mechanic, **about: Any) -> UUID:
    """Asked first, accepted, talked, completed and summed up; the consultation."""
    request_id = customer.books_again(mechanic, **about)
    assert mechanic.accepts(request_id).status_code == 200
    consultation: UUID = one("SELECT session_id FROM session_requests WHERE id = %s", request_id)
    talk = f"/consultations/{consultation}"
    for who, words in ((customer, SAID[0]), (mechanic, SAID[1])):
        assert who.client.post(f"{talk}/messages", data={"body": words, "key": f"Xkey {words}"}).status_code == 303
        assert who.client.post(f"{talk}/photos", data=a_photo()).status_code == 303
    for verb in ("start", "complete"):
        assert mechanic.does(request_id, verb).status_code == 200
    assert mechanic.client.post(f"{talk}/summary", data={"summary": SAID[2]}).status_code == 303
    return consultation


@pytest.fixture
def hers(app: Flask, session: Session, flag_on: None, ana: Customer, marco: Mechanic) -> UUID:
    """All that a customer can leave behind; a consultation of hers that is over."""
    ana.favors(marco)
    sql("UPDATE users SET email = 'xaccount@canary.test', time_zone = 'Pacific/Chatham' WHERE id = %s", ana.user_id)
    sql("UPDATE customers SET first_name = 'Xana', last_name = 'Xcastillo', city = 'Xcity' WHERE id = %s", ana.id)
    ana.client.environ_base["HTTP_USER_AGENT"] = "Xbrowser 1.0"
    consultation = completed(ana, marco, save_vehicle=True, **ABOUT)
    ana.starts_intake(preferred_mechanic_id="Xwhim", routing_type="priority_broadcast", form_key="Xkey", **ABOUT)
    cancelled = ana.books(preferred_mechanic_id="Xwhim", routing_type="priority_broadcast", **ABOUT)
    assert ana.does(cancelled, "cancel").status_code == 200
    grant_credits(session, ana.id, 3, SYSTEM, "Xnote")
    tell(session, OwnerKind.CREDITS_GRANTED, SYSTEM, ana.id, "Xnote")
    tell(session, OwnerKind.REQUEST_CANCELLED, SYSTEM, cancelled, "Xnote")
    session.commit()
    sql(
        "INSERT INTO push_subscriptions (user_id, sign_in_id, endpoint, p256dh, auth)"
        " SELECT user_id, id, 'https://Xpush', 'Xpush', 'Xpush' FROM sign_ins WHERE user_id = %s LIMIT 1",
        ana.user_id,
    )
    return consultation


WORDS = [*map(str, ABOUT.values()), *SAID, "Xana", "xaccount", "Xkey", "Pacific/Chatham"]


def test_nothing_that_says_who_a_customer_is_is_left_in_any_table(hers: UUID, session: Session, ana: Customer) -> None:
    assert left_of(WORDS) == WORDS
    privacy.erase_person(session, ana.user_id, Actor.customer(ana.id))
    assert left_of(WORDS) == []
    assert one("SELECT count(*) FROM photos") == 0
    assert one("SELECT count(*) FROM vehicles") == 0


def test_the_books_keep_a_payment_of_an_erased_customer_and_no_page_that_says_who_paid(
    session: Session, ana: Customer, marco: Mechanic
) -> None:
    consultation_id = ana.starts_intake()
    ana.signs(consultation_id)
    request_id = UUID(pays(ana, consultation_id).rsplit("/", 1)[-1])
    for verb in ("accept", "start", "complete"):
        assert marco.does(request_id, verb).status_code == 200
    sql("UPDATE payments SET url = 'https://pay.test/xopens', charge = 'pi_1', fee_cents = 59")
    before = one("SELECT to_jsonb(p) - 'url' FROM payments p")
    privacy.erase_person(session, ana.user_id, SYSTEM)
    assert left_of(["xopens"]) == []
    assert one("SELECT to_jsonb(p) - 'url' FROM payments p") == before


@pytest.mark.planted
def test_no_column_of_theirs_keeps_its_words_whichever_it_is(
    hers: UUID, session: Session, ana: Customer, marco: Mechanic
) -> None:
    """Columns that come later, too: each that takes any words gets some, and loses them."""
    columns = sql(
        """SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name = ANY(%s) AND is_generated = 'NEVER'
              AND (data_type IN ('text', 'jsonb') OR data_type LIKE 'character%%') AND column_name <> ALL(%s)""",
        list(THEIRS),
        list(CODES),
    )
    words = {f"xplanted-{number}-": column for number, column in enumerate(columns)}
    planted = [word for word, column in words.items() if _plants(*column, word)]
    assert len(planted) > 20
    for person in (ana, marco):
        privacy.erase_person(session, person.user_id, SYSTEM)
    assert [words[word] for word in left_of(planted)] == []


def _plants(table: str, column: str, word: str) -> bool:
    is_json = one(f"SELECT pg_typeof({column})::text = 'jsonb' FROM {table} LIMIT 1")
    try:
        sql(f"UPDATE {table} SET {column} = %s", f'{{"{word}": 1}}' if is_json else word)
    except psycopg2.IntegrityError:  # it takes a few words only, or a key's
        return False
    return True


def test_nothing_that_says_who_a_mechanic_is_is_left_but_the_summary_they_gave(
    hers: UUID, session: Session, marco: Mechanic, ana: Customer
) -> None:
    sql("UPDATE users SET email = 'yaccount@canary.test' WHERE id = %s", marco.user_id)
    sql(
        "UPDATE mechanics SET first_name = 'Ymarco', last_name = 'Yrossi', phone = '+99 1', city = 'Ycity',"
        " about = 'Yabout' WHERE id = %s",
        marco.id,
    )
    tell(session, OwnerKind.MECHANIC_SUSPENDED, SYSTEM, marco.id, "Ynote")
    session.commit()
    privacy.erase_person(session, marco.user_id, Actor.mechanic(marco.id))
    assert left_of(["yaccount", "Ymarco", "Yrossi", "+99 1", "Ycity", "Yabout", "Ynote", SAID[1]]) == []
    assert left_of([SAID[0], SAID[2]]) == [SAID[0], SAID[2]]  # hers
    assert one("SELECT count(*) FROM photos") == 1
    assert one("SELECT count(*) FROM customer_favorites") == 0


def test_what_happened_still_counts(hers: UUID, session: Session, ana: Customer) -> None:
    figures = """SELECT jsonb_build_array((SELECT jsonb_agg(to_jsonb(r) - '{customer_name,room}'::text[] ORDER BY id)
                   FROM session_requests r),
                 (SELECT sum(credits) FROM credit_entries), (SELECT count(*) FROM credit_entries),
                 (SELECT count(*) FROM request_events), (SELECT count(*) FROM sessions WHERE status = 'completed'),
                 (SELECT count(*) FROM messages), (SELECT count(*) FROM waivers WHERE signed_at IS NOT NULL))"""
    before = one(figures)
    privacy.erase_person(session, ana.user_id, SYSTEM)
    assert one(figures) == before


def test_the_other_one_reads_on_and_can_write_no_more(
    hers: UUID, session: Session, ana: Customer, marco: Mechanic, olga: Owner
) -> None:
    talk = f"/consultations/{hers}"
    privacy.erase_person(session, ana.user_id, SYSTEM)
    for reader in (marco, olga):
        page = reader.client.get(talk).text
        assert "with a former customer" in page or reader is olga
        assert "A former customer" in page
        assert 'mailto:"' not in page
        assert page.count("This was removed.") == 4
    assert marco.client.post(f"{talk}/messages", data={"body": "Hello?"}).status_code == 409
    assert marco.client.post(f"{talk}/summary", data={"summary": "Xana?"}).status_code == 409
    assert marco.client.get("/mechanic/dashboard").status_code == 200


def test_a_customer_reads_on_without_the_mechanic(hers: UUID, session: Session, ana: Customer, marco: Mechanic) -> None:
    privacy.erase_person(session, marco.user_id, SYSTEM)
    for path in (f"/consultations/{hers}", f"/consultations/{hers}/receipt", "/customer/dashboard", "/mechanics"):
        answer = ana.client.get(path)
        assert answer.status_code == 200, path
        assert "Marco" not in answer.text
    page = ana.client.get(f"/consultations/{hers}").text
    assert "A former mechanic" in page
    assert (SAID[0] in page, SAID[1] in page, SAID[2] in page) == (True, False, True)
    assert "erased.invalid" not in page


def test_they_are_signed_out_everywhere_at_once(session: Session, ana: Customer) -> None:
    other = ana.new_client()
    request_id = ana.books()
    page = ana.listens_to(request_id)
    assert ana.does(request_id, "cancel").status_code == 200
    privacy.erase_person(session, ana.user_id, SYSTEM)
    for browser in (ana.client, other):
        assert browser.get("/customer/dashboard").status_code == 303
    assert page.until_closed() < 5
    assert one("SELECT count(*) FROM sign_ins WHERE user_id = %s", ana.user_id) == 0


def test_the_address_is_free_for_a_new_account(app: Flask, session: Session, ana: Customer) -> None:
    privacy.erase_person(session, ana.user_id, SYSTEM)
    visitor = app.test_client()
    new = {"first_name": "Ana", "email": ana.email, "password": "purple monkey lamp"}
    assert visitor.post("/sign-up", data=new).status_code == 303
    old, anew = sql("SELECT id, active, email FROM users ORDER BY created_at")
    assert (old.id, old.active, anew.email) == (ana.user_id, False, ana.email)
    assert visitor.post("/login", data={"email": ana.email, "password": new["password"]}).status_code == 303


def test_nobody_signs_in_as_who_was_erased(app: Flask, session: Session, ana: Customer) -> None:
    privacy.erase_person(session, ana.user_id, SYSTEM)
    email = one("SELECT email FROM users")
    for address in (email, ana.email):
        answer = app.test_client().post("/login", data={"email": address, "password": PASSWORD})
        assert answer.status_code == 422
    assert app.test_client().post("/reset", data={"email": email}).status_code == 200


@pytest.mark.usefixtures("flag_on")
def test_a_mechanic_s_open_offer_falls_back_as_when_they_are_suspended(
    session: Session, ana: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    privacy.erase_person(session, marco.user_id, Actor.mechanic(marco.id))
    assert nadia.hears("new_request", fallback_reason="preferred_mechanic_unavailable")
    assert nadia.accepts(request_id).status_code == 200
    assert one("SELECT status FROM mechanics WHERE id = %s", marco.id) == "suspended"


def test_what_is_not_over_is_finished_first(session: Session, ana: Customer, marco: Mechanic) -> None:
    request_id = ana.books()
    with pytest.raises(NotOverYet):
        privacy.erase_person(session, ana.user_id, SYSTEM)
    assert marco.accepts(request_id).status_code == 200
    for person in (ana, marco):
        with pytest.raises(NotOverYet):
            privacy.erase_person(session, person.user_id, SYSTEM)
    for verb in ("start", "complete"):
        marco.does(request_id, verb)
    for person in (ana, marco):
        privacy.erase_person(session, person.user_id, SYSTEM)


def test_the_last_owner_stays(session: Session, olga: Owner, invite: Callable[..., Owner]) -> None:
    with pytest.raises(LastOwner):
        privacy.erase_person(session, olga.user_id, SYSTEM)
    otto = invite(Owner, "Otto", "Second")
    privacy.erase_person(session, olga.user_id, Actor.admin(otto.user_id))
    with pytest.raises(LastOwner):
        privacy.erase_person(session, otto.user_id, SYSTEM)


def test_a_repeat_changes_nothing_and_the_trail_knows_who_did_it(session: Session, ana: Customer, olga: Owner) -> None:
    for _ in range(2):
        privacy.erase_person(session, ana.user_id, Actor.admin(olga.user_id), "unused")
    told = one("SELECT kind, actor, subject_id, payload, note FROM owner_events")
    assert told == (
        "person_erased",
        f"admin:{olga.user_id}",
        ana.id,
        {"role": "customer", "reason": "unused"},
        "",
    )
    with pytest.raises(NotFound):
        privacy.erase_person(session, olga.id if hasattr(olga, "id") else UUID(int=9), SYSTEM)


def test_the_owner_cannot_bring_back_who_is_erased(session: Session, marco: Mechanic, olga: Owner) -> None:
    privacy.erase_person(session, marco.user_id, SYSTEM)
    assert olga.client.post(f"/admin/mechanics/{marco.id}/approve").status_code == 404
    assert "A former mechanic" not in olga.client.get("/admin/mechanics").text
    with pytest.raises(psycopg2.errors.CheckViolation):
        sql("UPDATE mechanics SET status = 'approved' WHERE id = %s", marco.id)


Act = Callable[[Session, Customer, Mechanic, UUID], object]
WRITES: dict[str, Act] = {
    "intake": lambda session, ana, _marco, _draft: booking.start_intake(session, ana.id, dict(INTAKE), "chat10"),
    "agreement": lambda session, ana, _marco, draft: booking.sign_waiver(
        session, draft, version="1", full_name="Ana Castillo", ip=None, user_agent="", customer_id=ana.id
    ),
    "car": lambda session, ana, _marco, _draft: people_car(session, ana),
}


def people_car(session: Session, ana: Customer) -> object:
    from favorites.dispatch.vehicles import save_vehicle

    return save_vehicle(session, ana.id, {"vin": "", "year": 2014, "make": "Volkswagen", "model": "Golf", "plate": ""})


@pytest.mark.parametrize("what", WRITES)
@pytest.mark.parametrize("erasure_is_first", [True, False])
def test_whoever_writes_at_the_same_moment_leaves_nothing(
    app: Flask,
    ana: Customer,
    marco: Mechanic,
    pool: ThreadPoolExecutor,
    what: str,
    erasure_is_first: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first of the two stands right before its commit, and the other waits for it."""
    from tests.conftest import engine

    draft = ana.starts_intake()
    acts: list[Callable[[Session], object]] = [
        lambda session: privacy.erase_person(session, ana.user_id, SYSTEM),
        lambda session: WRITES[what](session, ana, marco, draft),
    ]
    first, second = acts if erasure_is_first else acts[::-1]
    with Session(engine(app)) as one_session, Session(engine(app)) as other:
        commit = one_session.commit
        monkeypatch.setattr(one_session, "commit", one_session.flush)
        first(one_session)
        waiting = pool.submit(_outcome, second, other)
        until_waiting()
        commit()
        outcome = waiting.result(5)
    assert (outcome is None) or isinstance(outcome, Refusal)
    assert left_of(["Castillo", "Volkswagen", "ana@demo.test"]) == []


def _outcome(act: Callable[[Session], object], session: Session) -> Refusal | None:
    try:
        act(session)
    except Refusal as refusal:
        return refusal
    return None


def test_erasing_and_booking_at_once_end_with_one_of_them(app: Flask, ana: Customer, pool: ThreadPoolExecutor) -> None:
    from tests.conftest import engine

    draft = ana.starts_intake()
    ana.signs(draft)

    def erase() -> Refusal | None:
        with Session(engine(app)) as session:
            return _outcome(lambda own: privacy.erase_person(own, ana.user_id, SYSTEM), session)

    refused, booked = pool.submit(erase), pool.submit(ana.client.post, f"/checkout/{draft}/credits")
    is_booked = one_is_booked(booked.result(10))
    assert isinstance(refused.result(10), NotOverYet) is is_booked
    assert one("SELECT count(*) FROM session_requests") == is_booked
    assert one("SELECT erased_at IS NULL FROM customers") is is_booked


def one_is_booked(answer: Any) -> bool:
    return answer.status_code == 303 and "/customer/requests/" in str(answer.location)
