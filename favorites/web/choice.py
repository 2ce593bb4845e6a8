"""What the customer chose on the way to the intake: it travels in the address, so reload and back never lose it."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self
from uuid import UUID

from favorites.models import RoutingType

ID_LENGTH = 64  # characters of a preferred mechanic's id that are kept, whatever it is


class Choice(NamedTuple):
    """Plan and urgency, and the favorite to be asked first; what was not given stays None."""

    plan: str | None
    urgent: bool
    preferred_mechanic_id: str | None
    routing_type: str | None

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Self:
        """Read from a query string; nothing in it can be wrong enough to fail."""
        return cls(
            printable(args.get("plan")),
            args.get("urgent") == "1",
            printable(args.get("preferred_mechanic_id")),
            routing(args.get("routing_type")),
        )

    @property
    def mechanic_id(self) -> UUID | None:
        """The mechanic who is to be asked first, if one was chosen by a well-formed id."""
        if self.routing_type != RoutingType.PRIORITY_BROADCAST or self.preferred_mechanic_id is None:
            return None
        try:
            return UUID(self.preferred_mechanic_id)
        except ValueError:
            return None

    @property
    def wishes_priority(self) -> bool:
        """A mechanic was chosen to be asked first, whoever that may be."""
        return self.routing_type == RoutingType.PRIORITY_BROADCAST and self.preferred_mechanic_id is not None

    @property
    def carried(self) -> dict[str, Any]:
        """The two hidden parameters, only when given."""
        pairs = {"preferred_mechanic_id": self.preferred_mechanic_id, "routing_type": self.routing_type}
        return {key: value for key, value in pairs.items() if value}


def priority_for(mechanic_id: UUID) -> dict[str, str]:
    """The parameters that ask for this mechanic first."""
    return {"preferred_mechanic_id": str(mechanic_id), "routing_type": RoutingType.PRIORITY_BROADCAST.value}


def printable(text: str | None) -> str | None:
    """At most 64 printable characters of it; None when nothing is left."""
    return "".join(character for character in (text or "").strip() if character.isprintable())[:ID_LENGTH] or None


def routing(given: str | None) -> str | None:
    """Anything a client names but `priority_broadcast` is `broadcast`; not given stays None."""
    if not given:
        return None
    return (
        RoutingType.PRIORITY_BROADCAST.value if given == RoutingType.PRIORITY_BROADCAST else RoutingType.BROADCAST.value
    )
