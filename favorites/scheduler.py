"""The ticker: APScheduler runs one poll a minute, and sooner when something falls due.

Deadlines live in the rows, never in a job store; nothing is lost when this process dies. Every process may run one:
the holder of a PostgreSQL advisory lock polls, and correctness does not depend on there being just one, or any. One
that holds it and does not poll (frozen, say) is not waited for: after three periods without a beat the others poll.
"""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from favorites import db
from favorites.dispatch import fallback, retention
from favorites.dispatch.processes import this_process
from favorites.heartbeat import Heartbeat
from favorites.leader import Leadership
from favorites.queries import engine

log = logging.getLogger(__name__)
logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it tells of every run

RETRY = timedelta(seconds=1)  # after a failed poll
PAUSE = timedelta(milliseconds=250)  # when something is due that could not be done: somebody holds its row
MARGIN = timedelta(milliseconds=2)  # a poll a moment too early would do nothing
LONGEST_PAST = timedelta(minutes=1)  # APScheduler counts every run that was missed since, one by one
STEP = 0.25  # seconds by which somebody sets our clock, which APScheduler goes by
TIDY_EVERY = 3600.0  # seconds
WHILE = 2.0  # seconds a minute that old events are removed
JOB, LOCK = "poll", "book-again scheduler"


class Ticker:
    """Polls every `seconds` and at every deadline that it knows of; tells `heartbeat_url` of polls that went well.

    Once in the same time, beside the polls, it removes events by `retention_days`; 0: never.
    """

    def __init__(self, seconds: float, heartbeat_url: str = "", retention_days: int = 0) -> None:
        self._period = timedelta(seconds=seconds)
        self._lock = threading.Lock()
        self._armed: datetime | None = None  # by our clock: the run that is planned, or asked for while one runs
        self._is_busy = self._has_failed = self._is_stopped = False
        self._skew: timedelta | None = None  # the database's clock minus ours, which may be a day wrong
        self._tidies_at = 0.0  # by the clock that nobody sets
        self._tried: datetime | None = None  # the deadline that the last poll left behind
        self._leadership = Leadership(LOCK, self._now, self._watch_our_clock)
        self._heartbeat = Heartbeat(heartbeat_url, seconds / 2)
        self._our_clock = _our_clock()
        self._engine = create_engine(
            "postgresql+psycopg2://", creator=db.connect, pool_size=1, max_overflow=0, pool_pre_ping=True
        )
        self._beside = create_engine("postgresql+psycopg2://", creator=db.connect, poolclass=NullPool)
        # By default APScheduler drops a job that is more than a second late.
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        executors = {"default": ThreadPoolExecutor(1), "retention": ThreadPoolExecutor(1)}
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=defaults, executors=executors)
        self._scheduler.add_job(self._poll, "interval", seconds=seconds, id=JOB)
        self._retention_days, self._stopping = retention_days, threading.Event()
        if retention_days:  # a thread and a connection of its own: no deadline waits for it
            self._scheduler.add_job(self._remove_old_events, "interval", seconds=seconds, executor="retention")

    def start(self) -> None:
        """Starts the scheduler and the candidacy for leader."""
        self._scheduler.start()
        self._leadership.start()
        self._heartbeat.start()

    def stop(self) -> None:
        """Waits for a running poll, then gives the lock back."""
        with self._lock:  # its shutdown waits for the poll with its own lock held: a poll must not re-arm then
            self._is_stopped = True
        self._stopping.set()
        self._scheduler.shutdown(wait=True)
        self._leadership.stop()
        self._heartbeat.stop()
        self._engine.dispose()

    @property
    def is_leader(self) -> bool:
        """Whether this process polls."""
        return self._leadership.is_held

    def wake(self, deadline: datetime) -> None:
        """Polls at `deadline` (by the database's clock) at the latest."""
        self._wake(self._ours(deadline))

    def _now(self) -> None:
        self._wake(datetime.now(UTC))

    def _watch_our_clock(self) -> None:
        """Set back by a day it would keep APScheduler waiting for a day: poll now, and arm by the new time."""
        before, self._our_clock = self._our_clock, _our_clock()
        if abs(self._our_clock - before) > STEP:
            self._now()

    def _ours(self, deadline: datetime) -> datetime:
        """A moment of the database's clock by our own; not known yet: at once, the poll will know."""
        return datetime.now(UTC) if self._skew is None else deadline - self._skew + MARGIN

    def _wake(self, at: datetime) -> None:
        with self._lock:
            if self._armed and datetime.now(UTC) < self._armed <= at:
                return  # it comes sooner as it is
            self._armed = min(self._armed or at, at)
            if not self._is_busy:  # APScheduler would skip a run while one runs; the poll re-arms itself when it ends
                self._arm(self._armed)

    def _arm(self, at: datetime) -> None:
        if not self._is_stopped:
            self._scheduler.modify_job(JOB, next_run_time=max(at, datetime.now(UTC) - LONGEST_PAST))

    def _poll(self) -> None:
        with self._lock:  # also when not leader, or a later wake is compared with a stale time
            self._is_busy, self._armed = True, None
        due = None
        try:
            due = self._sweep()
        finally:
            with self._lock:
                self._is_busy = False
                times = (self._armed, due, datetime.now(UTC) + self._period)
                self._armed = min(time for time in times if time)
                self._arm(self._armed)

    def _sweep(self) -> datetime | None:
        """Does what is due, if it is for us to do; when to come back at the latest, by our clock."""
        try:
            with Session(self._engine) as session:
                if not (self.is_leader or engine.has_stopped(session)):
                    return None
                self._skew = session.execute(select(db.clock())).scalar_one() - datetime.now(UTC)
                session.rollback()  # the sweep's now() is the begin of its own transaction
                swept = fallback.sweep(session)
                fallback.beat(session, this_process(), swept)
                self._tidy(session)
        except Exception as error:  # the database is away, or worse: the next poll tries again
            tell = log.debug if self._has_failed else log.warning
            tell("[Scheduler] the poll failed, trying again: %s", db.reason(error))
            self._has_failed = True
            return datetime.now(UTC) + RETRY
        self._has_failed = False
        self._heartbeat.beat()
        return self._come_back(swept.next_due)

    def _tidy(self, session: Session) -> None:
        """Now and then, and never much at once: sign-ins that ended long ago."""
        if time.monotonic() >= self._tidies_at:
            self._tidies_at = time.monotonic() + TIDY_EVERY
            retention.remove_ended_sign_ins(session)

    def _remove_old_events(self) -> None:
        """As much as can be done in a while; the next time it goes on."""
        enough = time.monotonic() + WHILE
        try:
            if self.is_leader:
                with Session(self._beside) as session:
                    retention.remove_old_events(
                        session,
                        self._retention_days,
                        lambda: time.monotonic() < enough and not self._stopping.wait(retention.BREATH),
                    )
        except Exception as error:  # the poll tells of a database that is away
            log.debug("[Scheduler] old events stay for now: %s", db.reason(error))

    def _come_back(self, due: datetime | None) -> datetime | None:
        """The time for `due`. One that is over already is tried again at once, then with pauses."""
        tried, self._tried = self._tried, due
        if due is None:
            return None
        at, now = self._ours(due), datetime.now(UTC)
        return now + PAUSE if at <= now and due == tried else at


def _our_clock() -> float:
    """Our clock by the one that nobody sets: a constant, until somebody sets ours."""
    return time.time() - time.monotonic()
