"""All that we know of somebody as one file: JSON, or where there are photos a ZIP of the JSON and the photos."""

import json
from datetime import UTC, datetime
from typing import IO, Any
from zipfile import ZipFile

from sqlalchemy.orm import Session

from favorites.queries.own_data import own_data
from favorites.queries.own_talks import Whose, photo_name, photos

DATA = "book-again.json"
MOST = 256 * 1024 * 1024  # bytes of photos in what a browser is sent; the command line knows no such end


def write_archive(session: Session, person: Whose, out: IO[bytes], most: int | None = MOST) -> str:
    """Write it; what kind of file it is, `json` or `zip`. The newest photos come first, `most` bytes of them."""
    told = {"written_at": datetime.now(UTC), **own_data(session, person)}
    if not any("photo" in line for line in told.get("messages", [])):
        out.write(_as_json(told))
        return "json"
    with ZipFile(out, "w") as archive:
        left_out = _add_photos(session, person, archive, most)
        archive.writestr(DATA, _as_json(told | {"photos_left_out": left_out}))
    return "zip"


def _add_photos(session: Session, person: Whose, archive: ZipFile, most: int | None) -> int:
    """How many found no room."""
    written = left_out = 0
    for message_id, content in photos(session, person):
        if most is not None and written + len(content) > most:
            left_out += 1
            continue
        archive.writestr(photo_name(message_id), content)
        written += len(content)
    return left_out


def _as_json(told: dict[str, Any]) -> bytes:
    return json.dumps(told, indent=2, ensure_ascii=False, default=_plain).encode()


def _plain(value: Any) -> str:
    """Instants in ISO 8601, ids as they are written."""
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
