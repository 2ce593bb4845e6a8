"""Open boards: who is there to answer; and open pages: who need not be written to."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, Text, Update, Uuid, bindparam, cast, func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from favorites.db import Session, array_of, clock
from favorites.models import Customer, Mechanic


def seen(session: Session, mechanic_ids: Collection[UUID]) -> None:
    """Writes that these mechanics' boards are open now, in one statement.

    A row that somebody holds is left for the next time: presence must never wait, nor make an accept wait.
    """
    _write(session, BOARDS, mechanic_ids)


def pages_seen(session: Session, user_ids: Collection[UUID]) -> None:
    """Writes that pages of these customers are open now; as `seen`."""
    _write(session, PAGES, user_ids)


def _writing(table: type[Mechanic | Customer], key: InstrumentedAttribute[UUID], column: str) -> Update:
    those = key == func.any(cast(bindparam("ids", type_=Text), ARRAY(Uuid)))
    held = select(table.id).where(those).order_by(table.id).with_for_update(skip_locked=True, key_share=True)
    written = update(table).where(table.id.in_(held)).values({column: clock()})
    return written.execution_options(synchronize_session=False)


BOARDS = _writing(Mechanic, Mechanic.id, "board_seen_at")
PAGES = _writing(Customer, Customer.user_id, "page_seen_at")


def _write(session: Session, statement: Update, ids: Collection[UUID]) -> None:
    session.execute(statement, {"ids": array_of(ids)})
    session.commit()
