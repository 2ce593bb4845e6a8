"""`python -m tests.faults.sweeping URL [stop LIMITS]`: sweeps until nothing is left, once it was told to go.

With `stop` it stops itself in the middle of its transaction; woken, it ends with 3 when that could not be committed.
"""

import os
import signal
import sys
from typing import Any

import psycopg2
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from favorites.db import LIMITS
from favorites.dispatch import fallback


def main(url: str, stop: str = "", limits: str = LIMITS) -> int:
    """0: nothing is left; 3: the transaction was lost."""
    engine = create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(url, options=limits))
    if stop:
        fallback._announce = _stopping(fallback._announce)
    with Session(engine) as session:
        session.connection()
        session.rollback()
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            fallback.sweep(session)
        except DBAPIError:
            return 3
    return 0


def _stopping(announce: Any) -> Any:
    def stopped(*arguments: Any) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
        announce(*arguments)

    return stopped


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
