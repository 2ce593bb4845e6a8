"""What stands in a database: each table's number of rows, and a sum over every one of them."""

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - the same

# Table → (number of rows, sum of the rows' digests, whatever their order).
Rows = dict[str, tuple[int, str]]

TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
 WHERE schemaname <> 'information_schema' AND schemaname NOT LIKE 'pg\\_%' ORDER BY 1"""
# md5, since the server's own hash functions may differ from version to version.
SUM = "SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0)::text FROM {} AS t"
# A row must be written the same way everywhere.
WRITTEN = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=1 -c bytea_output=hex"


def rows_of(connection: Connection) -> Rows:
    """All of them, as this connection's transaction sees them; generated columns count."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return {table: _sum(cursor, table) for (table,) in cursor.fetchall()}


def _sum(cursor: Cursor, table: str) -> tuple[int, str]:
    cursor.execute(SUM.format(table))
    number, total = cursor.fetchone() or (0, "0")
    return number, total


def difference(expected: Rows, found: Rows) -> str:
    """The first table that is not the same, in words; empty: every row of every table is."""
    for table in sorted(expected.keys() | found.keys()):
        ours, theirs = expected.get(table), found.get(table)
        if ours is None or theirs is None:
            return f"{table} is {'missing' if theirs is None else 'too many'}"
        if ours[0] != theirs[0]:
            return f"{table} has {theirs[0]:,} rows instead of {ours[0]:,}"
        if ours != theirs:
            return f"{table} has other rows"
    return ""


def told(rows: Rows) -> str:
    """`41 tables, 12,345 rows`."""
    return f"{len(rows)} tables, {sum(number for number, _ in rows.values()):,} rows"
