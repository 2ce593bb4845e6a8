"""What each verb sends, and the states in which two of them meet, for the interleavings.

The statements are those that the verbs send: captured from calls for a session request that is closed, so that each
tries all that it has. What a verb does only once its update has found a row (ledger, events) is left out.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

import psycopg2
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session

from favorites.dispatch import answers, fallback, people
from favorites.dispatch.actors import SYSTEM, Actor
from favorites.dispatch.errors import Refusal

ANA, MARCO, NADIA, WISH = (UUID(int=number) for number in range(1, 5))
VERBS: dict[str, Callable[[Session], object]] = {
    "accept": lambda session: answers.accept(session, WISH, MARCO),
    "another's accept": lambda session: answers.accept(session, WISH, NADIA),
    "decline": lambda session: answers.decline(session, WISH, MARCO),
    "cancel": lambda session: answers.cancel(session, WISH, Actor.customer(ANA)),
    "assignment": lambda session: answers.assign(session, WISH, NADIA, SYSTEM),
    "release": lambda session: answers.release(session, WISH, Actor.mechanic(MARCO)),
    "open": lambda session: answers.open_to_everyone(session, WISH, Actor.customer(ANA)),
    "sweep": fallback.broadcast_lapsed_windows,
    "expiry": fallback.expire_stale_requests,
    "suspension": lambda session: people.suspend_mechanic(session, MARCO, SYSTEM),
}
DELETION = f"DELETE FROM mechanics WHERE id = '{MARCO}'"  # by psql: no verb does it
# Every change of status, reason or winner is written down: "pending - accepted -".
NOTES = """
CREATE TABLE IF NOT EXISTS steps (id serial, step text);
CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO steps (step) VALUES (concat_ws(' ', OLD.status, coalesce(OLD.fallback_reason, '-'), NEW.status,
                                             coalesce(NEW.fallback_reason, '-')));
  RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER note AFTER UPDATE ON session_requests FOR EACH ROW
  WHEN (OLD.status <> NEW.status OR OLD.fallback_reason IS DISTINCT FROM NEW.fallback_reason
        OR NEW.mechanic_id <> OLD.mechanic_id) EXECUTE FUNCTION note()"""
BEFORE = f"""
DELETE FROM session_requests; DELETE FROM users; DELETE FROM steps;
INSERT INTO users (id, email, role, fs_uniquifier) VALUES ('{ANA}', 'a@x', 'customer', 'a'),
  ('{MARCO}', 'm@x', 'mechanic', 'm'), ('{NADIA}', 'n@x', 'mechanic', 'n');
INSERT INTO customers (id, user_id, first_name) VALUES ('{ANA}', '{ANA}', 'Ana');
INSERT INTO mechanics (id, user_id, first_name, status) VALUES ('{MARCO}', '{MARCO}', 'Marco', 'approved'),
  ('{NADIA}', '{NADIA}', 'Nadia', 'approved');
INSERT INTO session_requests (id, customer_id, session_type, plan_code) VALUES ('{WISH}', '{ANA}', 'chat', 'chat10');
UPDATE session_requests SET """
WINDOW = f"""preferred_mechanic_id = '{MARCO}', routing_type = 'priority_broadcast',
created_at = clock_timestamp() - interval '1 hour', priority_notified_at = clock_timestamp() - interval """
STAGES = {
    "in the window": f"{WINDOW} '1 minute'",
    "after the window": f"{WINDOW} '11 minutes'",
    "after its life": "expires_at = clock_timestamp() - interval '1 minute'",
    "accepted": f"{WINDOW} '1 hour', status = 'accepted', mechanic_id = '{MARCO}',"
    " accepted_at = clock_timestamp() - interval '55 minutes'",
}
CLOSED = "status = 'cancelled', closed_at = clock_timestamp()"


class Step(NamedTuple):
    """`takes`: the row locks, and whether shared; `waits` for them, or passes by."""

    sql: str
    takes: dict[str, bool]
    waits: bool = True


def captured(url: str) -> dict[str, list[Step]]:
    """What each verb sends, in order."""
    return {name: _steps(url, verb) for name, verb in VERBS.items()} | {"deletion": [_step(DELETION)]}


def _steps(url: str, verb: Callable[[Session], object]) -> list[Step]:
    # A suspension changes those session requests that its lock has found, so there it must find one.
    run(url, BEFORE + (STAGES["in the window"] if verb is VERBS["suspension"] else CLOSED))
    sent: list[str] = []
    engine = create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(url))
    event.listen(engine, "after_cursor_execute", lambda _, cursor, *__: sent.append(cursor.query.decode()))
    with Session(engine) as session, suppress(Refusal):
        verb(session)
    engine.dispose()
    matters = [sql for sql in sent if re.match("UPDATE|WITH", sql) or re.search(r"FOR (NO KEY UPDATE|SHARE)", sql)]
    return list(_merged([_step(sql) for sql in matters]))


def _step(sql: str) -> Step:
    """Which rows a statement locks."""
    takes = {}
    if re.search(r"UPDATE session_requests|FROM session_requests.* FOR|^DELETE", sql, re.DOTALL):
        takes["session request"] = False
    if re.match(r"(UPDATE|DELETE FROM) mechanics|SELECT.*\sFROM mechanics.* FOR", sql, re.DOTALL):
        takes["Nadia" if str(NADIA) in sql else "Marco"] = sql.endswith("FOR SHARE")
    return Step(sql, takes, "SKIP LOCKED" not in sql)


def _merged(steps: list[Step]) -> Iterator[Step]:
    """Updates that follow one another are one step: the row is held by then."""
    for is_update, group in itertools.groupby(steps, lambda step: step.sql.startswith("UPDATE session_requests")):
        some = list(group)
        yield from [Step(";\n".join(step.sql for step in some), some[0].takes)] if is_update else some


def run(url: str, text: str) -> None:
    """Runs statements, committed together."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(text)
    connection.close()
