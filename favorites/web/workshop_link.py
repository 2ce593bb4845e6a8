"""The workshop whose link the customer came by: kept in the signed cookie until an intake is sent."""

from uuid import UUID

from flask import session as cookie

from favorites.db import db
from favorites.models import Workshop
from favorites.queries import customer as queries

KEY = "workshop_id"


def keep_workshop(workshop_id: UUID) -> None:
    """The next intake is for this workshop."""
    cookie[KEY] = str(workshop_id)


def forget_workshop() -> None:
    """The next intake is for nobody in particular."""
    cookie.pop(KEY, None)


def current_workshop() -> Workshop | None:
    """The workshop the next intake is for, while it is active."""
    kept = cookie.get(KEY)
    return queries.workshop(db.session(), UUID(kept)) if kept else None
