"""One command brings everything up, and its end takes everything down again."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.request import urlopen

import psutil
import psycopg2
import pytest

from favorites.demo.cast import ANA, CAST, MARCO, OLGA, PASSWORD
from favorites.postgres import home_of
from tests.server import ROOT, Server, clear, environment, flask, free_port, is_stopped, new_instance, until

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def fresh() -> Iterator[Path]:
    instance = new_instance()
    yield instance
    clear(instance)


def family(server: Server) -> list[psutil.Process]:
    return [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]


def answers(server: Server) -> bool:
    try:
        return urlopen(f"{server.url}/healthz", timeout=5).status == 200
    except OSError:  # URLError is one
        return False


def rows(instance: Path) -> list[tuple[str, int]]:
    connection = psycopg2.connect(flask(instance, "database-url").stdout.strip())
    with connection.cursor() as cursor:
        found = []
        for table in ("users", "session_requests", "request_events", "credit_entries", "messages"):
            cursor.execute(f"SELECT '{table}', count(*) FROM {table}")
            found.append(cursor.fetchone())
    connection.close()
    return found


@pytest.fixture(scope="module")
def demo() -> Iterator[Server]:
    """The demo, running."""
    instance = new_instance()
    with Server(instance, DEMO="1") as server:
        server.ready()
        yield server
    clear(instance)


def test_the_demo_says_who_may_sign_in_and_lets_them(demo: Server) -> None:
    said = demo.said()
    assert f"Book Again is ready: {demo.url}" in said
    assert PASSWORD in said
    assert all(person.email in said and demo.url + person.page in said for person in CAST)
    for person in (ANA, MARCO, OLGA):
        page = demo.signed_in(person.email, PASSWORD).open(demo.url + person.page, timeout=30)
        assert (page.status, page.url) == (200, demo.url + person.page)
    assert "Traceback" not in demo.said()


def test_a_stream_opens_through_the_real_server(demo: Server) -> None:
    with demo.signed_in(MARCO.email, PASSWORD).open(f"{demo.url}/mechanic/events", timeout=20) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.readline()


def test_a_command_beside_the_server_leaves_it_alone(demo: Server) -> None:
    listed = flask(demo.instance, "flag", "list")
    assert listed.stdout == (
        "ENABLE_FAVORITES_PRIORITY: on\nENABLE_PAID_PLANS: left to the environment, which says on\n"
    )
    url = flask(demo.instance, "database-url")
    assert url.stderr == ""
    psycopg2.connect(url.stdout.strip()).close()
    assert answers(demo)


def test_a_backup_is_made_beside_the_server_and_put_back_under_it(demo: Server, tmp_path: Path) -> None:
    backup = str(tmp_path / "backup.zip")
    made = flask(demo.instance, "backup", backup)
    assert made.returncode == 0, made.stderr
    assert "every row compared" in made.stdout
    refused = flask(demo.instance, "restore", backup)
    assert refused.returncode == 1
    assert "The database is in use (book-again): stop the server" in refused.stderr
    put_back = flask(demo.instance, "restore", backup, "--in-use")
    assert put_back.returncode == 0, put_back.stderr
    until(lambda: answers(demo), "it answers again")
    page = demo.signed_in(ANA.email, PASSWORD).open(demo.url + ANA.page, timeout=30)
    assert (page.status, page.url) == (200, demo.url + ANA.page)
    (kept,) = re.findall(r"kept as (\S+)\.", put_back.stdout)
    with closing(psycopg2.connect(flask(demo.instance, "database-url").stdout.strip())) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"DROP DATABASE {kept}")  # as the command says


def test_a_killed_worker_is_replaced(demo: Server) -> None:
    said = demo.said()
    (worker,) = demo.workers()
    worker.kill()
    until(lambda: [one for one in demo.workers() if one.pid != worker.pid], "another worker")
    until(lambda: answers(demo), "it answers again")
    assert demo.said().count("is ready") == said.count("is ready")


def test_ctrl_c_leaves_no_process_and_the_next_start_reuses_the_data(fresh: Path) -> None:
    with Server(fresh) as server:
        assert "flask owner add EMAIL" in server.ready()
        assert PASSWORD not in server.said()
        assert flask(fresh, "owner", "add", "olga@garage.test").returncode == 0
        assert answers(server)
        before = rows(fresh)
        assert dict(before)["users"] == 1
        everybody = family(server)
        assert len(everybody) > 1
        assert server.end(signal.SIGINT, everybody=True) == 0
        assert not [process for process in everybody if process.is_running()]
        assert is_stopped(fresh)
        assert "Traceback" not in server.said()
    with Server(fresh) as server:
        server.ready()
        assert rows(fresh) == before
        end_impatiently(server)
        assert is_stopped(fresh)
        assert "Traceback" not in server.said()
        assert "SIG" not in server.said()  # nobody was killed


def end_impatiently(server: Server) -> None:
    """Ctrl-C again and again, which ends it as cleanly."""
    while server.process.poll() is None:
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(server.process.pid, signal.SIGINT)
            server.process.wait(0.1)
    assert server.process.returncode == 0


def test_a_command_alone_starts_the_database_and_stops_it_again(fresh: Path) -> None:
    url = flask(fresh, "database-url")
    assert url.stdout.startswith("postgresql://")
    assert "while Book Again runs" in url.stderr
    assert is_stopped(fresh)


def test_ctrl_c_before_it_is_ready_stops_what_was_started(fresh: Path) -> None:
    with Server(fresh) as server:
        until(lambda: (home_of(fresh) / "data" / "postmaster.pid").exists(), "PostgreSQL starts")
        assert server.end(signal.SIGINT, everybody=True) == 130
        assert is_stopped(fresh)
        assert "Traceback" not in server.said()


def test_a_port_in_use_is_one_sentence_and_nothing_is_started(fresh: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = start(fresh, PORT=str(port))
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert f"Port {port} is in use" in ran.stderr
    assert f"`PORT={port + 1} make demo`" in ran.stderr
    assert list(fresh.iterdir()) == []


def test_every_mistake_in_the_settings_is_told_at_once(fresh: Path) -> None:
    ran = start(fresh, PORT="many", PRIORITY_WINDOW_MINUTES="0", SECRET_KEY="short")
    assert ran.returncode == 2
    assert [line.split(":")[0] for line in ran.stderr.splitlines()] == ["PORT", "SECRET_KEY", "PRIORITY_WINDOW_MINUTES"]


def test_a_database_that_does_not_answer_is_one_sentence(fresh: Path) -> None:
    ran = start(fresh, PORT=str(free_port()), DATABASE_URL=f"postgresql://app@127.0.0.1:{free_port()}/book_again")
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert "DATABASE_URL does not answer" in ran.stderr


def test_the_arbiter_opens_no_engine() -> None:
    look = "import sys, favorites.serve; sys.exit(bool({'flask', 'sqlalchemy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=False).returncode == 0


def start(instance: Path, **more: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "app.py"]
    where = environment(instance, **more)
    return subprocess.run(line, cwd=ROOT, env=where, capture_output=True, text=True, check=False, timeout=60)
