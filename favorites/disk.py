"""Room on the disks that we write to."""

import shutil
from pathlib import Path
from typing import NamedTuple

from favorites.settings import Settings

LEAST_BYTES, LEAST_SHARE = 10**9, 0.1  # below either of them it is time to make room


class Space(NamedTuple):
    """A file system: what of ours is on it, and its bytes, free and all."""

    holds: str
    free: int
    total: int

    @property
    def is_low(self) -> bool:
        """Whether it is time to make room."""
        return self.free < LEAST_BYTES or self.free < self.total * LEAST_SHARE


def spaces(settings: Settings, data_directory: str | None) -> list[Space]:
    """That of INSTANCE_DIR, and that of the database's files where they are on this machine (else None)."""
    places = {"instance": settings.instance_dir}
    if data_directory:
        places["database"] = Path(data_directory)
    return [Space(holds, *_room(path)) for holds, path in places.items()]


def _room(path: Path) -> tuple[int, int]:
    """Free and all bytes where `path` is, or would be made."""
    for place in (path, *path.resolve().parents):
        try:
            usage = shutil.disk_usage(place)
        except OSError:  # not there, or not ours to look at
            continue
        return usage.free, usage.total
    raise FileNotFoundError(path)
