"""Several hosts in one machine: network namespaces on a bridge, and a PostgreSQL that they reach through it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg2

from bench.people import Town
from bench.stage import SETTINGS, Stage
from favorites.postgres import binaries
from tests.faults.tools import may_mount
from tests.server import Server, until

BRIDGE, NETWORK = "bench0", "10.77.0"
KEY = "the hosts of the bench share their key"


def why_not() -> str:
    """Why there can be none here; empty: there can."""
    if os.geteuid() or not may_mount():
        return "network namespaces need root"
    return "" if shutil.which("ip") else "there is no program ip (Debian: iproute2)"


@contextmanager
def network(hosts: int) -> Iterator[list[str]]:
    """The names of so many namespaces; host n has the address NETWORK.(n + 2), this one NETWORK.1."""
    names = [f"bench{number}" for number in range(hosts)]
    with ExitStack() as made:
        _ip("link", "add", BRIDGE, "type", "bridge")
        made.callback(_ip, "link", "del", BRIDGE)
        _ip("address", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for number, name in enumerate(names):
            _ip("netns", "add", name)
            made.callback(_ip, "netns", "del", name)
            _ip("link", "add", f"{name}o", "type", "veth", "peer", "name", f"{name}i", "netns", name)
            _ip("link", "set", f"{name}o", "master", BRIDGE, "up")
            _ip("-n", name, "address", "add", f"{NETWORK}.{number + 2}/24", "dev", f"{name}i")
            _ip("-n", name, "link", "set", f"{name}i", "up")
            _ip("-n", name, "link", "set", "lo", "up")
        yield names


@contextmanager
def postgresql(*databases: str) -> Iterator[list[str]]:
    """The addresses of these databases in a durable cluster that listens on the bridge."""
    data = Path(tempfile.mkdtemp(prefix="book-again-hosts-"))
    shutil.chown(data, "nobody")
    options = ["-U", "app", "-A", "trust", "-E", "UTF8", "--no-locale", "-k"]
    _as_nobody("initdb", "-D", str(data), *options).wait()
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {NETWORK}.0/24 trust\n")
    where = ["-c", f"listen_addresses={NETWORK}.1", "-c", "unix_socket_directories=", "-c", "max_connections=200"]
    server = _as_nobody("postgres", "-D", str(data), *where)
    try:
        addresses = [f"postgresql://app@{NETWORK}.1/{name}" for name in databases]
        first = f"postgresql://app@{NETWORK}.1/postgres"
        until(lambda: _answers(first), "PostgreSQL answers", 30)
        with closing(psycopg2.connect(first)) as connection:
            connection.autocommit = True
            for name in databases:
                connection.cursor().execute(f"CREATE DATABASE {name}")
        yield addresses
    finally:
        server.terminate()
        server.wait(60)
        shutil.rmtree(data)


@contextmanager
def hosts(names: Sequence[str], numbers: Sequence[int], database: str) -> Iterator[list[Stage]]:
    """The product on the hosts of these numbers, all with the one database."""
    with ExitStack() as running:
        stages = []
        for number in numbers:
            instance = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="book-again-host-")))
            address = f"{NETWORK}.{number + 2}"
            settings = SETTINGS | {"DATABASE_URL": database, "HOST": address, "SECRET_KEY": KEY}
            inside = ("ip", "netns", "exec", names[number])
            server = running.enter_context(Server(instance, inside=inside, REQUEST_LIFETIME_MINUTES="1440", **settings))
            server.ready()
            stages.append(Stage(server, running.enter_context(closing(Town(database, KEY))), address))
        yield stages


def _as_nobody(program: str, *arguments: str) -> "subprocess.Popen[bytes]":
    nothing = subprocess.DEVNULL
    command = [str(binaries() / program), *arguments]
    return subprocess.Popen(command, user="nobody", cwd="/", stdin=nothing, stdout=nothing, stderr=nothing)


def _answers(address: str) -> bool:
    try:
        psycopg2.connect(address, connect_timeout=2).close()
    except psycopg2.Error:
        return False
    return True


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
