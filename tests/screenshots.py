"""`python -m tests.screenshots`: all of tests/gallery.py on a phone and a desktop, light and dark, and an index."""

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.gallery import Shot, play
from tests.screens import WIDTHS, Screens, chromium
from tests.server import ROOT
from tests.world import World, demo

PICTURES = ROOT / "docs" / "screenshots"
SCHEMES = ("light", "dark")
# Photos below the fold are loaded when somebody comes there.
PHOTOS = "Promise.all([...document.images].map((photo) => { photo.loading = 'eager'; return photo.decode(); }))"
COLORS = 64  # of a picture: pages have few, and all pictures together shall stay small


def write(world: World, browser: Browser, into: Path) -> list[Shot]:
    """All pictures; the shots in their order."""
    screens, shots = Screens(browser, world.base), []
    for shot in play(world):
        print(shot.name, flush=True)
        with screens.showing(shot) as page:
            for width in WIDTHS:
                for scheme in SCHEMES:
                    _keep(page, width, scheme, into / f"{shot.name}-{width}-{scheme}.webp")
        shots.append(shot)
    screens.close()
    return shots


def _keep(page: Page, width: int, scheme: str, path: Path) -> None:
    page.set_viewport_size({"width": width, "height": 720})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.evaluate(PHOTOS)
    is_dialog = page.locator("dialog[open]").count() > 0
    taken = page.screenshot(full_page=not is_dialog, animations="disabled", caret="hide")
    picture = Image.open(io.BytesIO(taken)).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    picture.convert("RGB").save(path, lossless=True)


def index(shots: list[Shot]) -> str:
    """The list of all pictures, a row a state."""
    head = "# Every page in each of its states\n\nBy `make screenshots`, from the demo data; nothing here is by hand.\n"
    columns = [f"{width} px, {scheme}" for width in WIDTHS for scheme in SCHEMES]
    lines = [head, f"| page | state | {' | '.join(columns)} |", "|---|---|---|---|---|---|"]
    for shot in shots:
        links = [f"[see](<{shot.name}-{width}-{scheme}.webp>)" for width in WIDTHS for scheme in SCHEMES]
        lines.append(f"| {shot.page} | {shot.state} | {' | '.join(links)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Writes docs/screenshots/ anew, all of it or nothing."""
    with tempfile.TemporaryDirectory() as place:
        made = Path(place)
        with chromium() as browser, demo() as world:
            shots = write(world, browser, made)
        (made / "README.md").write_text(index(shots))
        shutil.rmtree(PICTURES, ignore_errors=True)
        shutil.copytree(made, PICTURES)


if __name__ == "__main__":
    main()
