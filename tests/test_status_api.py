"""GET /api/mechanics/{id}/status, for other programs: seven answers, in the order of the checks of product.md."""

import os
import time
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest
from flask import Flask

from tests.cast import NOBODY, Customer, Mechanic, Owner, Person
from tests.database import one, sql

MALFORMED = [
    "1",
    "not-a-uuid",
    "{00000000-0000-0000-0000-000000000000}",
    "0" * 32,
    f"{NOBODY}%20",
    f"urn:uuid:{NOBODY}",
]


def status(who: Person, mechanic_id: UUID | str) -> tuple[int, dict[str, Any]]:
    answer = who.client.get(f"/api/mechanics/{mechanic_id}/status")
    return answer.status_code, answer.get_json()


@pytest.fixture
def una(zed: Mechanic) -> Mechanic:
    """An approved mechanic without an open board, so that nobody but the test says when she was seen."""
    sql("UPDATE mechanics SET status = 'approved' WHERE id = %s", zed.id)
    return zed


def is_seen(mechanic: Mechanic, seconds_ago: int, shift: bool = True) -> datetime:
    """When that was, as the database has it."""
    since = "clock_timestamp() - interval '1 hour'" if shift else "NULL"
    ago = "clock_timestamp() - %s * interval '1 second'"
    changed = f"UPDATE mechanics SET board_seen_at = {ago}, shift_started_at = {since} WHERE id = %s"
    return one(f"{changed} RETURNING board_seen_at", seconds_ago, mechanic.id)


@pytest.mark.parametrize("mechanic_id", [NOBODY, "malformed"])
def test_a1_whoever_is_not_signed_in_gets_401_before_anything_else(app: Flask, mechanic_id: str) -> None:
    answer = app.test_client().get(f"/api/mechanics/{mechanic_id}/status")
    assert answer.status_code == 401
    assert answer.is_json


@pytest.mark.parametrize("mechanic_id", [NOBODY, "malformed"])
def test_a2_with_the_flag_off_there_is_no_such_feature(ana: Customer, mechanic_id: str) -> None:
    assert status(ana, mechanic_id) == (404, {"error": "Feature not enabled"})


@pytest.mark.usefixtures("flag_on")
@pytest.mark.parametrize("mechanic_id", MALFORMED)
def test_a3_a_malformed_id_is_told(ana: Customer, mechanic_id: str) -> None:
    assert status(ana, mechanic_id) == (400, {"error": "Invalid mechanic ID format"})


@pytest.mark.usefixtures("flag_on")
def test_a4_an_unknown_mechanic_is_not_found(ana: Customer) -> None:
    assert status(ana, uuid4()) == (404, {"is_online": False, "error": "Mechanic not found"})


@pytest.mark.usefixtures("flag_on")
@pytest.mark.parametrize("standing", ["pending", "suspended", "refused"])
def test_a5_a_mechanic_who_is_not_approved_is_never_online(ana: Customer, una: Mechanic, standing: str) -> None:
    is_seen(una, seconds_ago=1)
    sql("UPDATE mechanics SET status = %s WHERE id = %s", standing, una.id)
    assert status(ana, una.id) == (200, {"is_online": False, "reason": "Mechanic account not approved"})


@pytest.mark.usefixtures("flag_on")
def test_a6_a_mechanic_who_is_there_is_online_for_every_role(
    ana: Customer, una: Mechanic, nadia: Mechanic, olga: Owner
) -> None:
    is_seen(una, seconds_ago=29)
    online = {"is_online": True, "last_seen": None, "checked_via": "realtime_presence"}
    for reader in (ana, nadia, olga):
        assert status(reader, str(una.id).upper()) == (200, online)


@pytest.mark.usefixtures("flag_on")
def test_a6_a_mechanic_on_a_job_is_online_too(ana: Customer, una: Mechanic) -> None:
    is_seen(una, seconds_ago=1)
    assert una.accepts(ana.books()).status_code == 200
    assert status(ana, una.id)[1]["is_online"] is True


@pytest.mark.usefixtures("flag_on")
@pytest.mark.parametrize(("seconds_ago", "shift"), [(31, True), (1, False)])
def test_a7_who_is_away_was_last_seen_when_the_database_says(
    ana: Customer, una: Mechanic, seconds_ago: int, shift: bool
) -> None:
    seen = is_seen(una, seconds_ago, shift)
    code, answer = status(ana, una.id)
    assert code == 200
    assert datetime.fromisoformat(answer.pop("last_seen")) == seen
    assert answer == {"is_online": False, "checked_via": "database_fallback"}


@pytest.mark.usefixtures("flag_on")
def test_a7_who_was_never_there_was_never_seen(ana: Customer, una: Mechanic) -> None:
    never = {"is_online": False, "last_seen": None, "checked_via": "database_fallback"}
    assert status(ana, una.id) == (200, never)


def all_that_is_stored() -> dict[str, str | None]:
    """Every table, as a hash, without what a sign-in notes of its own use and what the engine beats."""
    tables = [row.name for row in sql("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")]
    row = "(to_jsonb(t) - 'seen_at' - 'board_seen_at')::text"
    hashed = f"SELECT md5(string_agg({row}, ' ' ORDER BY {row})) FROM {{}} t"
    return {table: one(hashed.format(table)) for table in tables if table != "engine_beats"}


@pytest.mark.usefixtures("flag_on")
def test_a8_a_hundred_calls_leave_no_open_connection_and_write_nothing(
    app: Flask, ana: Customer, una: Mechanic
) -> None:
    from favorites.db import db

    before = all_that_is_stored()
    for _ in range(100):
        assert status(ana, una.id)[0] == 200
    with app.app_context():
        assert db.engine.pool.checkedout() == 0
    assert one("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'") == 0
    assert all_that_is_stored() == before


@pytest.mark.usefixtures("flag_on")
def test_a9_when_presence_cannot_be_read_the_mechanics_own_row_answers_within_3_seconds(
    ana: Customer, una: Mechanic
) -> None:
    seen = is_seen(una, seconds_ago=1)
    with psycopg2.connect(os.environ["DATABASE_URL"]) as blocker:
        blocker.cursor().execute("LOCK TABLE session_requests IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        code, answer = status(ana, una.id)
        took = time.monotonic() - began
    blocker.close()
    assert code == 200
    assert datetime.fromisoformat(answer.pop("last_seen")) == seen
    assert answer == {"is_online": False, "checked_via": "database_fallback"}
    assert took < 3


def test_the_description_of_the_interface_is_for_the_owner(
    app: Flask, ana: Customer, marco: Mechanic, olga: Owner
) -> None:
    assert app.test_client().get("/api/openapi.json").status_code == 401
    assert ana.client.get("/api/openapi.json").status_code == 403
    assert marco.client.get("/api/openapi.json").status_code == 403
    described = olga.client.get("/api/openapi.json").get_json()
    assert {"/api/intake/start", "/api/mechanics/{mechanic_id}/status"} <= set(described["paths"])
    assert described["info"]["title"] == "Book Again"


def test_the_description_adds_no_address_of_its_own(app: Flask) -> None:
    assert not [rule for rule in app.url_map.iter_rules() if "apidoc" in str(rule)]
