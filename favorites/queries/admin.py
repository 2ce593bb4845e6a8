"""What the owner's forms look up: workshops, the flags, a customer by e-mail."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from favorites.db import Session
from favorites.models import Customer, FeatureFlag, User, Workshop


def workshops(session: Session) -> Sequence[Workshop]:
    """All workshops, by name."""
    return session.scalars(select(Workshop).order_by(Workshop.name)).all()


def flags(session: Session) -> dict[str, bool | None]:
    """What the rows of the feature flags say, by their keys; None leaves it to the environment."""
    return {key: decided for key, decided in session.execute(select(FeatureFlag.flag_key, FeatureFlag.is_enabled))}


def customer_by_email(session: Session, email: str) -> UUID | None:
    """The customer whose account has this address, in whatever case it is written."""
    owner = select(Customer.id).join(User).where(User.email == email.strip().lower())
    return session.scalars(owner).one_or_none()
