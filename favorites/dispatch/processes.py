"""The processes that hold streams: each tells of itself, in the round in which it tells which boards are open."""

import os
import socket
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from favorites.db import Session, clock
from favorites.models import EngineProcess, ProcessKind

FORGOTTEN = timedelta(minutes=1)  # without a word: it was killed, and its number may be another's soon


def this_process() -> str:
    """Its name: host and number, as the beats have it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def process_seen(session: Session, kind: ProcessKind, streams: int, told: int) -> None:
    """This process lives, holds so many streams, and has told them of all events up to `told`; commits."""
    now = {"kind": kind.value, "streams": streams, "told": told}
    written = insert(EngineProcess).values(name=this_process(), **now)
    session.execute(written.on_conflict_do_update(index_elements=["name"], set_={**now, "seen_at": clock()}))
    session.execute(delete(EngineProcess).where(EngineProcess.seen_at < clock() - FORGOTTEN))
    session.commit()


def process_leaves(session: Session) -> None:
    """This process holds no streams any more; commits."""
    session.execute(delete(EngineProcess).where(EngineProcess.name == this_process()))
    session.commit()
