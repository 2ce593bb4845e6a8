"""Addresses of our own files that change with their content, so that browsers may keep them for ever."""

import hashlib
from functools import cache
from pathlib import Path

from flask import request, url_for

from favorites.settings import ROOT

FOLDER = ROOT / "static"


def static_url(name: str) -> str:
    """The address of a file below static/, with a version that is the hash of what it holds."""
    path = FOLDER / name
    if not path.is_file():
        return url_for("static", filename=name)
    return url_for("static", filename=name, v=_version(path, path.stat().st_mtime_ns))


def is_versioned() -> bool:
    """Whether the file now asked for was asked for in its present version."""
    path = FOLDER / (request.view_args or {}).get("filename", "")
    return path.is_file() and request.args.get("v") == _version(path, path.stat().st_mtime_ns)


@cache
def _version(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
