"""What is refused before any view: other sites' requests, and bytes that no view could store or read."""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, abort, request

from favorites.settings import current

UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")
SIGNED = {"webhooks.stripe"}  # read only once it has proved itself, and what is kept of it is none of people's words
SAFE = {"GET", "HEAD", "OPTIONS"}


def init_app(app: Flask) -> None:
    """Before every request; must be registered before the views' own look at the form."""
    app.before_request(refuse_foreign)
    app.before_request(refuse_unreadable)


def refuse_foreign() -> None:
    """403 when another site sent it. A link from there is welcome; a form, a script or a stream is not."""
    if is_foreign(request):
        abort(403, "This was sent by another site, so it was not done.")


def is_foreign(request: Request) -> bool:
    """Whether another site sent it, and not by a link that somebody followed."""
    site = request.headers.get("Sec-Fetch-Site")
    if site in {"cross-site", "same-site"}:
        return request.method not in SAFE or request.headers.get("Sec-Fetch-Mode") != "navigate"
    if site or request.method in SAFE:
        return False
    origin = request.headers.get("Origin")  # browsers too old to say Sec-Fetch-Site
    return origin is not None and _host_of(origin) not in _own_hosts(request)


def _host_of(origin: str) -> str:
    """What stands for the host; all of it where there is none to be read, which is no host of ours either."""
    try:
        return urlsplit(origin).netloc or origin
    except ValueError:
        return origin


def _own_hosts(request: Request) -> set[str]:
    return {request.host, urlsplit(current().public_url).netloc}


def refuse_unreadable() -> None:
    """400 for NUL and half a surrogate pair, which PostgreSQL refuses, and for JSON that is no object or too deep."""
    if request.endpoint in SIGNED:
        return
    if not all(_is_storable(text) for text in _texts()):
        abort(400, "There is a character in it that cannot be stored.")


def _is_storable(text: str) -> bool:
    return UNSTORABLE.search(text) is None


def _texts() -> Iterator[str]:
    yield request.path
    yield from _items(request.args.items(multi=True))
    yield from _items(request.form.items(multi=True))
    yield from (file.filename or "" for file in request.files.values())
    if request.is_json and request.get_data():
        yield from _texts_of(_json())


def _items(items: Iterable[tuple[str, str]]) -> Iterator[str]:
    for item in items:
        yield from item


def _json() -> dict[str, Any]:
    try:
        body = request.get_json()
    except RecursionError:
        abort(400, "This JSON is nested too deeply.")
    if not isinstance(body, dict):
        abort(400, "The JSON must be an object.")
    return body


def _texts_of(body: Any) -> Iterator[str]:
    waiting = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
