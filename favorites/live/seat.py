"""A place for one more stream: what a view must know of the hub that takes it."""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from favorites.live.feed import Feed
from favorites.live.hub import Hub
from favorites.live.reader import Stream
from favorites.live.ring import Known

PATIENCE = 3.0  # seconds for the feed to read its first position
STARTING = "Live pages are starting. Please try again in a moment."


class Seat(NamedTuple):
    """`refusal`: the sentence for who gets none. `adopt` takes the stream, with the head of its answer."""

    refusal: str | None
    ring: Known
    adopt: Callable[[Stream, bytes], None]


def near(hub: Hub, feed: Feed, user_id: UUID) -> Seat:
    """One in this process."""
    refusal = hub.refusal(user_id) or (None if feed.is_ready.wait(PATIENCE) else STARTING)
    return Seat(refusal, hub.ring, hub.adopt)
