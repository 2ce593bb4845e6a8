"""The nginx of deploy/nginx.conf in front of a real server: what it buffers, compresses or cuts."""

import os
import re
import socket
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cast import Mechanic
from tests.crowds import crowd
from tests.faults.ground import ground
from tests.faults.news import BOARD, News, news
from tests.faults.registry import fault
from tests.faults.tools import path_of, unless
from tests.faults.town import Person
from tests.server import ROOT, free_port, until

HEARTBEAT = 15.0  # seconds between two pings
SITE = ROOT / "deploy" / "nginx.conf"
# What a whole nginx.conf has around a site; everything that it writes is below its prefix.
FRAME = """
daemon off; worker_processes 1; pid nginx.pid; error_log error.log warn; {user}
events {{ worker_connections 512; }}
http {{
  access_log off; {temporary}
  {more}
  {site}
}}
"""
KINDS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
GZIP = "gzip on; gzip_min_length 0; gzip_proxied any; gzip_types text/event-stream text/html;"


def configuration(server_port: int, port: int, more: str, timeout: str) -> str:
    """Ours as it is shipped, but for the address, the certificate, and how long it waits for us."""
    site = SITE.read_text()
    for pattern, instead in {
        r"server 127\.0\.0\.1:8000;": f"server 127.0.0.1:{server_port};",
        r"listen 443 ssl http2;": f"listen 127.0.0.1:{port};",
        r"listen 80;": f"listen 127.0.0.1:{free_port()};",
        r"ssl_certificate(_key)? [^;]+;": "",
        r"proxy_read_timeout [^;]+;": f"proxy_read_timeout {timeout};",
    }.items():
        site, found = re.subn(pattern, instead, site)
        assert found, f"deploy/nginx.conf has no {pattern}"
    temporary = " ".join(f"{kind}_temp_path {kind};" for kind in KINDS)
    return FRAME.format(site=site, more=more, temporary=temporary, user="user root;" if os.geteuid() == 0 else "")


@contextmanager
def nginx(home: Path, server_port: int, more: str = "", timeout: str = "60s") -> Iterator[int]:
    """An nginx of its own; the port it listens on."""
    port, binary = free_port(), path_of("nginx")
    assert binary
    (home / "nginx.conf").write_text(configuration(server_port, port, more, timeout))
    line = [str(binary), "-p", str(home), "-c", str(home / "nginx.conf"), "-e", str(home / "error.log")]
    with subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: _listens(port) or process.poll() is not None, "nginx listens", 10)
            assert process.poll() is None, (home / "error.log").read_text()
            yield port
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def behind_nginx(more: str = "", timeout: str = "60s") -> Iterator[tuple[News, int]]:
    """News, and the port where they are heard through nginx."""
    with ground() as here, here.server(TRUSTED_PROXIES="1") as server, news(here, server) as told:
        with nginx(here.home, server.port, more, timeout) as port:
            yield told, port
        told.end()
        here.check()


class Zipped:
    """A board, asked for as browsers do: compressed if you like."""

    def __init__(self, port: int, person: Person | Mechanic) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=5)
        lines = (f"GET {BOARD} HTTP/1.1", "Host: 127.0.0.1", "Accept-Encoding: gzip", f"Cookie: {person.cookie}")
        self._sock.sendall("\r\n".join([*lines, "", ""]).encode())
        self._rest, self.text = b"", b""
        while b"\r\n\r\n" not in self._rest:
            self._rest += self._sock.recv(65536)
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        self.head = head.decode().lower()
        self._unzip = zlib.decompressobj(31) if "content-encoding: gzip" in self.head else None
        self._take()

    def until(self, words: bytes) -> float:
        """Waits for these; when they came."""
        while words not in self.text:
            piece = self._sock.recv(65536)
            assert piece, f"ended before {words!r}: {self.text!r}"
            self._rest += piece
            self._take()
        return time.monotonic()

    def close(self) -> None:
        """Hangs up."""
        self._sock.close()

    def _take(self) -> None:
        """Whole chunks, unzipped where they are zipped."""
        while b"\r\n" in self._rest and "transfer-encoding: chunked" in self.head:
            size, _, rest = self._rest.partition(b"\r\n")
            length = int(size, 16)
            if len(rest) < length + 2:
                return
            body, self._rest = rest[:length], rest[length + 2 :]
            self.text += self._unzip.decompress(body) if self._unzip else body
        if "transfer-encoding: chunked" not in self.head:
            self.text, self._rest = self.text + self._rest, b""


@fault(
    "K51",
    "nginx, as deploy/nginx.conf has it, and with gzip on for text/event-stream besides",
    "each event arrives by itself, within a second",
    10,
    unless("nginx"),
)
def compressed(times: int) -> int:
    violations = 0
    for more in ("", GZIP):
        with behind_nginx(more) as (told, port):
            one_by_one(told, port, times)
        violations += len(told.ground.violations)
    return violations


def one_by_one(told: News, port: int, times: int) -> None:
    """So many events."""
    board = Zipped(port, told.town.mechanic())
    for _ in range(times):
        committed = told.happen()
        try:
            seconds = board.until(b"id: %d\n" % told.told()[-1]) - committed
        except (AssertionError, TimeoutError) as error:
            told.ground.claim(False, f"behind nginx: {error or 'nothing came'}")
            break
        told.ground.claim(seconds < 1, f"behind nginx an event took {seconds:.1f} s")
    board.close()


@fault(
    "K52",
    "nginx gives a silent connection up after 5 s, and after 20 s",
    "5 s: the stream comes back again and again, each event is heard once; 20 s: a ping comes first, it stays open",
    2,
    unless("nginx"),
)
def idle(times: int) -> int:
    return sum(give_up((5, 20)[turn % 2], turns=2) for turn in range(times))


def give_up(seconds: int, turns: int) -> int:
    """A proxy that waits so long; the number of violations."""
    with behind_nginx(timeout=f"{seconds}s") as (told, port):
        cookies = [told.town.mechanic().cookie for _ in range(10)]
        with crowd(lambda: port, f"{BOARD}?after={told.since}", cookies) as boards:
            for _ in range(turns):
                told.happen()
                time.sleep(HEARTBEAT - 2)
            told.happen()
            wrong = boards.all_heard("new_request", told.told(), 10)
            told.ground.claim(not wrong, f"a proxy of {seconds} s: heard {wrong[:1]} of {told.told()}")
            openings = [len(each.statuses) for each in boards.listeners]
            as_said = min(openings) > 1 if seconds < HEARTBEAT else max(openings) == 1
            told.ground.claim(as_said, f"a proxy of {seconds} s: opened {openings} times")
    return len(told.ground.violations)
