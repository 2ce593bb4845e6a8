"""The figures of the priority flow again, slow and obvious: by reading what happened to each session request, step by
step, in its events alone. Money is what the plan costs."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from favorites.demo.story import Booking
from favorites.models.consultation import PaidBy
from tests.database import one, sql

# Those of other tests stay behind without their session requests.
EVENTS = (
    "SELECT * FROM request_events WHERE kind <> 'message_sent'"
    " AND session_request_id IN (SELECT id FROM session_requests) ORDER BY id"
)
PRICES = {"free": (0, 0), "chat10": (999, 3), "video15": (2999, 10), "diagnostic": (4999, 17)}  # cents, credits
NO_RESPONSE = "preferred_mechanic_no_response"


@dataclass
class Told:
    """What became of one session request."""

    id: UUID
    made_at: datetime
    customer: UUID
    booking: Booking | None
    first: UUID | None = None
    offered_at: datetime | None = None
    ends_at: datetime | None = None
    delivered_at: datetime | None = None
    won_at: datetime | None = None
    left_at: datetime | None = None
    reason: str | None = None
    helper: UUID | None = None
    answered: bool = False
    given_away: bool = False
    status: str = "pending"

    def hears(self, event: Any) -> None:
        """One event more."""
        kind, payload = event.kind, event.payload
        if kind == "request_offered":
            self.offered_at, self.first = event.at, UUID(payload["mechanic_id"])
            self.ends_at = event.at + timedelta(minutes=payload["minutes"])
        elif kind == "request_extended" and event.audience == "customer":
            assert self.ends_at
            self.ends_at += timedelta(minutes=5)
        elif kind == "request_delivered":
            self.delivered_at = event.at
        elif kind == "request_accepted" and event.actor:
            by, _, who = event.actor.partition(":")
            self.given_away = by == "admin" and self.status == "pending"
            self._is_taken(UUID(payload["mechanic_id"] if by == "admin" else who), event.at, by == "mechanic")
        elif kind == "request_broadcast":
            self.helper, self.answered, self.status = None, False, "pending"
            self._leaves(event.at, payload.get("reason"))
        elif kind in ("request_cancelled", "request_expired", "request_completed") and event.audience == "customer":
            self._runs_out(event.at)
            self.status = kind.removeprefix("request_")

    def _is_taken(self, mechanic: UUID, at: datetime, is_answer: bool) -> None:
        self._runs_out(at)
        self.helper, self.answered, self.status = mechanic, True, "accepted"
        if is_answer and mechanic == self.first and self.ends_at and at <= self.ends_at:
            self.won_at = self.won_at or at

    def _leaves(self, at: datetime, reason: str | None) -> None:
        if self.offered_at and not self.left_at:
            self.left_at, self.reason = at, reason

    def _runs_out(self, at: datetime) -> None:
        """By the clock, whether anybody said so or not."""
        if self.ends_at and self.status == "pending" and self.ends_at <= at:
            self._leaves(self.ends_at, NO_RESPONSE)

    @property
    def is_offer(self) -> bool:
        return self.offered_at is not None and (self.status != "pending" or self.left_at is not None)

    @property
    def response(self) -> float | None:
        return self._since_offer(self.won_at)

    @property
    def delivery(self) -> float | None:
        return self._since_offer(self.delivered_at) if self.is_offer else None

    @property
    def waited(self) -> float | None:
        return self._since_offer(min(self.left_at, self.ends_at)) if self.left_at and self.ends_at else None

    def _since_offer(self, at: datetime | None) -> float | None:
        return (at - self.offered_at).total_seconds() if at and self.offered_at else None

    @property
    def is_held(self) -> bool:
        return self.is_offer and self.status == "completed" and self.helper == self.first


def told(bookings: dict[UUID, Booking]) -> list[Told]:
    """Of everything that ever happened; until now, since windows end by the clock."""
    found: dict[UUID, Told] = {}
    for event in sql(EVENTS):
        id_ = event.session_request_id
        found.setdefault(id_, Told(id_, event.at, event.customer_id, bookings.get(id_))).hears(event)
    now = one("SELECT clock_timestamp()")
    for each in found.values():
        each._runs_out(now)
    return list(found.values())


@dataclass
class Slow:
    """Figures of some session requests, all made in the time that is looked at."""

    those: Sequence[Told]
    repeats: set[UUID] = field(default_factory=set)

    def ids(self, count: str) -> set[UUID]:
        """Which are behind a count."""
        return {each.id for each in self.those if self._tests()[count](each)}

    def _tests(self) -> dict[str, Callable[[Told], bool]]:
        reasons = {
            "no_response": NO_RESPONSE,
            "declined": "preferred_mechanic_declined",
            "customer_opened": "customer_opened",
            "unavailable": "preferred_mechanic_unavailable",
            "released": "released",
        }
        by_reason = {
            name: lambda each, reason=reason: each.is_offer and each.reason == reason
            for name, reason in reasons.items()
        }
        return {
            "offers": lambda each: each.is_offer,
            "won": lambda each: each.won_at is not None,
            "withdrawn": lambda each: (
                each.is_offer
                and not each.left_at
                and (each.given_away or (each.status == "cancelled" and not each.answered))
            ),
            "fell_back": lambda each: each.left_at is not None,
            **by_reason,
            "delivered": lambda each: each.is_offer and each.delivered_at is not None,
            "asked": lambda each: each.status != "pending",
            "expired": lambda each: each.status == "expired",
            "asked_first": lambda each: each.status != "pending" and each.offered_at is not None,
            "expired_first": lambda each: each.status == "expired" and each.offered_at is not None,
            "asked_at_once": lambda each: each.status != "pending" and each.offered_at is None,
            "expired_at_once": lambda each: each.status == "expired" and each.offered_at is None,
            "held": lambda each: each.is_held,
            "pairs": lambda each: each.is_held and each.id not in self.repeats,
            "repeats": lambda each: each.id in self.repeats,
            "paid": lambda each: each.is_held and _is_paid_by(each, PaidBy.PAYMENT),
            "by_credits": lambda each: each.is_held and _is_paid_by(each, PaidBy.CREDITS),
        }

    def value(self, figure: str) -> float | None:
        """By the figure's name on the page."""
        shares = {
            "acceptance": ("won", "offers"),
            "withdrawn": ("withdrawn", "offers"),
            "fallback": ("fell_back", "offers"),
            "no_response": ("no_response", "offers"),
            "declined": ("declined", "offers"),
            "customer_opened": ("customer_opened", "offers"),
            "unavailable": ("unavailable", "offers"),
            "released": ("released", "offers"),
            "expiry": ("expired", "asked"),
            "expiry_first": ("expired_first", "asked_first"),
            "expiry_at_once": ("expired_at_once", "asked_at_once"),
        }
        if figure in shares:
            top, of = (len(self.ids(count)) for count in shares[figure])
            return top / of if of else None
        if figure in ("held", "pairs", "repeats"):
            return len(self.ids(figure))
        return self._earned(figure) if figure in ("money", "credits") else self._timed(figure)

    def _earned(self, figure: str) -> int:
        place, paid_by = (0, PaidBy.PAYMENT) if figure == "money" else (1, PaidBy.CREDITS)
        held = [each.booking for each in self.those if each.is_held and _is_paid_by(each, paid_by)]
        return sum(PRICES[booking.plan][place] for booking in held if booking)

    def _timed(self, figure: str) -> float | None:
        name, _, how = figure.partition("_")
        seconds = [0.0 for each in self.those if each.is_offer]  # one transaction: notified as it is created
        if name != "delay":
            seconds = [value for each in self.those if (value := getattr(each, name)) is not None]
        if not how:
            return sum(seconds) / 60
        if not seconds:
            return None
        return {"median": _part(seconds, 0.5), "p95": _part(seconds, 0.95), "mean": sum(seconds) / len(seconds)}[how]


def _is_paid_by(each: Told, paid_by: PaidBy) -> bool:
    return each.booking is not None and each.booking.paid_by is paid_by


def _part(values: Iterable[float], share: float) -> float:
    """Between the two values that stand around this share of the way from the least to the greatest."""
    ranked = sorted(values)
    place = share * (len(ranked) - 1)
    below, above = ranked[math.floor(place)], ranked[math.ceil(place)]
    return below + (above - below) * (place - math.floor(place))


def by(those: Iterable[Told], first: date, last: date, zone: ZoneInfo) -> dict[str, dict[Any, Slow]]:
    """As the page shows them: all, and by mechanic, day, hour and pair."""
    inside = [each for each in those if first <= each.made_at.astimezone(zone).date() <= last]
    met, repeats = set(), set()
    for each in sorted(inside, key=lambda each: each.made_at):
        if each.is_held and (each.customer, each.first) in met:
            repeats.add(each.id)
        elif each.is_held:
            met.add((each.customer, each.first))

    def parted(key: Callable[[Told], Any]) -> dict[Any, Slow]:
        parts: dict[Any, list[Told]] = {}
        for each in inside:
            parts.setdefault(key(each), []).append(each)
        return {name: Slow(part, repeats) for name, part in parts.items()}

    return {
        "all": {None: Slow(inside, repeats)},
        "mechanic": parted(lambda each: each.first),
        "step": parted(lambda each: each.made_at.astimezone(zone).date()),
        "hour": parted(lambda each: each.made_at.astimezone(zone).hour),
        "pair": parted(lambda each: (each.customer, each.first)),
    }
