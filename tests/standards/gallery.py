"""The whole gallery, held to what can be asked of every page."""

from collections.abc import Iterator

from playwright.sync_api import Page

from bench.figures import Figure, figure
from tests.gallery import play
from tests.screens import DESKTOP, PHONE, Screens
from tests.standards import checks, w3c
from tests.world import World

AXE, ZOOM, MOTION, KEYS = "axe violations", "cut or too wide", "moves all the same", "out of the keyboard's reach"
W3C, CONSOLE = "errors and warnings of the W3C checker", "errors and warnings in the console"


class Findings:
    """What was wrong, by what was asked, of so many pages."""

    def __init__(self) -> None:
        self.pages = 0
        self.by: dict[str, list[str]] = {what: [] for what in (AXE, W3C, ZOOM, MOTION, KEYS, CONSOLE)}

    def add(self, what: str, name: str, wrong: list[str]) -> None:
        """Of the page of that name."""
        self.by[what] += [f"{name}: {each}" for each in wrong]

    def wrong(self) -> Iterator[str]:
        """Each, in words."""
        for what, all_of_it in self.by.items():
            yield from (f"{what}: {each}" for each in all_of_it)

    def figures(self) -> Iterator[Figure]:
        """How many of each; none is the goal."""
        for what, all_of_it in self.by.items():
            yield figure(what, len(all_of_it), "", most=0, note=f"{self.pages} pages and states")


def look_at(world: World, screens: Screens) -> Findings:
    """Every page in every state; the W3C checker reads all of them at the end."""
    findings, reader = Findings(), w3c.Reader()
    for shot in play(world):
        print(f"{shot.name} …", flush=True)
        with screens.showing(shot) as page:
            reader.reads(shot.name, page, screens.document)
            findings.add(AXE, shot.name, _axe(page))
            findings.add(ZOOM, shot.name, checks.zoom(page))
            findings.add(MOTION, shot.name, checks.motion(page))
            findings.add(KEYS, shot.name, checks.keyboard(page))
        # Chromium's own line for a refusal, which some states are.
        findings.add(CONSOLE, shot.name, [said for said in screens.complaints if "Failed to load" not in said])
        screens.complaints.clear()
        findings.pages += 1
    screens.close()
    findings.by[W3C] = w3c.problems(reader.texts)
    return findings


def _axe(page: Page) -> list[str]:
    """Light and dark, at both widths."""
    wrong = []
    for width in (PHONE, DESKTOP):
        page.set_viewport_size({"width": width, "height": checks.HEIGHT})
        wrong += [f"{width} px: {each}" for each in (*checks.axe(page), *checks.in_dark(page))]
    return wrong
