"""pg_dump and pg_restore, with the password where no other user of the machine can read it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from psycopg2.extensions import make_dsn, parse_dsn

from favorites.backups import BackupError

# A newer pg_restore sets what an older server does not know, and goes on; all else is grave.
HARMLESS = "unrecognized configuration parameter"


@contextmanager
def dumping(pg_dump: Path, url: str, snapshot: str) -> Iterator[IO[bytes]]:
    """What pg_dump writes; BackupError when it did not write all."""
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", "--lock-wait-timeout=60s"]
    with TemporaryFile() as words, _process(pg_dump, url, options, words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            yield process.stdout
        except BaseException:
            process.kill()
            raise
        if process.wait():
            raise BackupError(f"pg_dump fails ({_grave(words)}): set that right and try again.")


def restore(pg_restore: Path, url: str, dump: IO[bytes]) -> None:
    """Fills the empty database at `url`; BackupError."""
    options = ["--no-owner", "--no-privileges"]
    with TemporaryFile() as words, _process(pg_restore, url, options, words, stdin=subprocess.PIPE) as process:
        assert process.stdin
        with suppress(BrokenPipeError), process.stdin:  # it has ended, and said why
            shutil.copyfileobj(dump, process.stdin)
        if process.wait() and (grave := _grave(words)):
            raise BackupError(f"pg_restore fails ({grave}): set that right and try again.")


def _process(
    program: Path,
    url: str,
    options: list[str],
    words: IO[bytes],
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    parts = parse_dsn(url)
    environment = os.environ | {"PGPASSWORD": parts.pop("password", os.environ.get("PGPASSWORD", ""))}
    environment |= {"PGOPTIONS": "-c synchronous_commit=off", "LC_ALL": "C"}
    line = [str(program), *options, f"--dbname={make_dsn(**parts)}"]
    return subprocess.Popen(line, env=environment, stdin=stdin, stdout=stdout, stderr=words)


def _grave(words: IO[bytes]) -> str:
    """The first line that tells of an error that matters."""
    words.seek(0)
    lines = words.read().decode(errors="replace").splitlines()
    errors = [line for line in lines if "error:" in line and HARMLESS not in line and "errors ignored" not in line]
    return errors[0].partition("error: ")[2] if errors else ""
