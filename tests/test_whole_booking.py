"""What a whole booking, the three POSTs of intake, waiver and checkout, asks of the database."""

import threading
from typing import Any

import psycopg2.errors
import pytest
from sqlalchemy.orm import Session

from favorites.dispatch.facts import Choice, facts_of
from favorites.dispatch.fulfillment import _signed_draft
from favorites.dispatch.routing import Preferred
from favorites.patience import Patient, PatientCursor
from tests.cast import INTAKE, Customer, Mechanic
from tests.database import one, sql
from tests.pages import chosen

MOST = 20
ASKED = "SELECT id FROM session_requests WHERE priority_notified_at IS NOT NULL"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What this thread sends to PostgreSQL, the pool's pings, savepoints and rollbacks too; not BEGIN and COMMIT.

    Nor how a connection comes to a plan that it keeps, which it does once.
    """
    statements: list[str] = []
    here = threading.get_ident()  # the feed reads whenever it likes
    execute, rollback = PatientCursor.execute, Patient.rollback

    def note(cursor: PatientCursor, query: Any, vars: Any = None) -> None:
        if threading.get_ident() == here and not str(query).startswith("PREPARE "):
            statements.append(str(query))
        execute(cursor, query, vars)

    def note_rollback(connection: Patient) -> None:
        if threading.get_ident() == here and connection.info.transaction_status:
            statements.append("ROLLBACK")
        rollback(connection)

    monkeypatch.setattr(PatientCursor, "execute", note)
    monkeypatch.setattr(Patient, "rollback", note_rollback)
    return statements


@pytest.mark.usefixtures("flag_on")
@pytest.mark.parametrize(("plan", "number"), [("free", 19), ("chat10", 20)])
def test_a_whole_booking_takes_twenty_statements_at_most(
    ana: Customer, marco: Mechanic, sent: list[str], plan: str, number: int
) -> None:
    ana.favors(marco)
    told = {**INTAKE, "plan": plan, "form_key": "one-form", **chosen(marco)}
    waiver = ana.client.post("/api/intake/start", data=told, headers={"Accept": "text/html"}).location
    place = ana.client.post(waiver, data={"full_name": ana.name, "consent": "yes"}).location
    if plan != "free":
        place = ana.client.post(f"{place}/credits").location
    assert len(sent) == number <= MOST, "\n".join(sent)
    assert place == f"/customer/requests/{one(ASKED)}"


@pytest.mark.usefixtures("flag_on")
def test_the_mechanic_stays_as_the_facts_have_them_until_the_commit(
    ana: Customer, marco: Mechanic, session: Session
) -> None:
    """They are held by a part of the statement that reads the consultation, so that the facts are read after that."""
    ana.favors(marco)
    consultation_id = ana.starts_intake(**chosen(marco))
    ana.signs(consultation_id)
    assert _signed_draft(session, ana.id, consultation_id)[1] == marco.id
    choice = Choice(str(marco.id), marco.id, "priority_broadcast", None)
    assert facts_of(session, ana.id, choice)[0].preferred is Preferred.CAN_BE_ASKED
    suspend = "SET lock_timeout = '50ms'; UPDATE mechanics SET status = 'suspended'"
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        sql(suspend)
    session.rollback()
    sql(suspend)
    assert facts_of(session, ana.id, choice)[0].preferred is Preferred.NOT_APPROVED
    sql("RESET lock_timeout")
