"""What news costs where each stream is a browser's board, which reads itself anew: in turn, or all at once."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import NamedTuple

from bench.browser import Browser
from bench.figures import Figure, beside, paired, percentile, spread
from bench.stage import Stage, stage

BOARDS, ROUNDS = 200, 5
PROBES = 50  # pages a second, from the beginning of the news until the last board has read itself
LEAST = 40  # pages a round
PATIENCE = 60.0  # seconds
NEWS = """
INSERT INTO request_events (session_request_id, customer_id, kind, audience)
SELECT id, customer_id, 'new_request', 'mechanics' FROM session_requests WHERE id = %s
"""


class Round(NamedTuple):
    """`seconds` until every board had read itself; milliseconds that each page took meanwhile, as it was due."""

    seconds: float
    pages: list[float]


def measure() -> Iterator[Figure]:
    """The control: the same boards, each of which reads itself at once."""
    with stage() as on:
        rounds = asyncio.run(_played(on))
    ours, theirs = ([percentile(one.pages, 0.99) for one in rounds[arm]] for arm in (True, False))
    yield beside(
        f"pages while {BOARDS} boards read what is new, p99", median(ours), "ms", "all at once", median(theirs),
        ratio=paired(ours, theirs), note=f"{spread(ours)}; all at once {spread(theirs)}",
    )  # fmt: skip
    last, control = ([one.seconds for one in rounds[arm]] for arm in (True, False))
    yield beside(
        f"news → the last of {BOARDS} boards has read itself", median(last), "s", "all at once", median(control),
        note=f"{1000 * median(control) / BOARDS:.1f} ms of the server a board, all at once",
    )  # fmt: skip


async def _played(on: Stage) -> dict[bool, list[Round]]:
    customer = on.town.customer("Ana")
    with Browser(on.port, customer.cookie) as browser:
        request_id = customer.books(browser)
    herd = Herd(on.port, on.town.mechanics(BOARDS), f"/customer/requests/{request_id}/live", customer.cookie)
    await herd.gathers()
    rounds: dict[bool, list[Round]] = {True: [], False: []}
    for place in range(2 * ROUNDS):
        in_turn = bool(place % 2)
        rounds[in_turn].append(await herd.hears(lambda: on.town.rows(NEWS, request_id), in_turn))
    herd.leaves()
    return rounds


class Herd:
    """Boards as live.js makes them: a stream each, and after news for all a read, at a moment of the `spread`."""

    def __init__(self, port: int, cookies: list[str], page: str, customer: str) -> None:
        self._port, self._cookies, self._page, self._customer = port, cookies, page, customer
        self._spread, self._in_turn, self._unread = 0.0, True, 0
        self._knows = asyncio.Event()
        self._done = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def gathers(self) -> None:
        """Opens the streams, and waits for the ping that tells of them all."""
        self._tasks = [asyncio.create_task(self._board(cookie)) for cookie in self._cookies]
        await asyncio.wait_for(self._knows.wait(), PATIENCE)

    def leaves(self) -> None:
        """Closes the streams."""
        for task in self._tasks:
            task.cancel()

    async def hears(self, tell: Callable[[], object], in_turn: bool) -> Round:
        """One piece of news, and pages meanwhile."""
        self._in_turn, self._unread = in_turn, len(self._cookies)
        self._done.clear()
        began = time.monotonic()
        await asyncio.to_thread(tell)
        probes = asyncio.create_task(self._probe(began))
        await asyncio.wait_for(self._done.wait(), PATIENCE)
        seconds = time.monotonic() - began
        return Round(seconds, await probes)

    async def _probe(self, began: float) -> list[float]:
        """An open loop: a page that is late keeps none of the next from being asked for."""
        pages = []
        while not self._done.is_set() or len(pages) < LEAST:
            due = began + len(pages) / PROBES
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            pages.append(asyncio.create_task(self._looks(due)))
        return list(await asyncio.gather(*pages))

    async def _looks(self, due: float) -> float:
        await self._get(self._page, self._customer)
        return 1000 * (time.monotonic() - due)

    async def _board(self, cookie: str) -> None:
        reader, writer = await self._asks("/mechanic/events", cookie)
        event = ""
        while line := await reader.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            event = value if name == "event" else event
            if name == "data" and event == "ping":
                self._spread = json.loads(value)["spread"] / 1000
                if self._spread >= len(self._cookies) / 100:
                    self._knows.set()
            elif name == "data" and event == "new_request":
                await asyncio.sleep(random.random() * self._spread if self._in_turn else 0)
                await self._get("/mechanic/board", cookie)
                self._unread -= 1
                if not self._unread:
                    self._done.set()
        writer.close()
        raise RuntimeError("a board's stream has ended")

    async def _get(self, path: str, cookie: str) -> None:
        reader, writer = await self._asks(path, cookie)
        answer = await reader.read()
        writer.close()
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"GET {path} was answered {answer[:200]!r}")

    async def _asks(self, path: str, cookie: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        return reader, writer
