"""Each page, in the first of its states: light or dark, on a phone, at 200 % zoom, without motion, by keyboard (U12).

`make pages` asks the same of every state, in light and in dark, and more.
"""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.gallery import play
from tests.screens import Screens
from tests.standards import checks
from tests.world import World

pytestmark = pytest.mark.browser


@pytest.fixture
def world(app: Flask, port: int) -> World:
    """The demo's people, on the tests' own server."""
    from favorites import demo

    with app.app_context():
        assert demo.write()
    return World(app, f"http://127.0.0.1:{port}")


def test_u12_each_page_fits_can_be_read_and_pressed_and_moves_for_nobody_who_minds(look: Screens, world: World) -> None:
    wrong, pages = {}, set()
    for shot in play(world):
        if shot.page in pages:
            continue
        pages.add(shot.page)
        with look.showing(shot) as page:
            by_axe = (checks.axe, checks.axe_in_dark)[len(pages) % 2]
            asked = (by_axe, checks.zoom, checks.motion, checks.keyboard)
            if found := [each for ask in asked for each in ask(page)]:
                wrong[shot.name] = found
    look.complaints[:] = [said for said in look.complaints if "Failed to load" not in said]  # refusals, which some are
    assert not wrong, "\n".join(f"{name}: {each}" for name, found in wrong.items() for each in found)


@pytest.mark.parametrize(
    ("check", "body"),
    [
        (checks.axe_in_both_schemes, '<main><h1>A</h1><p style="color: light-dark(black, #333)">Grey</p></main>'),
        (checks.axe_in_both_schemes, "<main><h1>A</h1><input></main>"),
        (checks.zoom, '<p style="min-width: 700px">Wide</p>'),
        (checks.zoom, '<p style="width: 200px; overflow: hidden; white-space: nowrap">Text that is cut off here</p>'),
        (checks.zoom, '<p style="width: 90rem; max-width: 200%">Wide</p>'),
        (checks.motion, '<p style="animation: spin 1s infinite">Turns</p>'),
        (checks.motion, '<p style="transition: color 1s">Fades</p>'),
        (checks.keyboard, '<a href="#a" style="outline: none">Unseen</a>'),
        (checks.keyboard, '<a href="#a" style="position: fixed; top: -200px">Away</a>'),
        (checks.keyboard, '<a href="#a">One</a><a href="#b" onfocus="this.blur()">Never</a>'),
    ],
)
def test_what_is_wrong_is_found(chromium: Browser, check: Callable[[Page], list[str]], body: str) -> None:
    page = chromium.new_page()
    page.set_content(
        '<!doctype html><html lang="en"><title>A</title><meta name="color-scheme" content="light dark">'
        "<style>@keyframes spin { to { rotate: 1turn } } body { background: light-dark(white, black) }</style>" + body
    )
    assert check(page)
    page.close()


def test_where_nothing_is_wrong_nothing_is_found(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content('<!doctype html><html lang="en"><title>A</title><main><h1>A</h1><a href="#">One</a></main>')
    for check in (checks.axe_in_both_schemes, checks.zoom, checks.motion, checks.keyboard):
        assert check(page) == []
    page.close()
