"""Where a stream goes on: exactly after the last event its reader has, or with a `reset`."""

import logging
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from favorites.db import Session
from favorites.live.frames import frame_of
from favorites.live.reader import PRESENT
from favorites.live.ring import LONGEST, Known
from favorites.queries import events
from favorites.queries.events import Signal

log = logging.getLogger(__name__)

Backlog = Callable[[int, int], list[Signal]]  # (after, limit): what this reader may see of it


class Start(NamedTuple):
    """`missed` is written first; then the hub goes on after `last`."""

    last: int = PRESENT
    delivered: int | None = None
    missed: bytes = b""
    is_reset: bool = False


PRESENTLY = Start()
RESET = Start(is_reset=True)


def resume(session: Session, ring: Known, asked: str | None, backlog: Backlog) -> Start:
    """From `Last-Event-ID` or `?after=` as they came. Reads the table only for what is below the ring."""
    if asked is None:
        return PRESENTLY
    after = _number(asked)
    if after is None:
        return RESET
    newest = ring.newest  # before the read: whatever the table shows then, it shows at least this
    if after > newest and after > events.newest_id(session):
        return RESET
    if after >= ring.floor:
        return Start(after, after)
    return _from_table(session, after, newest, backlog)


def _from_table(session: Session, after: int, newest: int, backlog: Backlog) -> Start:
    if not events.is_whole_after(session, after):
        return RESET
    try:
        signals = backlog(after, LONGEST + 1)
        missed = b"".join(frame_of(signal).data for signal in signals)
    except SQLAlchemyError:
        raise
    except Exception:  # a row that nobody can make sense of must not keep the stream shut for good
        log.exception("[Live] what was missed cannot be told; the page reads its state anew")
        return RESET
    if len(signals) > LONGEST:
        return RESET
    delivered = signals[-1].id if signals else after
    return Start(max(newest, delivered), delivered, missed)


def _number(asked: str) -> int | None:
    """An id; None for what never was one."""
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 19):
        return None
    number = int(asked)
    return number if number < 2**63 else None
