"""Forty mechanics press Accept at the same moment, over HTTP: one has the job, and every other is told so."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from itertools import cycle, islice

from tests.faults.doors import OK, REFUSED, Answer, read
from tests.faults.ground import ground
from tests.faults.registry import fault
from tests.faults.scenes import END_WINDOW, Case, Stage, done
from tests.faults.town import Person
from tests.server import Server

CROWD = 40
PER_MECHANIC = 25  # rounds; thirty answers a minute are allowed
LANES = 2  # crowds at the same time, so that no server is ever idle
WON, TOO_LATE = Answer(OK), Answer(REFUSED, "TAKEN")
STORED = """SELECT status, mechanic_id::text AS mechanic, (SELECT count(*) FROM request_events e
              WHERE e.session_request_id = r.id AND kind = 'request_accepted' AND actor IS NOT NULL) AS accepted
            FROM session_requests r WHERE id = %s"""


class Line:
    """A keep-alive connection: what is sent is on its way at once, the answer is read when it is asked for."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.connect()

    def accept(self, person: Person, request_id: str) -> None:
        """Presses Accept as that person."""
        headers = {"Cookie": person.cookie, "X-CSRFToken": person.token, "Accept": "application/json"}
        told = "".join(f"{name}: {value}\r\n" for name, value in (headers | {"Content-Length": "0"}).items())
        head = f"POST /mechanic/requests/{request_id}/accept HTTP/1.1\r\nHost: 127.0.0.1\r\n{told}\r\n"
        self._connection.sock.sendall(head.encode())

    def answer(self) -> Answer:
        """What that was answered."""
        answer = HTTPResponse(self._connection.sock, method="POST")
        answer.begin()
        told = read(answer.status, "", answer.read())
        return told._replace(id="")

    def close(self) -> None:
        """Hangs up."""
        self._connection.close()


class Crowd:
    """Forty mechanics and one who comes later, each with a line to one of the servers."""

    def __init__(self, here: Stage, servers: Sequence[Server]) -> None:
        self.here = here
        self.mechanics = [here.town.mechanic() for _ in range(CROWD + 1)]
        self.lines = [Line(server.port) for server, _ in zip(cycle(servers), self.mechanics, strict=False)]

    def round(self, number: int) -> None:
        """One session request, which was broadcast or whose window has just ended, and all of them."""
        case = Case(self.here).asked(preferred=bool(number % 2))
        if number % 2:
            self.here.town.sql(END_WINDOW, case.request_id)
        answers = self._press(case.request_id)
        (stored,) = self.here.town.sql(STORED, case.request_id)
        winners = [who.id for who, answer in zip(self.mechanics, answers, strict=False) if answer == WON]
        told = Counter(answers)
        claim = self.here.ground.claim
        claim(told == {WON: 1, TOO_LATE: CROWD - 1}, f"V8: {CROWD} accepts were answered {dict(told)}")
        claim([stored.mechanic] == winners, f"V8: {winners} were told so, the row has {stored.mechanic}")
        claim(stored[0::2] == ("accepted", 1), f"V8: {stored.status}, accepted {stored.accepted} times")
        late = self._late(case.request_id)
        claim(late == TOO_LATE, f"V8: an accept begun after the winner's answer was answered {late}")
        done(self.here.direct.does(case.ana, "cancel", case.request_id))

    def _press(self, request_id: str) -> Sequence[Answer]:
        """All but the last; the barrier is one thread that sends forty small packets before it reads any answer."""
        everybody = list(zip(self.lines, self.mechanics, strict=True))[:CROWD]
        for line, mechanic in everybody:
            line.accept(mechanic, request_id)
        return [line.answer() for line, _ in everybody]

    def _late(self, request_id: str) -> Answer:
        self.lines[-1].accept(self.mechanics[-1], request_id)
        return self.lines[-1].answer()

    def leave(self) -> None:
        """Everybody hangs up."""
        for line in self.lines:
            line.close()


@fault(
    "V8",
    "40 mechanics accept at once over HTTP; one more after the winner's answer",
    "one winner, 39 told TAKEN, the late one too; row and events agree; every invariant",
    1000,
)
def rounds(times: int) -> int:
    with ground() as here, here.server(CRASH_AT="") as one, here.server(CRASH_AT="") as two:
        race(Stage(here), [one, two], times)
        here.check()
        return len(here.violations)


def race(here: Stage, servers: Sequence[Server], times: int) -> None:
    """So many rounds, by servers that share nothing but the database; a crowd plays until its limit is near."""
    left, lock = iter(range(times)), threading.Lock()

    def play() -> None:
        while numbers := _some(left, lock):
            crowd = Crowd(here, servers)
            try:
                for number in numbers:
                    crowd.round(number)
            finally:
                crowd.leave()

    with ThreadPoolExecutor(LANES) as lanes:
        for lane in [lanes.submit(play) for _ in range(LANES)]:
            lane.result()


def _some(left: Iterator[int], lock: threading.Lock) -> list[int]:
    with lock:
        return list(islice(left, PER_MECHANIC))
