"""A bare epoll loop in C."""

from pathlib import Path

from bench.built import program
from bench.peers import Peer


class Loop(Peer):
    name = "C loop"

    def command(self, _directory: Path) -> list[str]:
        return [str(program("loop", "peers/loop.c")), str(self.port)]
