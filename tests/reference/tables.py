"""Tables, columns, indexes and rules as PostgreSQL itself tells them."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.reference.markdown import code, table

Ask = Callable[..., list[Any]]

TABLES = """
    SELECT oid, relname, obj_description(oid, 'pg_class') AS comment FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version' ORDER BY relname"""
COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull, attidentity <> '' AS is_counted,
           CASE WHEN attgenerated = '' THEN pg_get_expr(adbin, adrelid) END AS default,
           CASE WHEN attgenerated <> '' THEN pg_get_expr(adbin, adrelid) END AS computed,
           col_description(attrelid, attnum) AS comment
      FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attname"""
INDEXES = """
    SELECT indexrelid::regclass::text AS name, indisunique, regexp_replace(pg_get_indexdef(indexrelid),
             '^CREATE (UNIQUE )?INDEX \\S+ ON (public\\.)?\\S+ ', '') AS words
      FROM pg_index WHERE indrelid = %s ORDER BY 1"""
RULES = """
    SELECT conname, pg_get_constraintdef(oid) AS words FROM pg_constraint
     WHERE conrelid = %s AND contype IN ('c', 'f') ORDER BY contype, conname"""
TRIGGERS = """
    SELECT tgname, regexp_replace(pg_get_triggerdef(oid), '^CREATE (CONSTRAINT )?TRIGGER \\S+ ', '') AS words
      FROM pg_trigger WHERE tgrelid = %s AND NOT tgisinternal ORDER BY tgname"""


def lines(ask: Ask) -> Iterator[str]:
    """A section for each table, by name; the columns by name, too, since migrations add them at the end."""
    for one in ask(TABLES):
        yield from (f"## {one.relname}", "", f"{one.comment}.", "")
        yield from table(("column", "type", "null", "default", "what it is"), map(_column, ask(COLUMNS, one.oid)))
        yield from _list("Indexes", ((row.name, _unique(row)) for row in ask(INDEXES, one.oid)))
        yield from _list("Rules", ask(RULES, one.oid))
        yield from _list("Triggers", ask(TRIGGERS, one.oid))


def _column(row: Any) -> tuple[str, ...]:
    default = "counts" if row.is_counted else f"computed: `{row.computed}`" if row.computed else code(row.default)
    return code(row.attname), row.type, "no" if row.attnotnull else "yes", default, row.comment


def _unique(row: Any) -> str:
    return f"unique, {row.words}" if row.indisunique else row.words


def _list(title: str, rows: Any) -> Iterator[str]:
    found = [f"- `{name}`: {' '.join(words.split())}" for name, words in rows]
    if found:
        yield from (f"{title}:", "", *found, "")
