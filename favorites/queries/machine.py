"""What the machine tells of itself: its polls, its streams, its events, its database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text

from favorites.db import Session, clock
from favorites.models import EngineBeat

FEW = 10_000  # rows that are counted one by one; of more the planner's estimate is told
FRESH = 30  # seconds: processes tell of themselves every 10
LAG = 2  # seconds in which a feed reads what is new, hint or none

# now() where an index is to be used.
DAY = text(
    """
SELECT count(*) AS polls, coalesce(sum(lapsed), 0) AS lapsed, coalesce(sum(expired), 0) AS expired,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY lateness_ms) AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY lateness_ms) AS p95, max(lateness_ms) AS longest
  FROM engine_beats WHERE at > now() - interval '1 day'
"""
)
# Behind is who had not told, when last heard of, what had been there for long enough.
PROCESSES = text(
    """
SELECT p.name, p.kind, p.streams, p.started_at, p.seen_at, behind.events AS behind
  FROM engine_processes p CROSS JOIN LATERAL (
    SELECT count(*) AS events FROM (
      SELECT FROM request_events e
       WHERE e.id > p.told AND e.at < p.seen_at - make_interval(secs => :lag) LIMIT :few) unread) behind
 WHERE p.seen_at > clock_timestamp() - make_interval(secs => :fresh) ORDER BY p.kind, p.started_at, p.name
"""
)
EVENTS = text(
    """
SELECT CASE WHEN counted.events < :few THEN counted.events
            ELSE greatest(counted.events, guess.reltuples) END::bigint AS events,
       counted.events < :few AS is_exact, (SELECT max(id) FROM request_events) AS newest,
       (SELECT at FROM request_events ORDER BY id LIMIT 1) AS since
  FROM (SELECT count(*) AS events FROM (SELECT FROM request_events LIMIT :few) few) counted,
       (SELECT reltuples FROM pg_class WHERE oid = 'request_events'::regclass) guess
"""
)
# Where the files are, if it is on this machine and says so.
DIRECTORY = """SELECT setting FROM pg_settings WHERE name = 'data_directory' AND (
  inet_server_addr() IS NULL OR inet_server_addr() << '127.0.0.0/8' OR inet_server_addr() = '::1')"""
DATABASE = text(
    f"""
SELECT pg_database_size(current_database()) AS bytes, current_setting('server_version') AS version,
       (SELECT sum(numbackends) FROM pg_stat_database)::int AS connections,
       current_setting('max_connections')::int AS max_connections, pg_postmaster_start_time() AS started_at,
       (SELECT version_num FROM alembic_version) AS revision,
       ({DIRECTORY}) AS directory
"""
)
TABLES = text(
    """
SELECT relname AS name, pg_total_relation_size(oid) AS bytes, nullif(reltuples, -1)::bigint AS rows
  FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC, 1 LIMIT 5
"""
)


@dataclass(frozen=True)
class Poll:
    """The newest: when, by which process (host:number), and how long ago (seconds, by the database's clock)."""

    at: datetime
    leader: str
    age: float


@dataclass(frozen=True)
class Day:
    """The polls of a day; lateness in milliseconds after the window's end, None where none was announced."""

    polls: int
    lapsed: int
    expired: int
    p50: float | None
    p95: float | None
    longest: float | None


@dataclass(frozen=True)
class Process:
    """One that holds streams, as it last told of itself; `behind`: events it had not told them of, FEW at most."""

    name: str
    kind: str
    streams: int
    started_at: datetime
    seen_at: datetime
    behind: int


@dataclass(frozen=True)
class Events:
    """How many are kept (unless `is_exact`, about), the newest's id and since when; None where there is none."""

    events: int
    is_exact: bool
    newest: int | None
    since: datetime | None


@dataclass(frozen=True)
class Database:
    """Its size in bytes, its versions, its connections of how many, and where its files are.

    `directory` is None where the server is another machine's, or does not tell us.
    """

    bytes: int
    version: str
    connections: int
    max_connections: int
    started_at: datetime
    revision: str
    directory: str | None


@dataclass(frozen=True)
class Table:
    """Bytes with indexes and all; rows as the planner takes them, None while it has not looked."""

    name: str
    bytes: int
    rows: int | None


def newest_poll(session: Session) -> Poll | None:
    """The newest by its number; None when there was none yet."""
    age = (clock() - EngineBeat.at).label("age")
    newest = select(EngineBeat.at, EngineBeat.leader, age).order_by(EngineBeat.id.desc()).limit(1)
    row = session.execute(newest).one_or_none()
    return Poll(row.at, row.leader, row.age.total_seconds()) if row else None


def day(session: Session) -> Day:
    """The last 24 hours."""
    return Day(**session.execute(DAY).one()._asdict())


def processes(session: Session) -> Sequence[Process]:
    """Those that told of themselves within the last half minute."""
    rows = session.execute(PROCESSES, {"fresh": FRESH, "lag": LAG, "few": FEW})
    return [Process(*row) for row in rows]


def events(session: Session) -> Events:
    """What the table of events keeps."""
    return Events(*session.execute(EVENTS, {"few": FEW}).one())


def database(session: Session) -> Database:
    """The server, and our database in it."""
    return Database(*session.execute(DATABASE).one())


def biggest_tables(session: Session) -> Sequence[Table]:
    """The five that take most room."""
    return [Table(*row) for row in session.execute(TABLES)]


def data_directory(session: Session) -> str | None:
    """Where the database's files are; None: on another machine, or not for us to know."""
    return session.execute(text(DIRECTORY)).scalar_one_or_none()
