"""A backup holds every row, is proved before it has its name, and takes the database's place whole or not at all."""

import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg2
import pytest

from favorites import postgres
from favorites.backups import BackupError, archive, making, restoring
from favorites.backups.rows import difference
from favorites.backups.server import Server
from favorites.embedded import programs
from favorites.settings import ROOT
from tests.catalogue import facts, triggers
from tests.database import hang_up, newer_binaries
from tests.scratch import Database, migrated_database, new_database
from tests.server import clear, environment, new_instance

KEY = "k" * 64
# What is easily lost on the way: no text, odd letters, bytes, JSON, an instant to the microsecond.
ODD = """
UPDATE customers SET city = E'Łódź\t\\\\N "x"', phone = '';
UPDATE sessions SET metadata = '{"a": [1, null, "ß"]}', created_at = '2026-03-29 01:59:59.999999+00'
 WHERE id = (SELECT id FROM sessions ORDER BY id LIMIT 1);
INSERT INTO messages (id, session_id, user_id, body, number)
SELECT gen_random_uuid(), s.id, c.user_id, E'\\u2028 it howls', 1000
  FROM sessions s JOIN customers c ON c.id = s.customer_id ORDER BY s.id LIMIT 1;
INSERT INTO photos SELECT id, '\\x00ff00', '\\x0d0a', 1, 1 FROM messages WHERE number = 1000
"""
SEQUENCES = "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


def everything(database: Database) -> dict[str, list[Any]]:
    """Every row of every table, as values, and how far each sequence has come."""
    tables = [table for (table,) in database.sql(TABLES)]
    rows = {table: sorted(map(written, database.sql(f"SELECT * FROM {table}"))) for table in tables}
    return rows | {"sequences": list(map(tuple, database.sql(SEQUENCES)))}


def written(row: tuple[Any, ...]) -> str:
    return repr([value.tobytes() if isinstance(value, memoryview) else value for value in row])


@pytest.fixture(scope="module")
def source() -> Iterator[Database]:
    """A month of a demo, and what is easily lost."""
    with migrated_database() as database:
        told = database.flask("demo-data")
        assert told.returncode == 0, told.stderr
        database.sql(ODD)
        yield database


@pytest.fixture(scope="module")
def backup(source: Database, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it, with a key."""
    home = tmp_path_factory.mktemp("backup")
    (home / "secret_key").write_text(KEY)
    return making.make(source.url, home / "whole.zip", home, check=True).path


@pytest.fixture
def other() -> Iterator[Database]:
    """A database that a backup may take the place of; what is kept of it goes, too."""
    with migrated_database() as database:
        database.sql("INSERT INTO workshops (id, slug, name) VALUES (gen_random_uuid(), 'here-first', 'Here First')")
        forget(database)
        yield database
        for (kept,) in beside(database):
            database.sql(f"DROP DATABASE {kept}")


def forget(database: Database) -> None:
    """No connection of the tests' own is in the way."""
    hang_up(database.url)


def beside(database: Database) -> list[Any]:
    """The databases that were made beside this one and are there still."""
    return database.sql("SELECT datname FROM pg_database WHERE datname LIKE %s", f"{database.name}\\_%")


def test_every_row_of_every_table_comes_back_with_its_ids_its_order_and_its_generated_columns(
    source: Database, backup: Path, other: Database, tmp_path: Path
) -> None:
    before = everything(source)
    assert len(before["session_requests"]) > 50
    assert len(before["request_events"]) > 100
    assert len(before["photos"]) == 1
    assert any("it howls" in row for row in before["messages"])
    done = restoring.put_back(other.url, backup, tmp_path, in_use=False)
    assert everything(other) == before
    assert facts(other) == facts(source)
    assert triggers(other) == triggers(source)
    assert sum(number for number, _ in done.rows.values()) == sum(map(len, before.values())) - len(before["sequences"])
    lapsing = "SELECT count(*) FROM session_requests WHERE priority_expires_at > priority_notified_at"
    assert other.one(lapsing) == source.one(lapsing) > 10


def test_what_was_there_before_a_restore_is_kept_and_can_be_read(other: Database, backup: Path, tmp_path: Path) -> None:
    done = restoring.put_back(other.url, backup, tmp_path, in_use=False)
    assert [row[0] for row in beside(other)] == [done.kept]
    with psycopg2.connect(other.url.replace(f"/{other.name}?", f"/{done.kept}?")) as kept:
        cursor = kept.cursor()
        cursor.execute("SELECT slug FROM workshops")
        assert cursor.fetchall() == [("here-first",)]
    kept.close()


def test_a_backup_is_one_file_for_our_eyes_only_with_the_keys_and_nothing_beside(backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert sorted(path.name for path in backup.parent.iterdir()) == ["secret_key", "whole.zip"]
    with zipfile.ZipFile(backup) as file:
        assert sorted(file.namelist()) == ["database.dump", "manifest.json", "secret_key"]
        assert file.read("secret_key").decode() == KEY


def test_it_is_of_one_moment_while_people_go_on(
    source: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction is open all the time, another ends after the snapshot and before pg_dump reads."""
    open_one = psycopg2.connect(source.url)
    open_one.cursor().execute("UPDATE workshops SET name = name || ' half'")
    writes = archive.write

    def meanwhile(*arguments: Any) -> None:
        source.sql("INSERT INTO workshops (id, slug, name) VALUES (gen_random_uuid(), 'later', 'Later')")
        writes(*arguments)

    monkeypatch.setattr(archive, "write", meanwhile)
    before = source.one("SELECT count(*) FROM workshops")
    made = making.make(source.url, tmp_path / "b.zip", tmp_path, check=True)
    open_one.close()
    assert made.rows["public.workshops"][0] == before
    source.sql("DELETE FROM workshops WHERE slug = 'later'")


def test_one_that_does_not_hold_what_it_should_gets_no_name(
    source: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = archive.write

    def lies(part: Path, dump: Any, manifest: archive.Manifest, instance: Path) -> None:
        told = replace(manifest, rows=manifest.rows | {"public.workshops": (77, "0")})
        writes(part, dump, told, instance)

    monkeypatch.setattr(archive, "write", lies)
    assert making.make(source.url, tmp_path / "unchecked.zip", tmp_path, check=False).path.exists()
    with pytest.raises(BackupError, match=r"public\.workshops has \d+ rows instead of 77"):
        making.make(source.url, tmp_path / "b.zip", tmp_path, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["unchecked.zip"]
    assert beside(source) == []


def test_a_row_that_changed_is_found_although_the_number_is_right(source: Database) -> None:
    with psycopg2.connect(source.url) as connection:
        before = making.rows_of(connection)
        connection.cursor().execute("UPDATE customers SET city = city || ' ' WHERE first_name = 'Ana'")
        assert difference(before, making.rows_of(connection)) == "public.customers has other rows"
        connection.rollback()
    connection.close()


def damaged(backup: Path, tmp_path: Path) -> Path:
    """One byte of the dump is another."""
    content = bytearray(backup.read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "damaged.zip").write_bytes(content)
    return tmp_path / "damaged.zip"


def cut(backup: Path, tmp_path: Path) -> Path:
    """The copy broke off."""
    (tmp_path / "cut.zip").write_bytes(backup.read_bytes()[:-500])
    return tmp_path / "cut.zip"


def foreign(backup: Path, tmp_path: Path) -> Path:
    """Somebody else's zip file."""
    with zipfile.ZipFile(tmp_path / "foreign.zip", "w") as file:
        file.writestr("holiday.txt", "sun")
    return tmp_path / "foreign.zip"


def retold(backup: Path, tmp_path: Path, **other: object) -> Path:
    """The same with another word in its manifest."""
    with zipfile.ZipFile(backup) as old, zipfile.ZipFile(tmp_path / "retold.zip", "w") as new:
        for name in set(old.namelist()) - {"manifest.json"}:
            new.writestr(name, old.read(name))
        new.writestr("manifest.json", json.dumps(json.loads(old.read("manifest.json")) | other))
    return tmp_path / "retold.zip"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (damaged, "is damaged"),
        (cut, "is damaged"),
        (foreign, r"is no backup of `flask backup`"),
        (lambda backup, home: home / "nowhere.zip", "cannot be read"),
        (lambda backup, home: retold(backup, home, revision="9999"), "schema 9999, which this code does not know"),
        (lambda backup, home: retold(backup, home, postgresql=99), "is of PostgreSQL 99"),
        (lambda backup, home: retold(backup, home, format=2), "by a newer Book Again"),
        (lambda backup, home: retold(backup, home, rows={"public.users": [1, "1"]}), "not what was backed up"),
    ],
    ids=["damaged", "cut", "foreign", "missing", "newer", "newer PostgreSQL", "newer format", "other rows"],
)
def test_what_cannot_be_restored_is_a_sentence_and_changes_nothing(
    other: Database, backup: Path, tmp_path: Path, spoil: Any, sentence: str
) -> None:
    with pytest.raises(BackupError, match=sentence):
        restoring.put_back(other.url, spoil(backup, tmp_path), tmp_path, in_use=False)
    assert other.one("SELECT slug FROM workshops") == "here-first"
    assert beside(other) == []
    assert not (tmp_path / "secret_key").exists()


def test_an_older_schema_is_brought_to_this_codes(source: Database, other: Database, tmp_path: Path) -> None:
    assert other.flask("db", "downgrade", "0010").returncode == 0
    old = making.make(other.url, tmp_path / "old.zip", tmp_path, check=True)
    forget(other)
    restoring.put_back(other.url, old.path, tmp_path, in_use=False)
    assert facts(other) == facts(source)
    assert other.one("SELECT slug FROM workshops") == "here-first"


def test_a_database_in_use_is_not_replaced_unless_one_says_so(other: Database, backup: Path, tmp_path: Path) -> None:
    connection = psycopg2.connect(other.url, application_name="book-again")
    with pytest.raises(BackupError, match=r"is in use \(book-again\): stop the server"):
        restoring.put_back(other.url, backup, tmp_path, in_use=False)
    assert other.one("SELECT slug FROM workshops") == "here-first"
    forget(other)
    restoring.put_back(other.url, backup, tmp_path, in_use=True)
    assert other.one("SELECT count(*) FROM workshops WHERE slug = 'here-first'") == 0
    with pytest.raises(psycopg2.OperationalError):
        connection.cursor().execute("SELECT 1")
    connection.close()


def test_other_keys_give_way_and_are_kept_beside(other: Database, backup: Path, tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("another")
    done = restoring.put_back(other.url, backup, tmp_path, in_use=False)
    assert done.keys == ["secret_key"]
    assert (tmp_path / "secret_key").read_text() == KEY
    (kept,) = tmp_path.glob("secret_key.before_restore_*")
    assert kept.read_text() == "another"


def test_keys_that_cannot_be_written_are_told_of_after_the_database_is_there(
    other: Database, source: Database, backup: Path, tmp_path: Path
) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(BackupError, match="The database is restored, and the keys are not: "):
        restoring.put_back(other.url, backup, tmp_path / "a file", in_use=False)
    assert other.one("SELECT count(*) FROM session_requests") == source.one("SELECT count(*) FROM session_requests") > 0


def test_a_role_that_may_not_make_databases_is_told_so(source: Database, tmp_path: Path) -> None:
    source.sql("CREATE ROLE keeper LOGIN PASSWORD 'keeper' IN ROLE pg_read_all_data")
    try:
        parts = psycopg2.extensions.parse_dsn(source.url) | {"user": "keeper", "password": "keeper"}
        refused = Database(source.name)
        refused.url = f"postgresql:///{source.name}?{urlencode({k: v for k, v in parts.items() if k != 'dbname'})}"
        told = refused.flask("backup", str(tmp_path / "b.zip"))
    finally:
        source.sql("DROP ROLE keeper")
    assert told.returncode == 1
    assert "PostgreSQL does not allow it (permission denied to create database)" in told.stderr
    assert "CREATEDB" in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_do_not_meet(source: Database, tmp_path: Path) -> None:
    with Server(source.url), pytest.raises(BackupError, match="Another backup or restore"):
        making.make(source.url, tmp_path / "b.zip", tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_written_over_and_no_directory_made(source: Database, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_text("mine")
    with pytest.raises(BackupError, match="is there already"):
        making.make(source.url, tmp_path / "b.zip", tmp_path, check=True)
    with pytest.raises(BackupError, match="There is no directory"):
        making.make(source.url, tmp_path / "no" / "b.zip", tmp_path, check=True)
    assert (tmp_path / "b.zip").read_text() == "mine"


def test_a_full_disk_is_a_sentence_and_leaves_no_half(
    source: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(archive.shutil, "copyfileobj", full)
    with pytest.raises(BackupError, match="No space left on device"):
        making.make(source.url, tmp_path / "b.zip", tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_somebody_else_is_not_backed_up(tmp_path: Path) -> None:
    with new_database() as empty, pytest.raises(BackupError, match="holds no tables of Book Again"):
        making.make(empty.url, tmp_path / "b.zip", tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []


def test_programs_older_than_the_server_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(postgres.MachineError, match=r"no pg_dump of PostgreSQL 99 or newer.*postgresql-client-99"):
        programs.client("pg_dump", 99)
    found = programs.client("pg_dump", 15)
    assert found.name == "pg_dump"
    assert (programs.version_of(found) or 0) >= 15


def test_programs_newer_than_the_server_do_as_well(
    source: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer pg_restore sets what this server does not know, which is no fault; all else would be."""
    newest = newer_binaries()
    assert newest  # else it is not collected
    monkeypatch.setattr(making, "client", lambda name, _: newest / name)
    making.make(source.url, tmp_path / "b.zip", tmp_path, check=True)
    with archive.reading(tmp_path / "b.zip") as (_, manifest):
        assert manifest.pg_dump > manifest.postgresql


def test_the_command_names_its_file_by_the_moment_and_keeps_as_many_as_it_should(
    source: Database, tmp_path: Path
) -> None:
    for name in ("book-again-20200101T000000Z.zip", "book-again-20210101T000000Z.zip", "holiday.zip"):
        (tmp_path / name).write_text("old")
    told = source.flask("backup", str(tmp_path), "--keep", "2", "--no-check")
    assert told.returncode == 0, told.stderr
    assert "tables" in told.stdout
    assert "not checked" in told.stdout
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[0] == "book-again-20210101T000000Z.zip"
    assert names[1].startswith("book-again-20")
    assert names[2:] == ["holiday.zip"]


@pytest.fixture
def instance() -> Iterator[Path]:
    """A new machine: nothing is there, not even a private PostgreSQL."""
    instance = new_instance()
    yield instance
    clear(instance)


def test_on_a_new_machine_the_command_alone_brings_everything_back(
    source: Database, backup: Path, instance: Path
) -> None:
    url = postgres.ensure(instance, fast=True)  # durable writing takes three times as long, and is not in question
    try:
        told = subprocess.run(
            [sys.executable, "-m", "flask", "restore", str(backup)],
            cwd=ROOT,
            env=environment(instance),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert told.returncode == 0, told.stderr
        assert "every row compared" in told.stdout
        there = Database("book_again")
        there.url = url
        assert everything(there) == everything(source)
        assert (instance / "secret_key").read_text() == KEY
        forget(there)
    finally:
        postgres.release(instance, fast=True)


def test_a_missing_or_broken_database_is_no_hindrance(
    other: Database, source: Database, backup: Path, tmp_path: Path
) -> None:
    other.sql("DROP TABLE session_requests CASCADE")
    forget(other)
    restoring.put_back(other.url, backup, tmp_path, in_use=False)
    assert everything(other) == everything(source)
    forget(other)
    source.sql(f"DROP DATABASE {other.name}")
    assert restoring.put_back(other.url, backup, tmp_path, in_use=False).kept == ""
    assert everything(other) == everything(source)
