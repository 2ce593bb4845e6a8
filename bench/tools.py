"""What the bench needs and the product does not: a compiler, nginx with nchan, pgbench. A run without is no result."""

import subprocess
from pathlib import Path

from favorites.postgres import MachineError, binaries
from tests.debian import install, may_install, version_of
from tests.faults.tools import path_of

NCHAN = "ngx_nchan_module.so"
# Each with the Debian packages that bring it.
PACKAGES = {
    "cc": ("gcc", "libc6-dev"),
    "nginx": ("nginx-light",),
    NCHAN: ("libnginx-mod-nchan",),
    "pgbench": ("postgresql",),
}


def ensure() -> str:
    """Installs what is missing, as root on Debian. Empty, or the sentence that says what is missing all the same."""
    if may_install() and (packages := [package for tool in _missing() for package in PACKAGES[tool]]):
        print(f"Installing {', '.join(packages)} (once) …", flush=True)
        if why := install(*packages):
            print(why, flush=True)
    if missing := _missing():
        packages = [package for tool in missing for package in PACKAGES[tool]]
        return (
            f"The bench needs {', '.join(missing)}, and a run without is no result: "
            f"as root on Debian it installs them itself, elsewhere install what Debian calls {', '.join(packages)}."
        )
    return ""


def _missing() -> list[str]:
    return [tool for tool in PACKAGES if not (_has_pgbench() if tool == "pgbench" else path_of(tool))]


def _has_pgbench() -> bool:
    try:
        return (binaries() / "pgbench").exists()
    except MachineError:
        return False


def versions() -> dict[str, str]:
    """Of what stands beside us."""
    return {
        "gcc": _said("cc", "--version").partition("\n")[0].rpartition(" ")[2],
        "nginx": _said(str(path_of("nginx")), "-v").strip().rpartition("/")[2],
        "nchan": version_of("libnginx-mod-nchan"),
        "postgresql": _said(str(binaries() / "postgres"), "--version").strip().removeprefix("postgres (PostgreSQL) "),
    }


def _said(*command: str) -> str:
    """Both ways out: nginx tells its version as an error."""
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return ran.stdout


def nginx() -> tuple[Path, Path]:
    """nginx and its module nchan."""
    server, module = path_of("nginx"), path_of(NCHAN)
    assert server
    assert module
    return server, module
