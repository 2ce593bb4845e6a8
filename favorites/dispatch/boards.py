"""Open boards: who is there to answer."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select, update

from favorites.db import Session, clock
from favorites.models import Mechanic


def seen(session: Session, mechanic_ids: Collection[UUID]) -> None:
    """Writes that these mechanics' boards are open now, in one statement.

    A row that somebody holds is left for the next time: presence must never wait, nor make an accept wait.
    """
    free = select(Mechanic.id).where(Mechanic.id.in_(mechanic_ids)).order_by(Mechanic.id)
    held = free.with_for_update(skip_locked=True, key_share=True)
    write = update(Mechanic).where(Mechanic.id.in_(held)).values(board_seen_at=clock())
    session.execute(write, execution_options={"synchronize_session": False})
    session.commit()
