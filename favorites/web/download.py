"""A file with all that we know of somebody, for themselves or from the owner."""

from tempfile import SpooledTemporaryFile

from flask import Response, send_file

from favorites.db import db
from favorites.queries.archive import write_archive
from favorites.queries.own_talks import Whose

IN_MEMORY = 8 * 1024 * 1024  # bytes; what is larger waits on the disk until it is sent
TYPES = {"json": "application/json", "zip": "application/zip"}


def download(person: Whose) -> Response:
    """It is kept by nobody on the way."""
    file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the answer closes it
    kind = write_archive(db.session(), person, file)
    file.seek(0)
    answer = send_file(file, mimetype=TYPES[kind], as_attachment=True, download_name=f"book-again.{kind}")
    answer.headers["Cache-Control"] = "no-store"
    return answer
