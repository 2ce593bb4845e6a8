"""One session request, and what follows from its times."""

from dataclasses import dataclass, field

LIFETIME, HEAD_START = 15, 5  # minutes


class No(Exception):
    """Refused, with this code."""


@dataclass
class Wish:
    """A session request."""

    customer: str
    made: int
    window: int  # minutes
    workshop: bool = False
    routing: str = "broadcast"
    preferred: str | None = None
    notified: int | None = None
    expires: int | None = None
    status: str = "pending"
    mechanic: str | None = None
    accepted: int | None = None
    started: int | None = None
    closed: int | None = None
    reason: str | None = None  # of the fallback
    left: int | None = None  # the window
    declined: int | None = None
    prolonged: int | None = None
    extended: int | None = None
    until: int | None = None  # then the workshop's head start ends
    over: int | None = None  # that was told, or it was ended early
    taken_from: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  # the first event of each transition

    @property
    def is_silent(self) -> bool:
        """It had a window, and nobody has said that it is over."""
        return self.notified is not None and self.reason is None

    @property
    def has_started(self) -> bool:
        """The mechanic pressed Start."""
        return self.started is not None

    def ends_by(self, now: int) -> bool:
        """The window's end had come when it was answered or closed, or has come now."""
        until = next(at for at in (self.accepted, self.closed, now) if at is not None)
        return self.notified is not None and self.notified + self.window <= until

    def is_everyones(self, now: int) -> bool:
        """Everyone eligible was asked, or is."""
        return not self.is_silent or self.ends_by(now)

    def is_in_window(self, now: int) -> bool:
        """The preferred mechanic alone is asked."""
        return self.status == "pending" and self.is_silent and not self.ends_by(now)

    def is_workshops(self, now: int) -> bool:
        """Its workshop alone is asked, or was when it was answered or closed."""
        at = next(at for at in (self.accepted, self.closed, now) if at is not None)
        ahead = self.until is not None and self.over is None and self.until > at
        return self.routing == "workshop_only" or (self.routing == "hybrid" and ahead)

    def ends_head_start(self, now: int) -> None:
        """If it runs, or nobody has told that it is over."""
        if self.until is not None and self.over is None:
            self.over = now

    def said_no(self, mechanic: str) -> bool:
        """Declined by them, or taken back from them."""
        return mechanic in self.taken_from or (self.declined is not None and self.preferred == mechanic)

    def ends_at(self) -> int | None:
        """When it expires."""
        if self.expires is not None or self.is_silent:
            return self.expires
        return (self.made if self.left is None else self.left) + LIFETIME
