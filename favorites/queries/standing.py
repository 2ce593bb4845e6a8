"""Whose open streams may stay open."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text

from favorites.db import Session, array_of, clock


class Standing(NamedTuple):
    """What a stream was opened as; when any of it is no longer so, the stream ends."""

    sign_in_id: UUID
    user_id: UUID
    role: str
    mechanic_id: UUID | None = None
    workshop_id: UUID | None = None


# One statement for all streams, however many: which are no longer so, and is the sign-in itself over?
LOST = text("""
SELECT w.place, s.id IS NULL OR s.ended_at IS NOT NULL OR s.expires_at <= clock_timestamp() AS is_over
FROM unnest(CAST(:sign_ins AS uuid[]), CAST(:users AS uuid[]), CAST(:roles AS text[]), CAST(:mechanics AS uuid[]),
            CAST(:workshops AS uuid[])) WITH ORDINALITY AS w(sign_in_id, user_id, role, mechanic_id, workshop_id, place)
LEFT JOIN sign_ins s ON s.id = w.sign_in_id AND s.user_id = w.user_id
LEFT JOIN users u ON u.id = s.user_id
LEFT JOIN mechanics m ON m.id = w.mechanic_id AND m.user_id = u.id
WHERE (s.ended_at IS NULL AND s.expires_at > clock_timestamp() AND u.active AND u.role = w.role
       AND (w.mechanic_id IS NULL OR (m.status = 'approved' AND m.workshop_id IS NOT DISTINCT FROM w.workshop_id))
      ) IS NOT TRUE
""")


def lost(session: Session, standings: Collection[Standing]) -> dict[Standing, bool]:
    """Those of `standings` that no longer hold; True: the sign-in itself has ended."""
    listed = list(standings)
    if not listed:
        return {}
    sign_ins, users, roles, mechanics, workshops = zip(*listed, strict=True)
    ids = {"sign_ins": sign_ins, "users": users, "mechanics": mechanics, "workshops": workshops}
    columns = {name: array_of(column) for name, column in ids.items()} | {"roles": list(roles)}
    return {listed[place - 1]: is_over for place, is_over in session.execute(LOST, columns)}


def database_time(session: Session) -> datetime:
    """The database's clock."""
    return session.execute(select(clock())).scalar_one()
