"""A photo as it is kept: encoded anew, so that nothing else of its file is left, not the place, not the camera."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

from PIL import Image, ImageOps

from favorites.dispatch.errors import NotAPhoto, PhotosAreBusy, PhotoTooLarge, Refusal

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_BYTES = 10 * 1024 * 1024
MOST_PIXELS = 50_000_000  # decoded, 150 MB; a telephone's largest photo has as many
SIDE, PREVIEW_SIDE = 2000, 480  # pixels, of the longer side
QUALITY = 82  # of JPEG
PATIENCE = 8.0  # seconds

# Decoded, one photo takes more memory than a hundred pages: one at a time in a process.
_one = threading.Lock()


class Picture(NamedTuple):
    """Two JPEGs; the sizes are the preview's, in pixels."""

    content: bytes
    preview: bytes
    width: int
    height: int


def picture_of(file: IO[bytes]) -> Picture:
    """The picture in this file, upright. Raises `NotAPhoto`, `PhotoTooLarge` or `PhotosAreBusy`."""
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise PhotoTooLarge
    with _in_turn():
        try:
            return _encoded(data)
        except Refusal:
            raise
        except Exception as error:  # what a broken file can make a decoder raise, no list tells
            raise NotAPhoto from error


@contextmanager
def _in_turn() -> Iterator[None]:
    if not _one.acquire(timeout=PATIENCE):
        raise PhotosAreBusy
    try:
        yield
    finally:
        _one.release()


def _encoded(data: bytes) -> Picture:
    try:
        opened = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoTooLarge from error
    with opened as image:
        if image.width * image.height > MOST_PIXELS:  # as the header says; nothing is decoded yet
            raise PhotoTooLarge
        image.thumbnail((SIDE, SIDE))
        clean = _bare(_upright(image))
    preview = clean.copy()
    preview.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    return Picture(_jpeg(clean), _jpeg(preview), *preview.size)


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # what the camera wrote about it cannot be read: then as the pixels stand
        return image


def _bare(image: Image.Image) -> Image.Image:
    """The pixels alone, on white where one could see through."""
    if image.mode.startswith("I"):  # 16 bits a pixel, of which a conversion would cut off the upper half
        image = image.point(lambda value: value / 256)
    bare = Image.new("RGB", image.size, "white")
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        bare.paste(seen, mask=seen)
    else:
        bare.paste(image.convert("RGB"))
    return bare


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
