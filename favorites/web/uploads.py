"""How large a body may be: the photos' route takes more than any other, from who is signed in."""

from flask import Flask, abort, request, session

from favorites.dispatch.errors import PhotoTooLarge
from favorites.dispatch.pictures import MOST_BYTES
from favorites.web.sign_ins import KEY

BESIDE = 16 * 1024  # bytes of a form around its photo


def init_app(app: Flask) -> None:
    """Before every request, and before anything reads its form."""
    app.before_request(allow_photos)


def allow_photos() -> None:
    """413 with its sentence for a photo that is too large, before it is read."""
    if request.endpoint != "talk.show" or KEY not in session:
        return
    request.max_content_length = MOST_BYTES + BESIDE
    if (request.content_length or 0) > request.max_content_length:
        abort(413, PhotoTooLarge().sentence)
