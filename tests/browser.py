"""Makes sure that there is a Chromium: the machine's, else Debian's package, else Playwright's own download.

`python -m tests.browser` ends with 1 and one sentence when there is none to be had; NO_BROWSER=1 does without.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

BROWSERS = Path(__file__).resolve().parents[1] / ".browsers"
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


def chromium_path() -> str | None:
    """The program of a Chromium that is there: $CHROMIUM, one on the PATH, or Playwright's; None when there is none."""
    return next(_found(), None)


def _found() -> Iterator[str]:
    for name in (os.environ.get("CHROMIUM"), *NAMES):
        if name and (path := shutil.which(name)):
            yield path
    downloaded = [
        *BROWSERS.glob("chromium-*/chrome-*/chrome"),
        *BROWSERS.glob("chromium-*/chrome-*/*/Contents/MacOS/*"),
    ]
    yield from (str(path) for path in sorted(downloaded, reverse=True) if os.access(path, os.X_OK))


def ensure() -> str | None:
    """As `chromium_path()`, after having tried to get one."""
    return chromium_path() or _from_debian() or _from_playwright()


def _from_debian() -> str | None:
    if os.geteuid() or not shutil.which("apt-get"):
        return None
    print("Installing Chromium (once) …", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run("apt-get", "-qq", "update", env=quiet)
    _run("apt-get", "-qq", "install", "--yes", "--no-install-recommends", "chromium", env=quiet)
    return chromium_path()


def _from_playwright() -> str | None:
    print("Downloading Chromium (once) …", flush=True)
    place = {**os.environ, "PLAYWRIGHT_BROWSERS_PATH": str(BROWSERS)}
    _run(sys.executable, "-m", "playwright", "install", "chromium", env=place)
    return chromium_path()


def _run(*command: str, env: dict[str, str]) -> None:
    subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )


if __name__ == "__main__" and not os.environ.get("NO_BROWSER") and not ensure():
    sys.exit(
        "There is no Chromium and none can be installed: set CHROMIUM to one, or NO_BROWSER=1 to leave its tests out."
    )
