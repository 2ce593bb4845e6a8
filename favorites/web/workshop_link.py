"""The workshop whose link the customer came by: kept in the signed cookie until an intake is sent."""

from uuid import UUID

from flask import session as cookie

from favorites.db import db
from favorites.dispatch import house
from favorites.models import Workshop
from favorites.models.people import WorkshopRouting
from favorites.queries import customer as queries
from favorites.queries import sentences

KEY = "workshop_id"


def keep_workshop(workshop_id: UUID) -> None:
    """The next intake is for this workshop."""
    cookie[KEY] = str(workshop_id)


def forget_workshop() -> None:
    """The next intake is for nobody in particular."""
    cookie.pop(KEY, None)


def who_is_asked(workshop: Workshop) -> str:
    """Whom this workshop's link asks, within a sentence."""
    has_head_start = workshop.routing == WorkshopRouting.HYBRID
    return sentences.who_is_asked(house.rules(db.session).workshop_head_start_minutes if has_head_start else None)


def current_workshop() -> Workshop | None:
    """The workshop the next intake is for, while it is active."""
    kept = cookie.get(KEY)
    return queries.workshop(db.session(), UUID(kept)) if kept else None
