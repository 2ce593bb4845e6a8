"""`python -m tests.faults.hand URL PEOPLE STORIES LOG`: plays stories by the verbs themselves, without a server."""

import json
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.doors import Direct, Door
from tests.faults.stories import People, Story, any_plot
from tests.faults.town import Town, kept

LANES = 3  # threads that play


class Log:
    """Records, one a line; written by several threads."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()

    def write(self, record: object) -> None:
        """One more."""
        with self._lock, self._path.open("a") as file:
            file.write(json.dumps(record) + "\n")


def play_lane(door: Callable[[], Door], town: Town, people: Sequence[People], stories: int, log: Log) -> None:
    """Plays that many stories one after the other, the people in turn; whose story went wrong plays no more."""
    turn = deque(people)
    with ThreadPoolExecutor(2) as threads:
        here = door()
        for _ in range(stories):
            group = turn.popleft()
            told = Story(here, town, group, threads).play(any_plot())
            log.write(told)
            if not (told["problems"] and turn):
                turn.append(group)


def main(url: str, people: str, stories: str, log: str) -> None:
    """Plays `stories` in all."""
    town, writes = Town(url), Log(Path(log))
    groups = [People(*group) for group in kept(Path(people))]
    with ThreadPoolExecutor(LANES) as lanes:
        played = [
            lanes.submit(play_lane, lambda: Direct(url), town, groups[lane::LANES], share, writes)
            for lane, share in enumerate(shares(int(stories), LANES))
        ]
    for lane in played:
        lane.result()


def shares(all_: int, lanes: int) -> list[int]:
    """`all_` in nearly equal parts."""
    return [all_ // lanes + (lane < all_ % lanes) for lane in range(lanes)]


if __name__ == "__main__":
    main(*sys.argv[1:])
