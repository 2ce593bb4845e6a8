"""The demo's people and their past month, as a stage: what happens there, the verbs do; time passes by ageing rows."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask
from sqlalchemy.orm import Session

from favorites.demo.words import ENDS, INTAKES
from favorites.embedded.connection import url
from favorites.postgres import home_of
from tests.cast import Customer, Mechanic, Owner, Person
from tests.database import fast_forward, hang_up, one, sql
from tests.server import Server, clear

OVER = {"reason": "other"}  # why the owner ends what a scene has left

Somebody = TypeVar("Somebody", bound=Person)


class World:
    """Everybody of the demo, by first name; `base` is where their browsers go."""

    def __init__(self, app: Flask, base: str) -> None:
        self.app, self.base = app, base
        self.ana, self.ben, self.chloe = (self._known(Customer, name) for name in ("Ana", "Ben", "Chloe"))
        self.marco, self.nadia, self.omar, self.rita, self.zed = (
            self._known(Mechanic, name) for name in ("Marco", "Nadia", "Omar", "Rita", "Zed")
        )
        self.olga = self._known(Owner, "Olga")

    def _known(self, kind: type[Somebody], name: str) -> Somebody:
        return kind.known(self.app, int(self.base.rpartition(":")[2]), name)

    def tells(self, who: Customer) -> dict[str, Any]:
        """Their intake, in the demo's words."""
        return ENDS[who.first_name] | INTAKES[who.first_name][0]

    def books(self, who: Customer, preferred: Mechanic | None = None, plan: str = "chat10") -> UUID:
        """The whole way, paid by credits; the session request's id."""
        told = self.tells(who)
        return who.books_again(preferred, plan, **told) if preferred else who.books(plan, **told)

    def drafts(self, who: Customer, plan: str = "chat10", *, signed: bool = True) -> UUID:
        """The intake, and the agreement if `signed`; the consultation's id."""
        consultation_id = who.starts_intake(plan, **self.tells(who))
        if signed:
            who.signs(consultation_id)
        return consultation_id

    def consultation(self, request_id: UUID) -> UUID:
        """Of this session request."""
        found: UUID = one("SELECT session_id FROM session_requests WHERE id = %s", request_id)
        return found

    def does(self, mechanic: Mechanic, request_id: UUID, *verbs: str) -> None:
        """One after the other, two minutes between them."""
        for verb in verbs:
            answer = mechanic.does(request_id, verb)
            assert answer.status_code == 200, answer.text
            self.waits(request_id, 2)

    def waits(self, request_id: UUID, minutes: float) -> None:
        """All that happened to this session request, its events too, happened that much earlier."""
        from favorites.demo.past import move_back

        with self.app.app_context(), self._session() as session:
            move_back(session, self.consultation(request_id), timedelta(minutes=minutes))

    def sweep(self) -> None:
        """One poll, now."""
        from favorites.dispatch import fallback

        with self._session() as session:
            fallback.sweep(session)

    def _session(self) -> Session:
        from favorites.db import db

        with self.app.app_context():
            return Session(db.engine)

    def on_shift(self, *mechanics: Mechanic) -> None:
        """They started an hour ago, and their boards are open."""
        for mechanic in mechanics:
            sql(
                "UPDATE mechanics SET shift_started_at = clock_timestamp() - interval '1 hour',"
                " board_seen_at = clock_timestamp() WHERE id = %s",
                mechanic.id,
            )

    def rests(self) -> None:
        """Nothing is open any more, nobody is on shift, and two hours pass."""
        for row in sql(
            "SELECT r.id, s.status FROM session_requests r JOIN sessions s ON s.id = r.session_id"
            " WHERE r.status IN ('pending', 'accepted')"
        ):
            verb = "complete" if row.status == "live" else "cancel"
            assert self.olga.client.post(f"/admin/requests/{row.id}/{verb}", data=OVER).status_code == 303
        sql("UPDATE mechanics SET shift_started_at = NULL, board_seen_at = clock_timestamp() - interval '3 hours'")
        fast_forward(minutes=120)


@contextmanager
def demo(**settings: str) -> Iterator[World]:
    """A server of its own with the demo's data, as people start it; it goes with the block."""
    instance = Path(tempfile.mkdtemp(prefix="book-again-"))
    try:
        with Server(instance, DEMO="1", FAILED_SIGN_INS_PER_MINUTE="100", **settings) as server:
            server.ready()
            database = os.environ["DATABASE_URL"] = url(home_of(instance))
            os.environ["INSTANCE_DIR"] = str(instance)
            yield World(_beside(), server.url)
            hang_up(database)
    finally:
        clear(instance)


def _beside() -> Flask:
    """The application once more, in this process, for what people do without a browser: same rows, same secret."""
    from favorites import create_app

    app = create_app(TESTING=True, RATELIMIT_ENABLED=False, MAIL_BACKEND="locmem")
    logging.getLogger("favorites").setLevel(logging.WARNING)
    return app
