"""kill -9 of any one process: what is left brings the service back."""

import os
import signal
import socket
import time
from collections.abc import Callable

from favorites import postgres
from tests.faults.ground import Ground, back, ground
from tests.faults.registry import fault
from tests.faults.scenes import Case, Stage, done
from tests.faults.surroundings import answered
from tests.server import ROOT, Server, until

SPARE = 30.0  # seconds
BACK = 5.0  # seconds until the service is back


def _worker(here: Ground, server: Server) -> int:
    return server.workers()[0].pid


def _postmaster(here: Ground, server: Server) -> int:
    return int((postgres.home_of(here.home) / "data" / "postmaster.pid").read_text().partition("\n")[0])


def _guardian(here: Ground, server: Server) -> int:
    return int((postgres.home_of(here.home) / "guardian.lock").read_text())


@fault(
    "V31",
    "kill -9 of the worker, of PostgreSQL, of its guardian; of the arbiter, with a start by hand",
    f"pages back within {BACK:.0f} s, what was acknowledged is there; the unit file has systemd start the arbiter",
    5,
)
def any_one_process(times: int) -> int:
    unit = (ROOT / "deploy" / "book-again.service").read_text()
    with ground() as here:
        here.claim("Restart=always\nRestartSec=2\n" in unit, "systemd would not start it again")
        for _ in range(times):
            with here.server(DATABASE_URL="", INSTANCE_DIR=str(here.home), CRASH_AT="") as server:
                for find in (_worker, _postmaster, _guardian):
                    killed(Stage(here, server), find)
                arbiter(here, server)
        here.check()
        return len(here.violations)


def killed(stage: Stage, find: Callable[[Ground, Server], int]) -> None:
    """One process dies right after a booking was acknowledged."""
    case = Case(stage).signed()
    answer = done(stage.http.pay(case.ana, case.consultation_id))
    os.kill(find(stage.ground, stage.server), signal.SIGKILL)
    began = time.monotonic()
    until(lambda: answered(stage.server, case.ana, "/customer/dashboard")[0] == 200, "pages are back", SPARE)
    seconds = time.monotonic() - began
    stage.ground.claim(seconds <= BACK, f"{find.__name__[1:]} killed: back after {seconds:.1f} s")
    stage.ground.claim(case.find_request() == 1 and case.request_id == answer.id, "an acknowledged booking is lost")
    case.leave()


def arbiter(here: Ground, server: Server) -> None:
    """Its worker ends by itself and frees the port; the next start needs nothing else."""
    (worker,) = server.workers()
    server.process.kill()
    server.process.wait()
    until(lambda: not worker.is_running(), "the worker ends by itself", SPARE)
    socket.create_server(("127.0.0.1", server.port)).close()
    with here.server(DATABASE_URL="", INSTANCE_DIR=str(here.home), CRASH_AT="") as again:
        back(again)
