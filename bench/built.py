"""What the bench has in C, compiled when it is needed, into a directory that git ignores."""

import subprocess
from pathlib import Path

HERE = Path(__file__).parent
BUILT = HERE / "built"


def program(name: str, *sources: str) -> Path:
    """Where it is; `sources` are below `bench/`."""
    BUILT.mkdir(exist_ok=True)
    path, files = BUILT / name, [HERE / source for source in sources]
    if not path.exists() or path.stat().st_mtime < max(file.stat().st_mtime for file in files):
        subprocess.run(["cc", "-O2", "-Wall", "-o", path, *files], check=True)
    return path
