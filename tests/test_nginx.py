"""The shipped nginx.conf in a real nginx: the short form of K51 and K52."""

from pathlib import Path

import pytest

from tests.cast import Customer, Mechanic
from tests.faults.proxies import GZIP, Zipped, nginx


@pytest.mark.parametrize("more", ["", GZIP], ids=["as shipped", "gzip on for streams"])
def test_k51_nginx_holds_nothing_back(port: int, ana: Customer, marco: Mechanic, tmp_path: Path, more: str) -> None:
    with nginx(tmp_path, port, more) as front:
        board = Zipped(front, marco)
        for _ in range(3):
            request_id = ana.books()
            board.until(str(request_id).encode())
            assert ana.does(request_id, "cancel").status_code == 200
            board.until(b"event: request_cancelled")
            board.text = b""
        board.close()
        assert ("content-encoding: gzip" in board.head) == bool(more)
