"""K48 to K50 in short: a page whose stream is refused, asleep, or one of several tabs' recovers by itself."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.faults import browsers
from tests.faults.browsers import Scene
from tests.faults.deploys import hup

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def scene(chromium: Browser) -> Iterator[Scene]:
    with browsers.scenery(chromium) as scene:
        yield scene
    assert scene.here.violations == []


@pytest.fixture
def page(scene: Scene) -> Iterator[Page]:
    """The mechanic's board; nothing goes wrong on it."""
    before = len(scene.here.violations)
    page = browsers.board(scene)
    yield page
    page.close()
    assert scene.here.violations[before:] == []


@pytest.mark.parametrize("what", ["503", "204", "another content type"])
def test_k48_after_an_answer_that_is_no_stream_it_comes_back(scene: Scene, page: Page, what: str) -> None:
    browsers.refuse(scene, page, what, often=1)


def test_k49_a_tab_that_slept_through_a_deploy_shows_what_happened(scene: Scene, page: Page) -> None:
    hup(scene.server)
    browsers.frozen_tab(scene, page)


def test_k50_four_tabs_share_one_stream_and_survive_its_holder(scene: Scene) -> None:
    before = len(scene.here.violations)
    browsers.many_tabs(scene, 4)
    assert scene.here.violations[before:] == []


def test_who_was_signed_out_elsewhere_is_told_so(scene: Scene, page: Page) -> None:
    scene.here.town.sql("UPDATE sign_ins SET ended_at = clock_timestamp()")
    expect(page.locator("#connection")).to_contain_text("You are signed out here", timeout=browsers.SOON * 1000)
