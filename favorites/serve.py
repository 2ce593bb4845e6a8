"""`python app.py`: one command brings everything up, and its end takes everything down again.

The arbiter knows `settings`, `postgres` and `revisions` only. It opens no engine, whose connections would cross the
fork; and since the application is imported in the worker, HUP serves new code.
"""

import gc
import os
import resource
import signal
import subprocess
import sys
from contextlib import closing, suppress
from types import FrameType
from typing import Any, NoReturn

import psycopg2
from gunicorn.app.base import BaseApplication

from favorites import apart, listener, log, postgres, revisions
from favorites.settings import ROOT, Settings, current
from favorites.worker import Worker

OLDEST_SERVER = 150000  # PostgreSQL 15, as `server_version` writes it


class CannotStart(Exception):
    """What is wrong and what to do, as one sentence."""


def serve() -> NoReturn:
    """Serves until SIGINT or SIGTERM. Ends with 1 and one sentence when it cannot, with 2 when settings are wrong."""
    settings = current()
    log.configure(as_json=settings.log_json)
    signal.signal(signal.SIGTERM, _end)
    try:
        socket = listener.listen(settings.host, settings.port)  # first: where that fails, nothing was started
        _prepare(settings)
    except (CannotStart, listener.CannotListen, postgres.MachineError) as refusal:
        _give_up(settings, 1, str(refusal))
    except KeyboardInterrupt:
        _give_up(settings, 130)
    Server(settings, socket).run()
    raise AssertionError("gunicorn's arbiter ends the process")


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _give_up(settings: Settings, code: int, sentence: str = "") -> NoReturn:
    if sentence:
        log.say(sentence)
    _release(settings)
    sys.exit(code)


def _release(settings: Settings) -> None:
    for impatience in (signal.SIGINT, signal.SIGTERM):
        signal.signal(impatience, signal.SIG_IGN)
    if settings.hub_process:
        apart.stop(settings)  # first: it uses the database
    if not settings.database_url:
        postgres.release(settings.instance_dir)  # waits for a clean stop: as PID 1 our end would kill PostgreSQL


def _prepare(settings: Settings) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else max(soft, 65536), hard))
    stored = _greet_database(settings.database_url or postgres.ensure(settings.instance_dir))
    if settings.demo:
        _flask("demo-data")
    elif stored != revisions.newest():
        _flask("db", "upgrade")
    if settings.hub_process:
        with suppress(OSError, postgres.MachineError):  # the workers try again, and say what is wrong
            apart.start(settings)


def _greet_database(url: str) -> str | None:
    """The revision that it is at."""
    try:
        with closing(psycopg2.connect(url, connect_timeout=5)) as connection:
            version, stored = connection.server_version, revisions.stored_in(connection)
    except psycopg2.Error as error:
        words = " ".join(str(error).split())
        raise CannotStart(
            f"The PostgreSQL of DATABASE_URL does not answer ({words}): start it, or correct the address."
        ) from error
    if version < OLDEST_SERVER:
        raise CannotStart(f"Book Again needs PostgreSQL 15 or newer; that of DATABASE_URL is {version // 10000}.")
    return stored


def _flask(*command: str) -> None:
    """A command in a process of its own, which takes its engine along; its words matter only when it fails."""
    ran = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", *command],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C ends it through us, without its traceback
    )
    if ran.returncode:
        raise CannotStart(f"{ran.stdout}\nThe database is not ready; `flask {' '.join(command)}` says why above.")


class Server(BaseApplication):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn, in this process; see its settings' documentation for the names in `load_config`."""

    def __init__(self, settings: Settings, socket: int) -> None:
        """`socket` is the descriptor of a listening socket, which becomes gunicorn's."""
        self.settings = settings
        self.socket = socket
        super().__init__()

    def load_config(self) -> None:
        for name, value in {
            "bind": f"fd://{self.socket}",
            "worker_class": Worker,
            "workers": self.settings.workers,
            "threads": 8,
            "worker_connections": 20_000,  # streams leave gthread's hands, but are counted until they do
            "graceful_timeout": 5,
            "keepalive": 15,
            "loglevel": "warning",
            "logger_class": log.Server,
            "control_socket_disable": True,
            "proc_name": "book-again",
            "when_ready": _stop_with_the_terminal,
            "post_worker_init": self._start_live,
            "worker_exit": _stop_live,
            "on_exit": lambda _arbiter: _release(self.settings),
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, imported in the worker."""
        from favorites import create_app

        return create_app()

    def _start_live(self, worker: Any) -> None:
        from favorites.live.hub import SWITCH

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the arbiter, too, which ends us: once is enough
        sys.setswitchinterval(SWITCH)
        gc.freeze()  # all that is loaded stays; to look through it for garbage held up one page of a hundred for 0.1 s
        worker.wsgi.extensions["live"].start()
        if worker.age == 1:  # the first: whoever comes after a crash or HUP comes quietly
            from favorites import welcome

            welcome.when_ready(worker.wsgi, self.settings)


def _stop_live(_arbiter: Any, worker: Any) -> None:
    if worker.pid == os.getpid() and worker.wsgi is not None:  # gunicorn calls it in the arbiter, too
        worker.wsgi.extensions["live"].stop()


def _stop_with_the_terminal(arbiter: Any) -> None:
    """A closed terminal sends HUP, to gunicorn "reload": without this the server would outlive its window."""
    if not sys.stdin or not sys.stdin.isatty():
        return

    def hang_up(_signal: int, _frame: FrameType | None) -> None:
        try:
            os.tcgetpgrp(sys.stdin.fileno())
            arbiter.SIG_QUEUE.put_nowait(signal.SIGHUP)
        except OSError:
            arbiter.SIG_QUEUE.put_nowait(signal.SIGTERM)

    signal.signal(signal.SIGHUP, hang_up)
