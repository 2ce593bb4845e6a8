"""What stands for other programs: the mechanic's status, and the description of all of it."""

import re
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue
from flask_security import current_user
from pydantic import BaseModel, RootModel
from spectree import Response, SpecTree
from sqlalchemy.exc import DBAPIError

from favorites.db import db
from favorites.dispatch import flags
from favorites.queries import presence
from favorites.queries.presence import Presence, PresenceState, Standing
from favorites.web.people import admins_only

bp = Blueprint("api", __name__)

# Never registered with the application: that would add public pages of its own.
spec = SpecTree("flask", title="Book Again", version="0.1.0", mode="strict", page_templates={}, annotations=False)

# The three statements of a status together stay below 3 seconds, whatever holds them up.
PATIENCE_MS = 800
UUID_FORMAT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Seen(BaseModel):
    is_online: bool
    last_seen: datetime | None
    checked_via: Literal["realtime_presence", "database_fallback"]


class NotApproved(BaseModel):
    is_online: Literal[False]
    reason: str


class Status(RootModel[Seen | NotApproved]):
    """Present or not; a mechanic who is not approved never is."""


class Missing(BaseModel):
    error: str
    is_online: Literal[False] | None = None  # absent while the feature is off


class Problem(BaseModel):
    error: str


@bp.get("/api/mechanics/<mechanic_id>/status")
@spec.validate(
    resp=Response(HTTP_200=Status, HTTP_400=Problem, HTTP_401=Problem, HTTP_404=Missing),
    skip_validation=True,
    tags=["mechanics"],
)
def mechanic_status(mechanic_id: str) -> ResponseReturnValue:
    """Whether a mechanic is there, by the checks of product.md in their order. Answers within 3 seconds."""
    if not current_user.is_authenticated:
        abort(401)
    presence.limit_waiting(db.session, PATIENCE_MS)
    if not flags.priority_is_on(db.session):
        return {"error": "Feature not enabled"}, 404
    if not UUID_FORMAT.fullmatch(mechanic_id):
        return {"error": "Invalid mechanic ID format"}, 400
    standing = presence.standing_of(db.session, UUID(mechanic_id))
    if standing is None:
        return {"is_online": False, "error": "Mechanic not found"}, 404
    if not standing.is_approved:
        return {"is_online": False, "reason": "Mechanic account not approved"}
    return _seen(_presence(UUID(mechanic_id), standing))


def _presence(mechanic_id: UUID, standing: Standing) -> Presence:
    """The presence, or what the mechanic's own row says where it cannot be read in time."""
    try:
        with db.session.begin_nested():
            return presence.presence_of(db.session, mechanic_id)
    except DBAPIError:
        return Presence(PresenceState.OFFLINE, standing.last_seen)


def _seen(found: Presence) -> dict[str, Any]:
    if found.state != PresenceState.OFFLINE:
        return {"is_online": True, "last_seen": None, "checked_via": "realtime_presence"}
    last_seen = found.last_seen.isoformat() if found.last_seen else None
    return {"is_online": False, "last_seen": last_seen, "checked_via": "database_fallback"}


@bp.get("/api/openapi.json")
@admins_only
def openapi() -> ResponseReturnValue:
    """The OpenAPI description of everything that `spec` validates."""
    document: dict[str, Any] = spec.spec
    return document
