"""More come than there is room for: for connections to PostgreSQL, and for the server's eight threads."""

import csv
import socket
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2

from tests.faults.doors import OK, definite
from tests.faults.ground import back, ground
from tests.faults.registry import fault
from tests.faults.scenes import END_WINDOW, Case, Stage
from tests.faults.surroundings import answered
from tests.faults.tools import path_of, unless
from tests.server import ROOT, Server, free_port, until

CLIENTS = 200
LEFT = 20  # connections that others leave to the server
SPARE = 30.0  # seconds


class Others:
    """Other programs, which take the connections that there are; a context manager that frees them."""

    def __init__(self, url: str) -> None:
        self._url, self._taken = url, list[Any]()

    def __enter__(self) -> "Others":
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def take_all(self, but: int = 0) -> None:
        """Every connection that is free, but so many."""
        with suppress(psycopg2.OperationalError):
            while True:
                self._taken.append(psycopg2.connect(self._url, application_name="others"))
        self.leave(but)

    def leave(self, number: int | None = None) -> None:
        """So many are free again; None: all."""
        for _ in range(len(self._taken) if number is None else number):
            self._taken.pop().close()


@fault(
    "K27",
    "Of 100 connections others take all but 20, then all, while 200 clients come at once; then the worker is killed",
    "every page is served or 503 with Retry-After; window announced, accept done; the server recovers by itself",
    5,
)
def out_of_connections(times: int) -> int:
    with ground() as here, here.server(CRASH_AT="") as server:
        for _ in range(times):
            stage = Stage(here, server)
            with Others(here.url) as others:
                others.take_all(but=LEFT)
                told = crowd(stage, CLIENTS)
                here.claim(set(told) == {(200, None)}, f"with room for all they were answered {told}")
                others.take_all()
                crowd(stage, CLIENTS)
                without_any(stage, others)
        here.check()
        return len(here.violations)


def crowd(stage: Stage, clients: int) -> Counter[tuple[int, str | None]]:
    """So many at once ask for a page; a window ends and a mechanic accepts among them. What they were answered."""
    lapsing, accepting, claim = Case(stage).asked(), Case(stage).asked(), stage.ground.claim
    with ThreadPoolExecutor(clients) as threads:
        page = partial(answered, stage.server, accepting.ana, "/customer/dashboard")
        pages = [threads.submit(page) for _ in range(clients)]
        stage.town.sql(END_WINDOW, lapsing.request_id)
        accept = definite(lambda: stage.http.does(accepting.marco, "accept", accepting.request_id))
        told = Counter(page.result() for page in pages)
    claim(set(told) <= {(200, None), (503, "1")}, f"{clients} clients were answered {told}")
    claim(accept.outcome == OK, f"among {clients} clients an accept was answered {accept}")
    until(lambda: lapsing.by_rule("lapse"), "the window is announced without a free connection", SPARE)
    for case in (lapsing, accepting):
        case.leave()
    return told


def without_any(stage: Stage, others: Others) -> None:
    """A new worker finds no free connection at all; once there are some, it goes on by itself."""
    lapsing, paying, claim = Case(stage).asked(), Case(stage).signed(), stage.ground.claim
    (worker,) = stage.server.workers()
    worker.kill()
    worker.wait(SPARE)
    others.take_all()
    stage.town.sql(END_WINDOW, lapsing.request_id)
    back(stage.server)
    pay = partial(stage.http.pay, paying.ana, paying.consultation_id)
    claim(pay().code == "503", "paid for without a connection")
    claim(answered(stage.server, paying.ana, "/readyz")[0] == 503, "ready without a connection")
    others.leave(LEFT)
    claim(definite(pay).outcome == OK, "not paid for after connections were free again")
    until(lambda: lapsing.by_rule("lapse") == 1, "the window is announced", SPARE)
    until(lambda: answered(stage.server, paying.ana, "/readyz")[0] == 200, "ready again", SPARE)
    claim(paying.find_request() == 1, "not asked once")
    for case in (lapsing, paying):
        case.leave()


# What slowhttptest sends slowly: 60 connections that never finish a header, or a body.
SLOW = {"headers": ["-H"], "body": ["-B", "-s", "8192"]}
SECONDS = 12
# The shipped file, but for its addresses and the certificate.
HTTP = """daemon off; pid {home}/pid; error_log stderr; user root; worker_processes 1;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/f;
uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
{site}
}}"""


@contextmanager
def nginx(server: Server, port: int) -> Iterator[None]:
    """deploy/nginx.conf in front of the server, at https://127.0.0.1:port."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        certificate = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-days", "1"]
        files = ["-keyout", f"{home}/key.pem", "-out", f"{home}/cert.pem"]
        subprocess.run(["openssl", "req", "-x509", *certificate, *files], capture_output=True, check=True)
        site = (ROOT / "deploy" / "nginx.conf").read_text()
        for ours, here in (
            ("127.0.0.1:8000", f"127.0.0.1:{server.port}"),
            ("listen 443", f"listen 127.0.0.1:{port}"),
            ("/etc/letsencrypt/live/book.example/fullchain.pem", f"{home}/cert.pem"),
            ("/etc/letsencrypt/live/book.example/privkey.pem", f"{home}/key.pem"),
        ):
            assert ours in site
            site = site.replace(ours, here)
        (home / "nginx.conf").write_text(HTTP.format(home=home, site=site))
        process = subprocess.Popen([str(path_of("nginx")), "-p", name, "-c", "nginx.conf"], stderr=subprocess.DEVNULL)
        try:
            until(lambda: _accepts(port), "nginx listens", SPARE)
            yield
        finally:
            process.terminate()
            process.wait(SPARE)


def _accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def slowly(url: str, what: str, home: Path) -> int:
    """For how many of the seconds of a slow attack pages were not served, as slowhttptest saw it."""
    how = ["-c", "60", "-r", "60", "-i", "5", "-x", "32", "-p", "3", "-l", str(SECONDS), *SLOW[what]]
    out = home / what
    subprocess.run(
        [str(path_of("slowhttptest")), *how, "-u", url, "-g", "-o", str(out)], capture_output=True, check=True
    )
    with out.with_suffix(".csv").open() as table:
        seconds = list(csv.DictReader(table))
    assert len(seconds) > SECONDS // 2, "slowhttptest gave up"
    return sum(row["Service Available"] == "0" for row in seconds)


@fault(
    "K57",
    "60 connections that send their headers, or a body, slowly (slowhttptest), behind deploy/nginx.conf",
    "pages are served in every second of it",
    4,
    unless=unless("slowhttptest") or unless("nginx"),
)
def slow_clients(times: int) -> int:
    port = free_port()
    public = {"PUBLIC_URL": f"https://127.0.0.1:{port}", "TRUSTED_PROXIES": "1"}
    with ground() as here, here.server(CRASH_AT="", **public) as server, nginx(server, port):
        for turn in range(times):
            what = list(SLOW)[turn % 2]
            without = slowly(f"{public['PUBLIC_URL']}/login", what, here.home)
            here.claim(without == 0, f"slow {what}: no page for {without} s")
        here.check()
        return len(here.violations)
