"""Who did it, as the audit trail writes it."""

from typing import NamedTuple, Self
from uuid import UUID


class Actor(NamedTuple):
    """A customer or mechanic by the id of their own row, an admin by the user's, or the system."""

    kind: str
    id: UUID | None = None

    @classmethod
    def customer(cls, customer_id: UUID) -> Self:
        """The customer with this id."""
        return cls("customer", customer_id)

    @classmethod
    def mechanic(cls, mechanic_id: UUID) -> Self:
        """The mechanic with this id."""
        return cls("mechanic", mechanic_id)

    @classmethod
    def admin(cls, user_id: UUID) -> Self:
        """The owner with this user id."""
        return cls("admin", user_id)

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind


SYSTEM = Actor("system")
