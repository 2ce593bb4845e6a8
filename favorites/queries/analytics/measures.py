"""Which figures there are, what each means, and of which counts it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from uuid import UUID

Number = float | int | None


class Pair(NamedTuple):
    """A customer and the mechanic whom they asked first."""

    customer_id: UUID
    mechanic_id: UUID


FORMER = "former"  # in place of mechanics who are deleted
Key = Pair | UUID | date | int | str | None


@dataclass(frozen=True)
class Group:
    """The numbers of one mechanic, day, hour or pair, or of all (`key` None); what did not happen is not in them."""

    key: Key = None
    numbers: Mapping[str, Number] = field(default_factory=dict)

    def count(self, name: str) -> int:
        """How many session requests are behind it."""
        return int(self.numbers.get(name) or 0)


class Measure(NamedTuple):
    """One figure. `unit`: share, count, seconds, minutes, cents or credits.

    `of`: the count that is its n. `behind`: the count of the session requests that it tells of; of a share, its
    numerator.
    """

    key: str
    title: str
    unit: str
    of: str
    behind: str = ""

    @property
    def counted(self) -> str:
        """The list behind it."""
        return self.behind or self.of

    def value(self, group: Group) -> Number:
        """None: nothing to tell, as a rate of none of none is."""
        if self.unit == "share":
            return group.count(self.counted) / group.count(self.of) if group.count(self.of) else None
        if self.unit == "count":
            return group.count(self.counted)
        return group.numbers.get(self.key, 0 if self.unit in ("minutes", "cents", "credits") else None)


class Section(NamedTuple):
    """Figures that are read together; the first, or those of `lines`, make the charts."""

    key: str
    title: str
    meaning: str
    measures: tuple[Measure, ...]
    lines: tuple[str, ...] = ()
    is_by_mechanic: bool = True


def _spread(key: str, title: str, of: str) -> tuple[Measure, ...]:
    return (
        Measure(f"{key}_median", f"{title}, median", "seconds", of),
        Measure(f"{key}_p95", f"{title}, 95th percentile", "seconds", of),
        Measure(f"{key}_mean", f"{title}, mean", "seconds", of),
    )


SECTIONS = (
    Section(
        "acceptance",
        "Priority acceptance",
        "Of the offers that are decided, how many the mechanic who was asked first accepted before the window’s end,"
        " whatever came of it later. An offer is a session request that one mechanic was asked about first; it is"
        " decided once it is no longer waiting inside its window, and each window is as long as it was for that"
        " session request. Withdrawn: cancelled, or given away by the owner, before anybody answered.",
        (
            Measure("acceptance", "Accepted first", "share", "offers", "won"),
            Measure("withdrawn", "Withdrawn", "share", "offers", "withdrawn"),
        ),
    ),
    Section(
        "response",
        "Response time",
        "From the moment the mechanic was asked first to their acceptance inside the window. Half of the answers came"
        " within the median, 95 of 100 within the 95th percentile. Read them beside the mean: nobody can take longer"
        " than the window, and that flatters a mean.",
        _spread("response", "Response", "won"),
        ("response_median", "response_p95", "response_mean"),
    ),
    Section(
        "fallback",
        "Fallback",
        "Of the decided offers, how many left the mechanic who was asked first, and why. A window that ran out counts"
        " as no answer by the clock, whether that was announced or not. Given back: accepted, then released before the"
        " start, so it counts as accepted first, too.",
        (
            Measure("fallback", "All reasons", "share", "offers", "fell_back"),
            Measure("no_response", "No answer", "share", "offers", "no_response"),
            Measure("declined", "Declined", "share", "offers", "declined"),
            Measure("customer_opened", "Customer asked everyone", "share", "offers", "customer_opened"),
            Measure("unavailable", "Became unavailable", "share", "offers", "unavailable"),
            Measure("released", "Given back", "share", "offers", "released"),
        ),
    ),
    Section(
        "waited",
        "Waited for nothing",
        "The minutes that customers spent in windows that then fell back: from being offered to the fallback, and to"
        " the window’s end at most.",
        (
            Measure("waited", "Minutes, all together", "minutes", "fell_back"),
            Measure("waited_mean", "Each, mean", "seconds", "fell_back"),
        ),
    ),
    Section(
        "delay",
        "Notification delay",
        "Created to notified is this program’s own time: the session request is written and offered at once. Notified"
        " to delivered ends when a device of the mechanic first said that it shows the offer; offers that no device"
        " spoke of are not in it.",
        (
            *_spread("delay", "Created to notified", "offers"),
            *_spread("delivery", "Notified to delivered", "delivered"),
        ),
        ("delivery_median", "delivery_p95", "delivery_mean"),
    ),
    Section(
        "expiry",
        "Expired",
        "Of all session requests made in this time that are no longer pending, how many expired because nobody took"
        " them; beside it the same for those with a first offer and for those everyone was asked about at once.",
        (
            Measure("expiry", "All", "share", "asked", "expired"),
            Measure("expiry_first", "A favorite was asked first", "share", "asked_first", "expired_first"),
            Measure("expiry_at_once", "Everyone at once", "share", "asked_at_once", "expired_at_once"),
        ),
        is_by_mechanic=False,
    ),
    Section(
        "pairs",
        "Value of favorite pairs",
        "Consultations that a customer asked their favorite for first and completed with them. A pair is a customer"
        " and that mechanic; repeats are a pair’s second and later consultations in this time. Money was paid online"
        " and credits were spent for these consultations; nothing counts that was given back.",
        (
            Measure("held", "Consultations", "count", "held"),
            Measure("pairs", "Pairs", "count", "pairs"),
            Measure("repeats", "Repeats", "count", "repeats"),
            Measure("money", "Money", "cents", "paid"),
            Measure("credits", "Credits", "credits", "by_credits"),
        ),
    ),
)
# Every count that a figure is made of, and what it counts; a list of session requests is behind each.
COUNTS = {
    "offers": "Decided offers",
    "won": "Accepted first",
    "withdrawn": "Withdrawn",
    "fell_back": "Fallbacks",
    "no_response": "Fallbacks: no answer",
    "declined": "Fallbacks: declined",
    "customer_opened": "Fallbacks: the customer asked everyone",
    "unavailable": "Fallbacks: the mechanic became unavailable",
    "released": "Fallbacks: given back",
    "delivered": "Offers that a device showed",
    "asked": "Session requests that are no longer pending",
    "expired": "Expired",
    "asked_first": "No longer pending, a favorite was asked first",
    "expired_first": "Expired, a favorite was asked first",
    "asked_at_once": "No longer pending, everyone was asked at once",
    "expired_at_once": "Expired, everyone was asked at once",
    "held": "Consultations with the favorite",
    "pairs": "First consultations of each pair in this time",
    "repeats": "Repeats",
    "paid": "Consultations with the favorite, paid online",
    "by_credits": "Consultations with the favorite, paid by credits",
}
