"""Rows D1, D2, D4 to D9: the seeds' phase 4 in the schema. Their SQL stands here as they wrote it."""

from collections.abc import Iterator

import psycopg2.errors
import pytest
from alembic.script import ScriptDirectory

from favorites import revisions
from favorites.settings import ROOT
from tests.scratch import Database, migrated_database, new_database

INDEXES = (
    "session_requests_preferred_mechanic_idx",
    "session_requests_priority_analytics_idx",
    "session_requests_priority_timeout_idx",
)
STEP_3 = """
SELECT
  column_name,
  data_type,
  is_nullable,
  column_default
FROM information_schema.columns
WHERE table_schema = 'public'
  AND table_name = 'session_requests'
  AND column_name IN ('preferred_mechanic_id', 'priority_window_minutes', 'priority_notified_at')
ORDER BY column_name;
"""
STEP_4 = """
SELECT
  con.conname AS constraint_name,
  con.contype AS constraint_type,
  att.attname AS column_name,
  referenced_table.relname AS referenced_table
FROM pg_constraint con
JOIN pg_attribute att ON att.attnum = ANY(con.conkey) AND att.attrelid = con.conrelid
JOIN pg_class referenced_table ON referenced_table.oid = con.confrelid
WHERE con.conname = 'session_requests_preferred_mechanic_id_fkey';
"""
STEP_5 = """
SELECT
  indexname,
  indexdef
FROM pg_indexes
WHERE schemaname = 'public'
  AND tablename = 'session_requests'
  AND indexname LIKE '%priority%'
ORDER BY indexname;
"""
# auth.uid() was the database's own word for who is signed in; here it is the customer's id.
TEST_3 = """
INSERT INTO session_requests (
  customer_id,
  session_type,
  plan_code,
  status,
  customer_name,
  preferred_mechanic_id
) VALUES (
  {customer_id},
  'chat',
  'chat10',
  'pending',
  'Test Customer',
  {mechanic_id}
);
"""
PEOPLE = """
INSERT INTO users (email, role, fs_uniquifier)
SELECT name || '@demo.test', 'customer', name FROM unnest('{ana,ben,marco,nadia}'::text[]) AS name;
INSERT INTO customers (user_id, first_name) SELECT id, fs_uniquifier FROM users WHERE fs_uniquifier IN ('ana', 'ben');
INSERT INTO mechanics (user_id, first_name, status) SELECT id, fs_uniquifier, 'approved' FROM users
 WHERE fs_uniquifier IN ('marco', 'nadia');
"""
# `python app.py` is not among them: it migrates before it serves.
STARTS = (
    ["-c", "import app"],
    ["-m", "flask", "--app", "app", "run", "--port", "0"],
    ["-m", "gunicorn", "--bind", "127.0.0.1:0", "app:app"],
)
ANA = "(SELECT id FROM customers WHERE first_name = 'ana')"


@pytest.fixture(scope="module")
def migrated() -> Iterator[Database]:
    with migrated_database() as database:
        yield database


@pytest.fixture
def database() -> Iterator[Database]:
    """A copy to spoil."""
    with migrated_database() as database:
        database.sql(PEOPLE)
        yield database


def test_d1_three_columns(migrated: Database) -> None:
    assert migrated.sql(STEP_3) == [
        ("preferred_mechanic_id", "uuid", "YES", None),
        ("priority_notified_at", "timestamp with time zone", "YES", None),
        ("priority_window_minutes", "integer", "NO", "10"),
    ]


def test_d2_foreign_key_to_mechanics(migrated: Database) -> None:
    assert migrated.sql(STEP_4) == [
        ("session_requests_preferred_mechanic_id_fkey", "f", "preferred_mechanic_id", "mechanics")
    ]


def test_d4_three_indexes_with_the_seeds_names_columns_and_predicates(migrated: Database) -> None:
    found = migrated.sql(STEP_5.replace("indexname LIKE '%priority%'", "indexname = ANY(%s)"), list(INDEXES))
    start = "CREATE INDEX {} ON public.session_requests USING btree "
    assert [row.indexdef.removeprefix(start.format(row.indexname)) for row in found] == [
        "(preferred_mechanic_id) WHERE (preferred_mechanic_id IS NOT NULL)",
        "(preferred_mechanic_id, priority_notified_at, status) WHERE (preferred_mechanic_id IS NOT NULL)",
        "(priority_notified_at, status) WHERE ((priority_notified_at IS NOT NULL) AND (status = 'pending'::text))",
    ]


def test_d4_the_seeds_own_question_finds_two_and_never_one_of_ours(migrated: Database) -> None:
    assert [row.indexname for row in migrated.sql(STEP_5)] == list(INDEXES[1:])


def test_d5_comments_on_all_three_columns(migrated: Database) -> None:
    assert dict(
        migrated.sql(
            """SELECT attname, col_description(attrelid, attnum) FROM pg_attribute
            WHERE attrelid = 'session_requests'::regclass
              AND attname IN ('preferred_mechanic_id', 'priority_window_minutes', 'priority_notified_at')"""
        )
    ) == {
        "preferred_mechanic_id": "The favorite mechanic who is asked first; NULL when there is no preference",
        "priority_window_minutes": "How long only the preferred mechanic may answer, minutes; "
        "frozen when the session request is made",
        "priority_notified_at": "When the preferred mechanic was asked: the start of the priority window; "
        "NULL when there was none",
    }


def test_d7_an_unknown_mechanic_is_refused_by_name_and_detail(database: Database) -> None:
    with pytest.raises(psycopg2.errors.ForeignKeyViolation) as refused:
        database.sql(TEST_3.format(customer_id=ANA, mechanic_id="'00000000-0000-0000-0000-000000000000'"))
    assert refused.value.diag.message_primary == (
        'insert or update on table "session_requests" violates foreign key constraint '
        '"session_requests_preferred_mechanic_id_fkey"'
    )
    assert refused.value.diag.message_detail == (
        'Key (preferred_mechanic_id)=(00000000-0000-0000-0000-000000000000) is not present in table "mechanics".'
    )


def test_d7_six_columns_suffice_with_an_approved_mechanic(database: Database) -> None:
    database.sql(
        TEST_3.format(customer_id=ANA, mechanic_id="(SELECT id FROM mechanics WHERE status = 'approved' LIMIT 1)")
    )
    row = database.one("SELECT * FROM session_requests")
    assert (row.status, row.customer_name, row.priority_window_minutes) == ("pending", "Test Customer", 10)
    assert database.one("SELECT first_name || last_name FROM mechanics WHERE id = %s", row.preferred_mechanic_id)


def test_d8_down_below_phase_4_and_up_again_keeps_every_row(database: Database) -> None:
    database.sql(TEST_3.format(customer_id=ANA, mechanic_id="(SELECT id FROM mechanics WHERE first_name = 'marco')"))
    kept = "SELECT id, customer_id, customer_name, created_at, status, plan_code FROM session_requests"
    before = database.one(kept)
    assert database.flask("db", "downgrade", "0001").returncode == 0
    assert database.sql(STEP_3) == database.sql(STEP_4) == database.sql(STEP_5) == []
    assert database.one("SELECT count(*) FROM pg_indexes WHERE indexname = ANY(%s)", list(INDEXES)) == 0
    assert database.one("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'preferred_mechanic_gone%'") == 0
    assert database.one(kept) == before
    assert database.flask("db", "upgrade").returncode == 0
    assert database.one(kept) == before
    row = database.one("SELECT * FROM session_requests")
    assert (row.preferred_mechanic_id, row.priority_notified_at, row.priority_window_minutes) == (None, None, 10)
    assert len(database.sql(STEP_3)) == 3
    assert database.flask("db", "check").returncode == 0


def test_d9_on_a_schema_that_is_behind_nothing_starts_until_flask_db_upgrade(database: Database) -> None:
    assert database.flask("db", "downgrade", "0002").returncode == 0
    for start in STARTS:
        told = database.python(*start)
        assert told.returncode != 0, start
        assert "run `flask db upgrade`" in told.stdout + told.stderr
    assert database.flask("db", "upgrade").returncode == 0
    assert database.python("-c", "import app").returncode == 0


def test_d9_a_database_with_nothing_in_it_is_behind() -> None:
    with new_database() as database:
        told = database.python("-c", "import app")
        assert told.returncode != 0
        assert "run `flask db upgrade`" in told.stderr


def test_d9_a_newer_schema_is_refused_by_the_application_and_by_its_migrations(database: Database) -> None:
    database.sql("UPDATE alembic_version SET version_num = '9999'")
    for start in (["-c", "import app"], ["-m", "flask", "--app", "app", "db", "upgrade"]):
        told = database.python(*start)
        assert told.returncode != 0, start
        assert "The database is at 9999, which this code does not know: run the newer code." in told.stderr
        assert "Traceback" not in told.stderr


def test_the_revisions_that_the_files_are_named_by_are_those_that_alembic_walks() -> None:
    scripts = ScriptDirectory(str(ROOT / "migrations"))
    assert revisions.newest() == scripts.get_current_head()
    assert set(revisions.known()) == {script.revision for script in scripts.walk_revisions()}
