"""Row D6: the seeds' migration as a file that psql runs again and again, and that fails where theirs warned."""

from collections.abc import Iterator

import pytest

from tests.catalogue import facts
from tests.scratch import ROOT, Database, migrated_database

FILE = ROOT / "migrations" / "sql" / "phase_4_favorites_priority_columns.sql"
COMPLETE = "✅ Phase 4 Migration Complete!"
SAID = (
    "✅ Column added: preferred_mechanic_id (UUID)",
    "✅ Column added: priority_window_minutes (INTEGER, default 10)",
    "✅ Column added: priority_notified_at (TIMESTAMPTZ)",
    "✅ Foreign key: preferred_mechanic_id → mechanics(id)",
    "✅ Indexes created: 3 priority-related indexes",
    "============================================",
    COMPLETE,
)
KEY = "session_requests_preferred_mechanic_id_fkey"
TIMEOUT = "session_requests_priority_timeout_idx"

# What somebody did by hand → the words in which the file refuses it.
WRONG = {
    "another type": (
        """ALTER TABLE session_requests DROP COLUMN priority_notified_at CASCADE;
           ALTER TABLE session_requests ADD COLUMN priority_notified_at timestamp""",
        "Column missing or different from phase 4: priority_notified_at",
    ),
    "another type of the key": (
        """ALTER TABLE session_requests DROP COLUMN preferred_mechanic_id CASCADE;
           ALTER TABLE session_requests ADD COLUMN preferred_mechanic_id text""",
        f'foreign key constraint "{KEY}" cannot be implemented',
    ),
    "another default": (
        "ALTER TABLE session_requests ALTER priority_window_minutes SET DEFAULT 15",
        "Column missing or different from phase 4: priority_window_minutes",
    ),
    "NULL allowed": (
        "ALTER TABLE session_requests ALTER priority_window_minutes DROP NOT NULL",
        "Column missing or different from phase 4: priority_window_minutes",
    ),
    "another predicate": (
        f"""DROP INDEX {TIMEOUT};
            CREATE INDEX {TIMEOUT} ON session_requests (priority_notified_at, status)""",
        f"Index missing, invalid or different from phase 4: {TIMEOUT}",
    ),
    "other columns": (
        f"""DROP INDEX {TIMEOUT};
            CREATE INDEX {TIMEOUT} ON session_requests (priority_notified_at)
             WHERE priority_notified_at IS NOT NULL AND status = 'pending'""",
        f"Index missing, invalid or different from phase 4: {TIMEOUT}",
    ),
    "another key": (
        f"""ALTER TABLE session_requests DROP CONSTRAINT {KEY};
            ALTER TABLE session_requests ADD CONSTRAINT {KEY}
              FOREIGN KEY (preferred_mechanic_id) REFERENCES mechanics (id) ON DELETE CASCADE""",
        f"Foreign key missing or different from phase 4: {KEY}",
    ),
    "no key and a mechanic who never was": (
        f"""ALTER TABLE session_requests DROP CONSTRAINT {KEY};
            INSERT INTO users (email, role, fs_uniquifier) VALUES ('ana@demo.test', 'customer', 'ana');
            INSERT INTO customers (user_id, first_name) SELECT id, 'Ana' FROM users;
            INSERT INTO session_requests (customer_id, session_type, plan_code, preferred_mechanic_id)
            SELECT id, 'chat', 'chat10', gen_random_uuid() FROM customers""",
        f'violates foreign key constraint "{KEY}"',
    ),
}


@pytest.fixture
def database() -> Iterator[Database]:
    with migrated_database() as database:
        yield database


def notices(told: str) -> list[str]:
    """The texts of the NOTICEs, in order."""
    return [line.partition("NOTICE:  ")[2] for line in told.splitlines() if "NOTICE:  " in line]


def test_d6_runs_twice_changes_nothing_and_reports_each_step(database: Database) -> None:
    before = facts(database)
    for _ in range(2):
        told = database.psql(FILE)
        assert told.returncode == 0, told.stderr
        steps = notices(told.stderr)
        assert steps[-len(SAID) :] == list(SAID)
        assert f"✅ Foreign key constraint is there: {KEY}" in steps
        assert sum("already exists, skipping" in step for step in steps) == 6  # three columns, three indexes
    assert facts(database) == before


def test_d6_builds_everything_where_nothing_is_there(database: Database) -> None:
    before = facts(database)
    assert database.flask("db", "downgrade", "0001").returncode == 0
    told = database.psql(FILE)
    assert (told.returncode, notices(told.stderr)) == (0, [f"✅ Added foreign key constraint: {KEY}", *SAID])
    assert database.flask("db", "upgrade").returncode == 0  # as a migration it finds everything there
    assert facts(database) == before


@pytest.mark.parametrize("name", WRONG)
def test_d6_fails_where_the_seed_only_warned(name: str, database: Database) -> None:
    spoil, words = WRONG[name]
    database.sql(spoil)
    told = database.psql(FILE)
    assert told.returncode != 0
    assert words in told.stderr
    assert COMPLETE not in told.stderr


def test_d6_a_missing_key_and_one_never_validated_are_mended(database: Database) -> None:
    before = facts(database)
    database.sql(f"ALTER TABLE session_requests DROP CONSTRAINT {KEY}")
    assert f"✅ Added foreign key constraint: {KEY}" in notices(database.psql(FILE).stderr)
    assert facts(database) == before
    database.sql(f"UPDATE pg_constraint SET convalidated = false WHERE conname = '{KEY}'")
    assert database.psql(FILE).returncode == 0
    assert facts(database) == before


def test_d6_an_invalid_index_left_behind_is_dropped_and_made_again(database: Database) -> None:
    before = facts(database)
    database.sql(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{TIMEOUT}'::regclass")
    assert facts(database) != before
    told = database.psql(FILE)
    assert told.returncode == 0, told.stderr
    assert f"Dropping invalid index {TIMEOUT}" in notices(told.stderr)
    assert facts(database) == before
