"""Who takes money, behind one port. A provider's library is imported only where its key is set."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import structlog

from favorites.dispatch.payments import Seen
from favorites.dispatch.refunds import Owed, Refund, RefundState
from favorites.providers.port import Asked
from favorites.settings import current

if TYPE_CHECKING:
    from favorites.providers.stripe import Stripe

log = structlog.get_logger(__name__)


class Demo:
    """What can be asked of the demo's payments: they moved no money, so they are back at once."""

    name = "demo"

    def look(self, reference: str) -> Seen | None:
        """Only its customer's own proof tells that it is paid."""
        return None

    def refund(self, owed: Owed) -> Refund:
        """Nothing was taken."""
        return Refund(RefundState.DONE)


def has_key() -> bool:
    """Whether STRIPE_SECRET_KEY is set."""
    return bool(current().stripe_secret_key.get_secret_value())


def has_extra() -> bool:
    """Whether Stripe's library is installed, without importing it."""
    return find_spec("stripe") is not None


def stripe_shop() -> "Stripe | None":
    """Stripe, where its key is set and its library is here."""
    if not has_key():
        return None
    if not has_extra():
        log.error("[Payment] STRIPE_SECRET_KEY is set, and its library is not here: pip install '.[stripe]'")
        return None
    from favorites.providers.stripe import shop

    return shop()


def provider_of(name: str) -> Asked | None:
    """Whom to ask about a payment of that provider; None: its key is not set any more."""
    return Demo() if name == Demo.name else stripe_shop()
