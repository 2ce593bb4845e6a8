"""A hub that can die in the middle of an event; a test build's only (see `favorites.crash`)."""

from favorites import crash
from favorites.live.hub import Hub
from favorites.live.reader import Stream


class MortalHub(Hub):
    """Places: `stream.before`, `stream.half` and `stream.after` the first event that is no ping."""

    def _send(self, stream: Stream, data: bytes) -> None:
        if not data.startswith(b"event: ") or data.startswith(b"event: ping"):
            return super()._send(stream, data)
        crash.here("stream.before")
        if crash.is_next("stream.half"):
            stream.sock.send(data[: len(data) // 2])
            crash.die()
        super()._send(stream, data)
        return crash.here("stream.after")
