"""Open boards: who is there to answer; and open pages: who need not be written to."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from favorites.db import Session, clock
from favorites.models import Customer, Mechanic


def seen(session: Session, mechanic_ids: Collection[UUID]) -> None:
    """Writes that these mechanics' boards are open now, in one statement.

    A row that somebody holds is left for the next time: presence must never wait, nor make an accept wait.
    """
    _write(session, Mechanic, Mechanic.id.in_(mechanic_ids), "board_seen_at")


def pages_seen(session: Session, user_ids: Collection[UUID]) -> None:
    """Writes that pages of these customers are open now; as `seen`."""
    _write(session, Customer, Customer.user_id.in_(user_ids), "page_seen_at")


def _write(session: Session, table: type[Mechanic | Customer], those: ColumnElement[bool], column: str) -> None:
    free = select(table.id).where(those).order_by(table.id)
    held = free.with_for_update(skip_locked=True, key_share=True)
    write = update(table).where(table.id.in_(held)).values({column: clock()})
    session.execute(write, execution_options={"synchronize_session": False})
    session.commit()
