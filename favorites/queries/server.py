"""What the database's server is set to, as a new connection of ours has it."""

from dataclasses import dataclass

from sqlalchemy import text

from favorites.db import Session

# `reserved_connections` came with PostgreSQL 16.
SERVER = text(
    """
SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('server_version') AS version,
       current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' AS survives_a_power_cut,
       current_setting('synchronous_commit') <> 'off' AS keeps_what_it_said,
       least(current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
               - coalesce(current_setting('reserved_connections', true)::int, 0),
             nullif(datconnlimit, -1), nullif(rolconnlimit, -1)) AS connections
  FROM pg_database, pg_roles WHERE datname = current_database() AND rolname = current_user
"""
)


@dataclass(frozen=True)
class Server:
    """`connections`: as many as we may ever have at once."""

    major: int
    version: str
    survives_a_power_cut: bool
    keeps_what_it_said: bool
    connections: int


def server(session: Session) -> Server:
    """The one we speak to."""
    return Server(*session.execute(SERVER).one())
