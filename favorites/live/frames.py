"""What goes over a stream: Server-Sent Events, one line of ASCII JSON each."""

import json
import random
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from favorites.queries.events import Signal, for_owners

OFFERS = frozenset({"new_request", "priority_session_request"})


class Frame(NamedTuple):
    """One event, rendered once for everybody who hears it."""

    id: int
    data: bytes
    topics: Collection[str]
    excluded: Collection[UUID]
    request_id: UUID | None
    is_offer: bool  # void for a late reader once it is closed
    closes: bool


def frame_of(signal: Signal) -> Frame:
    """A signal as it goes over the wire."""
    data = render(signal.event, signal.data, signal.id)
    offers = signal.event in OFFERS
    return Frame(signal.id, data, signal.topics, signal.excluded, signal.request_id, offers, signal.closes)


def frames_of(signal: Signal) -> list[Frame]:
    """As its readers hear it, and as owners do: two frames of one id, and nobody hears both."""
    return [frame_of(signal), *([frame_of(for_owners(signal))] if signal.is_step else [])]


def render(event: str, data: Mapping[str, object], id_: int | None) -> bytes:
    """The bytes of one event; without an `id` line the browser keeps the last it saw."""
    id_line = "" if id_ is None else f"id: {id_}\n"
    line = json.dumps(data, separators=(",", ":"), default=_plain)
    return f"event: {event}\n{id_line}data: {line}\n\n".encode("ascii")


def retry() -> bytes:
    """How long the browser waits before it comes back: jittered, so that a restart brings no stampede."""
    return f"retry: {random.randint(500, 2000)}\n\n".encode("ascii")


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not belong in an event")
