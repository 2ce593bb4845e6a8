"""`flask upgrade` under load: the former version serves while the next one's migrations run, and no request fails."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psycopg2
import pytest

from favorites import revisions
from favorites.settings import ROOT
from tests.catalogue import facts, triggers
from tests.faults.doors import OK
from tests.faults.ground import SETTINGS
from tests.faults.scenes import Case, Stage
from tests.faults.town import Town
from tests.scratch import Database, migrated_database
from tests.server import Server, until

NEXT = "9999"
# What a next version might do to the tables that everybody uses.
MIGRATION = f'''
from alembic import op
revision, down_revision, branch_labels, depends_on = "{NEXT}", "{revisions.newest()}", None, None

def upgrade():
    op.execute("ALTER TABLE session_requests ADD COLUMN later TEXT DEFAULT 'soon' NOT NULL")
    op.execute("ALTER TABLE sessions ADD COLUMN later TIMESTAMPTZ")
    op.execute("ALTER TABLE users ADD COLUMN later INTEGER CHECK (later > 0)")
    op.execute("ALTER TABLE mechanics ADD COLUMN later UUID")
    op.execute("CREATE INDEX session_requests_later_idx ON session_requests (later)")
    op.execute("CREATE TABLE later (id UUID PRIMARY KEY, user_id UUID REFERENCES users (id))")
'''
ROUNDS = 3  # of a booking, before and after


class Crowd:
    """Two couples who book, accept, start and complete over HTTP, again and again."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.rounds, self.failures = stage, 0, []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._goes_on) for _ in range(2)]

    def __enter__(self) -> "Crowd":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def more(self) -> None:
        """Returns after some more rounds."""
        enough = self.rounds + ROUNDS
        until(lambda: self.rounds >= enough or self.failures, "they go on")

    def _goes_on(self) -> None:
        while not self.over.is_set() and not self.failures:
            self._round()

    def _round(self) -> None:
        case, http = Case(self.stage), self.stage.http
        self._must(http.intake(case.ana, case.key, case.marco))
        case.find_consultation()
        self._must(http.waiver(case.ana, case.consultation_id))
        self._must(http.pay(case.ana, case.consultation_id))
        case.find_request()
        for verb in ("accept", "start", "complete"):
            self._must(http.does(case.marco, verb, case.request_id))
        self.rounds += 1

    def _must(self, answer) -> None:
        if answer.outcome != OK:
            self.failures.append(answer)


@pytest.fixture(scope="module")
def next_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This code, and one migration more."""
    home = tmp_path_factory.mktemp("next")
    for part in ("favorites", "migrations"):
        shutil.copytree(ROOT / part, home / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", home)
    for part in ("templates", "static"):
        (home / part).symlink_to(ROOT / part)
    (home / "migrations" / "versions" / "9999_later.py").write_text(MIGRATION)
    return home


@pytest.fixture
def database() -> Iterator[Database]:
    with migrated_database() as database:
        yield database


def upgrading(version: Path, database: Database, tmp_path: Path, *more: str) -> subprocess.Popen[str]:
    """`flask upgrade` of that version, under way."""
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "upgrade", *more],
        cwd=version,
        env=os.environ | {"DATABASE_URL": database.url, "INSTANCE_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_v32_no_request_fails_while_the_next_version_migrates_under_the_former_one(
    next_version: Path, database: Database, tmp_path: Path
) -> None:
    """Somebody reads session requests for long meanwhile: the migration steps back instead of holding up who queues."""
    with Server(tmp_path / "instance", **SETTINGS, DATABASE_URL=database.url, CRASH_AT="") as server:
        server.ready()
        stage = Stage(SimpleNamespace(url=database.url, town=Town(database.url)), server)  # type: ignore[arg-type]
        with Crowd(stage) as crowd:
            crowd.more()
            reader = psycopg2.connect(database.url)
            reader.cursor().execute("SELECT count(*) FROM session_requests")
            upgrade = upgrading(next_version, database, tmp_path)
            assert upgrade.stderr
            until(lambda: "steps back" in upgrade.stderr.readline(), "the migration has met the reader")
            crowd.more()
            assert database.one("SELECT version_num FROM alembic_version") == revisions.newest()
            reader.close()
            said, complaints = upgrade.communicate(timeout=120)
            assert upgrade.returncode == 0, complaints
            assert database.one("SELECT version_num FROM alembic_version") == NEXT
            crowd.more()
        assert crowd.failures == []
        stage.town.close()
        assert len(server.workers()) == 1
        lines = [json.loads(line) for line in server.said().splitlines()]  # LOG_JSON is among SETTINGS
    assert all(line["at"].endswith("Z") and line["level"] and line["logger"] for line in lines)
    told = [line for line in lines if line["message"].startswith("[Web] POST")]
    assert len({line["request_id"] for line in told}) == len(told) >= 6 * ROUNDS
    assert f"The database is at {NEXT}, from {revisions.newest()}" in said
    assert "Restart the server" in said
    (backup,) = (tmp_path / "backups").iterdir()
    assert f"`flask restore {backup}`" in said


def test_from_0010_to_head_every_row_is_kept_and_a_second_time_nothing_happens(
    database: Database, tmp_path: Path
) -> None:
    whole = facts(database), triggers(database)
    town = Town(database.url)
    database.sql("UPDATE feature_flags SET is_enabled = true")
    Case(Stage(SimpleNamespace(url=database.url, town=town))).started()  # type: ignore[arg-type]
    town.close()
    assert database.flask("db", "downgrade", "0010").returncode == 0
    kept = (
        "SELECT to_jsonb(r) - 'later' FROM session_requests r ORDER BY id",
        "SELECT * FROM request_events ORDER BY id",
    )
    before = [database.sql(question) for question in kept]
    upgrade = upgrading(ROOT, database, tmp_path, "--backup", str(tmp_path / "before.zip"))
    said, complaints = upgrade.communicate(timeout=120)
    assert upgrade.returncode == 0, complaints
    assert "every row compared" in said
    assert (tmp_path / "before.zip").exists()
    after = [database.sql(question) for question in kept]
    for rows, old in zip(after, before, strict=True):
        assert [new[0] | was[0] for new, was in zip(rows, old, strict=True)] == [new[0] for new in rows]
    assert (facts(database), triggers(database)) == whole
    again = database.flask("upgrade")
    assert again.stdout == f"Nothing to do: the database is at {revisions.newest()} already.\n"


def test_a_migration_that_fails_leaves_nothing_half_done_and_says_the_way_back(
    next_version: Path, database: Database, tmp_path: Path
) -> None:
    """The last of its statements is refused, for somebody has made that table by hand."""
    database.sql("CREATE TABLE later (id INTEGER)")
    before = facts(database)
    upgrade = upgrading(next_version, database, tmp_path)
    _, complaints = upgrade.communicate(timeout=120)
    assert upgrade.returncode == 1
    sentence = complaints.strip().splitlines()[-1]
    assert "already exists" in sentence
    assert f"at {revisions.newest()}, nothing is half done" in sentence
    (backup,) = (tmp_path / "backups").iterdir()
    assert str(backup) in sentence
    assert facts(database) == before
    assert database.python("-c", "import app").returncode == 0


def test_older_code_refuses_a_newer_database(database: Database, tmp_path: Path) -> None:
    database.sql("UPDATE alembic_version SET version_num = '9999'")
    told = database.flask("upgrade", "--backup", str(tmp_path))
    assert told.returncode == 1
    assert "The database is at 9999, which this code does not know: run the newer code." in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_for_the_backup_is_a_sentence(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from favorites.backups import BackupError
    from favorites.cli import upgrade

    monkeypatch.setattr(upgrade, "url", lambda: database.url)
    monkeypatch.setattr(upgrade.shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    with pytest.raises(BackupError, match=r"has 1 MB free, and the database \d+ MB: make room"):
        upgrade._back_up(tmp_path)
