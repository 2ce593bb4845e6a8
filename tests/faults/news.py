"""What everybody's boards must hear: real bookings, and the ids of the events that tell of them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.ears import Ear
from tests.faults.ground import Ground
from tests.faults.scenes import Case, Stage, done
from tests.faults.town import Person
from tests.server import Server

BOARD = "/mechanic/events"
NEWEST = "SELECT coalesce(max(id), 0) FROM request_events WHERE audience = 'mechanics'"
TOLD = "SELECT id FROM request_events WHERE id > %s AND audience = 'mechanics' ORDER BY id"


class News:
    """Bookings of customers who ask everyone, told to every board from `since` on."""

    def __init__(self, here: Ground, server: Server) -> None:
        self.ground, self.server, self.town = here, server, here.town
        self._stage = Stage(here, server)
        self._cases: list[Case] = []
        self.since = self.newest()

    def happen(self, number: int = 1, concern: str = "") -> float:
        """So many bookings, with that concern; when the last was committed."""
        for _ in range(number):
            case = Case(self._stage).signed(preferred=False)
            if concern:
                self.town.sql("UPDATE intakes SET concern = %s WHERE session_id = %s", concern, case.consultation_id)
            case.request_id = done(self._stage.direct.pay(case.ana, case.consultation_id)).id
            self._cases.append(case)
        return time.monotonic()

    def newest(self) -> int:
        """The id of the newest event that boards are told."""
        return int(self.town.one(NEWEST))

    def told(self) -> list[int]:
        """The ids that a board heard that was open from the beginning."""
        return [row.id for row in self.town.sql(TOLD, self.since)]

    def ear(self, mechanic: Person, after: int | None = None) -> Ear:
        """Their open board."""
        return Ear(self.server.port, BOARD, mechanic.cookie, after)

    def all_heard(self, ear: Ear, seconds: float, what: str) -> float:
        """Waits until the board has heard all that was told: nothing twice, nothing lost. How long it took."""
        began, told = time.monotonic(), self.told()
        while (heard := [each.id for each in ear.all if each.event == "new_request"]) != told:
            if not ear.is_open or time.monotonic() > began + seconds:
                self.ground.claim(False, f"{what}: heard {heard} of {told} after {time.monotonic() - began:.1f} s")
                break
            time.sleep(0.005)
            ear.drain()
        return time.monotonic() - began

    def own_sessions(self) -> int:
        """How many sessions of the database the bookings take."""
        return int(self._stage.direct.engine.pool.checkedin())  # type: ignore[attr-defined] # it is a QueuePool

    def end(self) -> None:
        """Nothing stays open that could fall due later."""
        while self._cases:
            self._cases.pop().leave()


@contextmanager
def news(here: Ground, server: Server) -> Iterator[News]:
    """News that leave nothing open."""
    told = News(here, server)
    yield told
    told.end()
