"""What PostgreSQL itself says the schema is, as readable lines: what `flask db check` cannot see is in here, too."""

from tests.scratch import Database

OURS = "NOT LIKE 'alembic%'"

QUESTIONS = {
    "column": f"""
        SELECT c.table_name || '.' || c.column_name,
               concat_ws(' ', c.data_type, c.udt_name, 'null ' || c.is_nullable, 'default ' || c.column_default,
                         'identity ' || c.identity_generation, c.is_generated, c.generation_expression)
          FROM information_schema.columns c WHERE c.table_schema = 'public' AND c.table_name {OURS}""",
    "stored": """
        SELECT attrelid::regclass || '.' || attname, attgenerated::text FROM pg_attribute
         WHERE attgenerated <> '' AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    """,
    "comment": f"""
        SELECT relname || coalesce('.' || attname, ''), coalesce(col_description(c.oid, attnum), 'MISSING')
          FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname {OURS}
        UNION ALL
        SELECT relname, coalesce(obj_description(oid, 'pg_class'), 'MISSING')
          FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname {OURS}""",
    "index": f"""
        SELECT i.indexname, i.indexdef || CASE WHEN indisvalid AND indisready THEN ' valid' ELSE ' INVALID' END
          FROM pg_indexes i JOIN pg_index ON indexrelid = i.indexname::regclass
         WHERE i.schemaname = 'public' AND i.tablename {OURS}""",
    "constraint": f"""
        SELECT conrelid::regclass || ' ' || conname,
               pg_get_constraintdef(oid) || CASE WHEN convalidated THEN ' valid' ELSE ' NOT VALID' END
          FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'p', 'u')
           AND conrelid::regclass::text {OURS}""",
}
TRIGGERS = """
    SELECT tgrelid::regclass || ' ' || tgname || CASE tgenabled WHEN 'O' THEN '' ELSE ' DISABLED' END,
           regexp_replace(pg_get_triggerdef(oid), '^CREATE (CONSTRAINT )?TRIGGER \\S+ | ON public\\.\\w+', '', 'g')
      FROM pg_trigger WHERE NOT tgisinternal"""


def facts(database: Database) -> dict[str, str]:
    """`kind name` → what it is, of everything the models' metadata describes."""
    return {f"{kind} {name}": fact for kind in QUESTIONS for name, fact in _answers(database, QUESTIONS[kind])}


def triggers(database: Database) -> dict[str, str]:
    """`table trigger` → when it fires and what it calls."""
    return dict(_answers(database, TRIGGERS))


def _answers(database: Database, question: str) -> list[tuple[str, str]]:
    return database.sql(f"SELECT * FROM ({question}) AS answer (name, fact)")


def differences(left: dict[str, str], right: dict[str, str]) -> set[str]:
    """The names of what is in one only, or different."""
    return {name for name in left | right if left.get(name) != right.get(name)}
