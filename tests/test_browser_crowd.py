"""Many boards hear the same news: they read themselves anew in turn; whoever alone is meant does it at once."""

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from favorites.live import live_of
from favorites.live.hub import BOARD_READ
from tests.cast import Customer, Mechanic
from tests.screens import Screens
from tests.server import until

pytestmark = pytest.mark.browser

LONG = 3_600_000  # milliseconds: nobody's turn comes within this test


@pytest.fixture
def board(look: Screens, marco: Mechanic) -> Page:
    """Marco's board, whose stream is open."""
    board = look.open(marco, "/mechanic/dashboard")
    expect(board.locator("#live[data-connection=open]")).to_be_attached()
    return board


def crowded(board: Page) -> list[str]:
    """As if so many boards were open; the addresses that it reads from now on."""
    board.evaluate(f"document.getElementById('live').dataset.spread = {LONG}")
    reads: list[str] = []
    board.on("request", lambda request: reads.append(request.url) if "/mechanic/board" in request.url else None)
    return reads


def test_what_is_for_all_greys_at_once_and_is_read_in_turn(board: Page, ana: Customer, nadia: Mechanic) -> None:
    request_id = ana.books()
    card = board.locator(f"[data-request-id='{request_id}']")
    expect(card).to_be_visible()
    reads = crowded(board)
    nadia.accepts(request_id)
    expect(card).to_contain_class("is-gone")
    assert reads == []


def test_an_offer_waits_for_nobody(board: Page, ana: Customer, marco: Mechanic, flag_on: None) -> None:
    ana.favors(marco)
    crowded(board)
    request_id = ana.books_again(marco)
    expect(board.locator(f"[data-request-id='{request_id}']")).to_be_visible()


def test_several_news_are_one_read(board: Page, ana: Customer, ben: Customer, chloe: Customer) -> None:
    reads = crowded(board)
    board.evaluate("Math.random = () => 0.5 / 3600")  # half a second
    for each in (ana, ben, chloe):
        each.books()
    # Its first look may show all of them, and is not counted. (To ask the page anything lets its requests be heard.)
    until(lambda: board.evaluate("1") and reads, "it reads")
    expect(board.locator("[data-card]")).to_have_count(3)
    assert len(reads) == 1


def test_the_server_says_how_long_all_of_them_take(app: Flask, board: Page) -> None:
    board.evaluate("document.getElementById('live').dataset.spread = 12345")
    crowd = live_of(app).hub._crowd
    for stream in tuple(crowd.streams):
        stream.ping_at = 0
    expected = BOARD_READ * crowd.size("mechanics")
    expect(board.locator(f"#live[data-spread='{expected}']")).to_be_attached()
