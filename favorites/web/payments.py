"""The port to whoever takes money: start, verify, refund. Without a provider paid plans are not available."""

from typing import NamedTuple, Protocol

from flask import Request

from favorites.models import Consultation


class Started(NamedTuple):
    """A payment that was started: the provider's own key for it, and where the customer pays."""

    reference: str
    url: str


class Provider(Protocol):
    """What a payment provider does for us; amounts are the consultation's, in cents."""

    @property
    def name(self) -> str:
        """As written in `payments.provider`."""

    def start(self, consultation: Consultation, return_url: str) -> Started:
        """Ask for the consultation's price; the customer comes back to `return_url`."""

    def verify(self, answer: Request) -> str | None:
        """The reference this request proves to be paid; None when it proves nothing (declined, forged, stale)."""

    def refund(self, reference: str) -> bool:
        """Give the money of a paid reference back; whether it was done."""
