"""What the database does by itself, for psql as for the application: events in commit order with one hint a statement,
sign-ins that end, and a hint when somebody may hear less. (A deleted mechanic: `test_deletion.py`.)"""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cast import Customer, Mechanic, Owner, Person
from tests.database import one, sql, until_waiting

SPARE = 5.0  # seconds
EVENT = """INSERT INTO request_events (session_request_id, kind, audience, actor)
           VALUES (gen_random_uuid(), 'new_request', 'record', %s)"""


def test_events_get_their_ids_in_the_order_of_the_commits(pool: ThreadPoolExecutor, connect: Any) -> None:
    """The writer who drew first commits first: the second waits with its number, it cannot overtake."""
    before = one("SELECT coalesce(max(id), 0) FROM request_events")
    slow, quick = connect(), connect()
    slow.cursor().execute(EVENT, ("slow",))
    begun = pool.submit(quick.cursor().execute, EVENT, ("quick",))
    until_waiting(quick)
    assert sql("SELECT 1 FROM request_events WHERE id > %s", before) == []
    slow.commit()
    begun.result(SPARE)
    quick.commit()
    assert [row.actor for row in sql("SELECT actor FROM request_events ORDER BY id DESC LIMIT 2")] == ["quick", "slow"]


def test_events_a_transaction_begun_earlier_and_ended_later_has_the_greater_id(connect: Any) -> None:
    early, late = connect(), connect()
    early.cursor().execute("SELECT pg_current_xact_id()")
    late.cursor().execute(EVENT, ("late",))
    late.commit()
    early.cursor().execute(EVENT, ("early",))
    early.commit()
    newest = sql("SELECT actor, at FROM request_events ORDER BY id DESC LIMIT 2")
    assert [row.actor for row in newest] == ["early", "late"]
    assert newest[0].at > newest[1].at


def test_events_of_many_writers_are_seen_without_a_gap(pool: ThreadPoolExecutor, connect: Any) -> None:
    """Who reads `id > last` sees every row: 4 writers, 400 events, none lost."""
    last = one("SELECT coalesce(max(id), 0) FROM request_events")
    done, seen = threading.Event(), []

    def write() -> None:
        connection = connect()
        for _ in range(100):
            connection.cursor().execute(EVENT, ("writer",))
            connection.commit()

    def read() -> None:
        after, cursor = last, connect().cursor()
        while not (done.is_set() and len(seen) == 400):
            ended = done.is_set()
            cursor.connection.rollback()
            cursor.execute("SELECT id FROM request_events WHERE id > %s ORDER BY id", (after,))
            seen.extend(row[0] for row in cursor.fetchall())
            after = seen[-1] if seen else after
            if ended:
                return

    reading = pool.submit(read)
    for writing in [pool.submit(write) for _ in range(4)]:
        writing.result(60)
    done.set()
    reading.result(SPARE)
    assert len(seen) == 400


def test_events_are_hinted_at_once_a_statement(connect: Any) -> None:
    listening = connect()
    listening.autocommit = True
    listening.cursor().execute("LISTEN request_events")
    three = EVENT.replace("VALUES (", "SELECT ").replace("%s)", "%s FROM generate_series(1, 3)")
    sql(three, "system")
    sql(EVENT, "system")
    listening.cursor().execute("SELECT 1")
    listening.poll()
    # PostgreSQL folds equal hints of one transaction; here are two transactions of one statement each.
    assert [(hint.channel, hint.payload) for hint in listening.notifies] == [("request_events", "")] * 2


def test_events_have_one_statement_trigger_for_the_hint_not_one_a_row() -> None:
    assert one("SELECT tgtype & 1 FROM pg_trigger WHERE tgname = 'request_events_hint'") == 0


@pytest.mark.parametrize(
    "change",
    ["password = 'other'", "password = NULL", "role = 'customer'", "active = false", "fs_uniquifier = 'other'"],
)
def test_sign_ins_end_with_a_changed_password_role_key_or_account(change: str, marco: Mechanic, ana: Customer) -> None:
    assert _open_sign_ins(marco) == 1
    sql(f"UPDATE users SET {change} WHERE id = %s", marco.user_id)
    assert (_open_sign_ins(marco), _open_sign_ins(ana)) == (0, 1)
    assert marco.client.get("/mechanic/events").status_code in (303, 401)


@pytest.mark.parametrize("change", ["active = true", "time_zone = 'Europe/Vienna'", "confirmed_at = NULL"])
def test_sign_ins_outlive_what_is_no_matter_of_theirs(change: str, marco: Mechanic) -> None:
    sql(f"UPDATE users SET {change} WHERE id = %s", marco.user_id)
    assert _open_sign_ins(marco) == 1


@pytest.mark.parametrize("status", ["suspended", "refused", "pending"])
def test_sign_ins_of_a_mechanic_end_with_the_approval(status: str, marco: Mechanic, nadia: Mechanic) -> None:
    sql("UPDATE mechanics SET status = %s WHERE id = %s", status, marco.id)
    assert (_open_sign_ins(marco), _open_sign_ins(nadia)) == (0, 1)
    assert marco.board
    marco.board.until_closed()


def test_sign_ins_stay_when_a_mechanic_is_approved_or_renamed(zed: Mechanic, olga: Owner) -> None:
    sql("UPDATE mechanics SET status = 'approved', about = 'Brakes' WHERE id = %s", zed.id)
    assert (_open_sign_ins(zed), _open_sign_ins(olga)) == (1, 1)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sign_ins SET ended_at = clock_timestamp() WHERE user_id = %s",
        "DELETE FROM sign_ins WHERE user_id = %s",
        "UPDATE mechanics SET status = 'suspended' WHERE user_id = %s",
        "UPDATE mechanics SET workshop_id = (SELECT id FROM workshops) WHERE user_id = %s",
    ],
)
def test_control_is_hinted_when_somebody_may_hear_less(connect: Any, change: str, marco: Mechanic) -> None:
    sql("INSERT INTO workshops (slug, name) VALUES ('harbor-garage', 'Harbor Garage')")
    listening = connect()
    listening.autocommit = True
    listening.cursor().execute("LISTEN control")
    sql(change, marco.user_id)
    listening.cursor().execute("SELECT 1")
    listening.poll()
    assert {hint.channel for hint in listening.notifies} == {"control"}


def _open_sign_ins(person: Person) -> int:
    return one("SELECT count(*) FROM sign_ins WHERE user_id = %s AND ended_at IS NULL", person.user_id)
