"""The schema that migrations make is the schema that models describe, by PostgreSQL's own words for both.

`flask db check` sees neither partial predicates, CHECKs, keys NOT VALID nor invalid indexes; each drift below is
planted and must be found.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine

from favorites.models import SessionRequest
from tests.catalogue import differences, facts, triggers
from tests.scratch import Database, migrated_database, new_database

WAS_ASKED_FIRST = """old.preferred_mechanic_id IS NOT NULL AND new.preferred_mechanic_id IS NULL
    AND old.status = 'pending' AND old.priority_notified_at IS NOT NULL AND old.fallback_broadcast_at IS NULL"""

TRIGGERS = {
    "request_events request_events_draw_id": "BEFORE INSERT FOR EACH ROW EXECUTE FUNCTION request_events_draw_id",
    "request_events request_events_hint": "AFTER INSERT FOR EACH STATEMENT EXECUTE FUNCTION request_events_hint",
    "users users_end_sign_ins": """AFTER UPDATE FOR EACH ROW WHEN old.password IS DISTINCT FROM new.password
        OR old.role <> new.role OR old.fs_uniquifier <> new.fs_uniquifier OR old.active AND NOT new.active
        EXECUTE FUNCTION users_end_sign_ins""",
    "mechanics mechanics_end_sign_ins": """AFTER UPDATE OF status FOR EACH ROW
        WHEN old.status = 'approved' AND new.status <> 'approved' EXECUTE FUNCTION mechanics_end_sign_ins""",
    "mechanics mechanics_control_hint": """AFTER UPDATE OF status, workshop_id FOR EACH ROW
        WHEN old.status <> new.status OR old.workshop_id IS DISTINCT FROM new.workshop_id
        EXECUTE FUNCTION control_hint""",
    "sign_ins sign_ins_control_hint": """AFTER UPDATE OF ended_at FOR EACH ROW
        WHEN old.ended_at IS NULL AND new.ended_at IS NOT NULL EXECUTE FUNCTION control_hint""",
    "sign_ins sign_ins_end_push": """AFTER UPDATE OF ended_at FOR EACH ROW
        WHEN old.ended_at IS NULL AND new.ended_at IS NOT NULL EXECUTE FUNCTION sign_ins_end_push""",
    "sign_ins sign_ins_gone_hint": "AFTER DELETE FOR EACH STATEMENT EXECUTE FUNCTION control_hint",
    "session_requests preferred_mechanic_gone": f"""BEFORE UPDATE OF preferred_mechanic_id FOR EACH ROW
        WHEN {WAS_ASKED_FIRST} EXECUTE FUNCTION preferred_mechanic_gone""",
    "session_requests preferred_mechanic_gone_events": f"""AFTER UPDATE DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN {WAS_ASKED_FIRST} AND new.fallback_broadcast_at IS NOT NULL
        EXECUTE FUNCTION preferred_mechanic_gone_events""",
}

DRIFTS = {
    "index session_requests_priority_timeout_idx": """
        DROP INDEX session_requests_priority_timeout_idx;
        CREATE INDEX session_requests_priority_timeout_idx ON session_requests (priority_notified_at, status)
          WHERE priority_notified_at IS NOT NULL""",
    "index session_requests_one_open_per_customer": """
        UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'session_requests_one_open_per_customer'::regclass""",
    "index sessions_one_free_per_customer": "DROP INDEX sessions_one_free_per_customer",
    "index session_requests_by_hand_idx": "CREATE INDEX session_requests_by_hand_idx ON session_requests (plan_code)",
    "constraint session_requests session_requests_window_makes_sense": """
        ALTER TABLE session_requests DROP CONSTRAINT session_requests_window_makes_sense""",
    "constraint session_requests session_requests_status_known": """
        ALTER TABLE session_requests DROP CONSTRAINT session_requests_status_known;
        ALTER TABLE session_requests ADD CONSTRAINT session_requests_status_known CHECK (status <> '')""",
    "constraint session_requests session_requests_preferred_mechanic_id_fkey": """
        ALTER TABLE session_requests DROP CONSTRAINT session_requests_preferred_mechanic_id_fkey;
        ALTER TABLE session_requests ADD CONSTRAINT session_requests_preferred_mechanic_id_fkey
          FOREIGN KEY (preferred_mechanic_id) REFERENCES mechanics (id) ON DELETE SET NULL NOT VALID""",
    "column session_requests.priority_window_minutes": """
        ALTER TABLE session_requests ALTER priority_window_minutes SET DEFAULT 15""",
    "column session_requests.customer_name": "ALTER TABLE session_requests ALTER customer_name DROP NOT NULL",
    "column sessions.created_at": "ALTER TABLE sessions ALTER created_at TYPE timestamp",
    "comment session_requests.priority_notified_at": """
        COMMENT ON COLUMN session_requests.priority_notified_at IS NULL""",
    "comment plans": "COMMENT ON TABLE plans IS 'Something else'",
}


@pytest.fixture(scope="module")
def expected() -> Iterator[dict[str, str]]:
    """What the catalogue says where the tables were made from the models alone."""
    with new_database() as database:
        engine = create_engine(database.url.replace("postgresql:", "postgresql+psycopg2:"))
        SessionRequest.metadata.create_all(engine)
        engine.dispose()
        yield facts(database)


@pytest.fixture(scope="module")
def migrated() -> Iterator[Database]:
    with migrated_database() as database:
        yield database


def test_catalogue_is_what_the_models_say(migrated: Database, expected: dict[str, str]) -> None:
    said = facts(migrated)
    assert {name: (said.get(name), expected.get(name)) for name in differences(said, expected)} == {}
    assert len(said) > 400  # the questions have answers


def test_catalogue_every_column_of_every_table_has_a_comment(migrated: Database) -> None:
    said = facts(migrated)
    columns = {name.removeprefix("column ") for name in said if name.startswith("column ")}
    assert columns <= {name.removeprefix("comment ") for name in said}
    assert [name for name, fact in said.items() if fact == "MISSING"] == []


def test_catalogue_has_these_triggers_and_no_other(migrated: Database) -> None:
    assert {name: _plain(fact) for name, fact in triggers(migrated).items()} == {
        name: _plain(fact) for name, fact in TRIGGERS.items()
    }


def test_catalogue_flask_db_check_finds_nothing(migrated: Database) -> None:
    told = migrated.flask("db", "check")
    assert (told.returncode, told.stdout.strip()) == (0, "No new upgrade operations detected."), told.stderr


DOWN_AND_UP = """from alembic import command
from tests.database import config
command.upgrade(config(), 'head')
command.downgrade(config(), '{to}')
command.upgrade(config(), 'head')"""
FUNCTIONS = "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"


@pytest.mark.parametrize("to", ["0003", "0002", "0001", "base"])
def test_v32_up_twice_and_down_and_up_again_is_the_same_catalogue(to: str, migrated: Database) -> None:
    with migrated_database() as database:
        told = database.python("-c", DOWN_AND_UP.format(to=to))
        assert told.returncode == 0, told.stderr
        for snapshot in (facts, triggers, lambda of: dict(of.sql(FUNCTIONS))):
            assert differences(snapshot(database), snapshot(migrated)) == set()


@pytest.mark.parametrize("name", DRIFTS)
def test_catalogue_finds_a_drift(name: str, expected: dict[str, str]) -> None:
    with migrated_database() as database:
        database.sql(DRIFTS[name])
        assert name in differences(facts(database), expected)


def test_catalogue_finds_a_generated_column_that_is_none(expected: dict[str, str]) -> None:
    with migrated_database() as database:
        database.sql("ALTER TABLE session_requests ALTER priority_expires_at DROP EXPRESSION")
        assert differences(facts(database), expected) == {
            "column session_requests.priority_expires_at",
            "stored session_requests.priority_expires_at",
        }


def test_catalogue_finds_a_trigger_that_sleeps(migrated: Database) -> None:
    with migrated_database() as database:
        database.sql("ALTER TABLE request_events DISABLE TRIGGER request_events_draw_id")
        assert differences(triggers(database), triggers(migrated)) == {
            "request_events request_events_draw_id",
            "request_events request_events_draw_id DISABLED",
        }


def _plain(definition: str) -> str:
    return " ".join(definition.replace("::text", "").replace("(", "").replace(")", "").split())
