"""Addresses of our own files that change with their content, so that browsers may keep them for ever."""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, Response, request, url_for
from rjsmin import jsmin  # type: ignore[import-untyped] # ships no types

from favorites.settings import ROOT

FOLDER = ROOT / "static"
PACKED = {".css", ".js", ".svg", ".webmanifest"}  # what compresses; pages stay as they are, for they hold secrets


def init_app(app: Flask) -> None:
    """Our own files leave compressed, with a proxy or without."""
    app.after_request(compressed)


def compressed(response: Response) -> Response:
    """A file of ours, gzipped for whoever takes that: a page would show by its length what it holds (BREACH)."""
    path = FOLDER / (request.view_args or {}).get("filename", "")
    if request.endpoint != "static" or path.suffix not in PACKED:
        return response
    response.vary.add("Accept-Encoding")
    if response.status_code == 200 and request.accept_encodings["gzip"] > 0:
        response.close()  # the file, which send_file has opened
        response.direct_passthrough = False
        response.set_data(_gzip(path, path.stat().st_mtime_ns))
        response.content_encoding = "gzip"
        response.set_etag(response.get_etag()[0] or "", weak=True)  # other bytes, the same content
    return response


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


@cache
def _gzip(path: Path, _changed: int) -> bytes:
    content = path.read_bytes()
    is_ours = path.suffix == ".js" and "vendor" not in path.parts
    return gzip.compress(jsmin(content) if is_ours else content, mtime=0)  # without comments a fourth less
