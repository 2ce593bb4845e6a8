"""Makes sure that there is a Chromium: the machine's, else Debian's package, else Playwright's own download.

`python -m tests.browser` ends with 1 and says why when there is none to be had; NO_BROWSER=1 does without.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.debian import install, may_install, run

BROWSERS = Path(__file__).resolve().parents[1] / ".browsers"
# The shell is the same engine without a browser's own windows, which nobody sees here: half the processor for a page.
SHELL = "chromium-headless-shell"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path(*, whole: bool = False) -> str | None:
    """The program of a Chromium that runs: $CHROMIUM, one on the PATH, or Playwright's; None when there is none.

    `whole`: not the shell, which has no notifications and no service workers that are pushed to.
    """
    return next((path for path in _found(whole) if not run(path, "--version")), None)  # Ubuntu's is a stub of a snap


def _found(whole: bool) -> Iterator[str]:
    for name in (os.environ.get("CHROMIUM"), *([] if whole else [SHELL]), *NAMES):
        if name and (path := shutil.which(name)):
            yield path
    downloaded = [
        *BROWSERS.glob("chromium-*/chrome-*/chrome"),
        *BROWSERS.glob("chromium-*/chrome-*/*/Contents/MacOS/*"),
    ]
    yield from (str(path) for path in sorted(downloaded, reverse=True) if os.access(path, os.X_OK))


def ensure() -> str:
    """Gets a Chromium, and the library of Playwright's driver, unless they are there. Why it could not; or nothing."""
    why = _missing()
    if why and may_install():
        why = _from_debian() or _missing()
    if why and not chromium_path(whole=True):
        why = _from_playwright() or _missing()
    return why


def _missing() -> str:
    return run(sys.executable, "-m", "playwright", "--version") or (
        "" if chromium_path(whole=True) else "none was found"
    )


def _from_debian() -> str:
    print("Installing Chromium (once) …", flush=True)
    # The driver, a node, needs the library.
    packages = ["libatomic1", *([] if chromium_path(whole=True) else ["chromium"])]
    return install(*packages, SHELL) and install(*packages)  # older Debians have no shell


def _from_playwright() -> str:
    print("Downloading Chromium (once) …", flush=True)
    return run(sys.executable, "-m", "playwright", "install", "chromium", PLAYWRIGHT_BROWSERS_PATH=str(BROWSERS))


if __name__ == "__main__" and not os.environ.get("NO_BROWSER") and (why := ensure()):
    sys.exit(
        f"There is no Chromium to test in, and none can be had ({why}): install one, set CHROMIUM to one, "
        "or leave its tests out by NO_BROWSER=1."
    )
