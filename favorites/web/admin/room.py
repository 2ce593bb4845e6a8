"""What the pages of the owner's room share."""

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import current_user

from favorites.db import db
from favorites.dispatch.actors import Actor
from favorites.queries.alarms import alarms
from favorites.queries.pages import LAST
from favorites.web.answers import mistaken, wants_json

bp = Blueprint("admin", __name__)


def page(
    template: str, typed: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None, **shown: Any
) -> ResponseReturnValue:
    """A page, with what was typed and what is wrong with it; 422 when something is."""
    if errors and wants_json():
        return mistaken(errors)
    known = {"typed": typed or {}, "errors": errors or {}, "alarms": alarms(db.session)}
    return render_template(template, **known, **shown), 422 if errors else 200


def number_of_page() -> int:
    """`?page=2`, from 1; what is none is the first."""
    given = request.args.get("page", "1")
    return min(max(int(given), 1), LAST) if re.fullmatch("[0-9]{1,9}", given) else 1


def owner() -> Actor:
    """Who acts, as the audit trail writes it."""
    return Actor.admin(current_user.id)
