"""The port to whoever takes money: start, verify, refund. Without a provider paid plans are not available."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol, Self
from uuid import UUID

from favorites.dispatch.payments import Page, Seen
from favorites.dispatch.refunds import Owed, Refund
from favorites.models import Consultation


class Away(Exception):
    """The provider did not answer, or not what it should; the code says why, and never anything of a person."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Bill(NamedTuple):
    """What is to be paid: the consultation's price, in cents of `currency` (ISO 4217)."""

    consultation_id: UUID
    customer_id: UUID
    plan: str  # its name
    cents: int
    currency: str

    @classmethod
    def of(cls, consultation: Consultation) -> Self:
        """Of this consultation."""
        price = consultation.price_cents, consultation.currency
        return cls(consultation.id, consultation.customer_id, consultation.plan.name, *price)


class Way(NamedTuple):
    """Where the customer comes back to: after they paid, and when they did not."""

    paid: str
    cancelled: str


class Asked(Protocol):
    """What any provider can be asked about a payment that was started."""

    @property
    def name(self) -> str:
        """As written in `payments.provider`."""

    def look(self, reference: str) -> Seen | None:
        """What became of it; None: it cannot be asked. Raises `Away`."""

    def refund(self, owed: Owed) -> Refund:
        """Give all of it back; asking twice gives it back once. Raises `Away`."""


class Provider(Asked, Protocol):
    """Who takes payments now; amounts are the consultation's, in cents."""

    @property
    def pays_at(self) -> str:
        """The origin of the provider's page, where that is not ours."""

    def start(self, bill: Bill, attempt: int, way: Way) -> Page:
        """Ask for it; `attempt`: how many payments of this consultation have ended before. Raises `Away`."""

    def named(self, sent: Mapping[str, str]) -> str | None:
        """The reference that the way back names in its query; None: it proves nothing (declined, forged)."""

    def verify(self, sent: Mapping[str, str]) -> Seen | None:
        """What became of it. Raises `Away`."""
