"""`/privacy`: what is kept of people, why, for how long and who sees it."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from favorites.dispatch.retention import SIGN_INS_KEPT
from favorites.settings import current

bp = Blueprint("privacy", __name__)


@bp.get("/privacy")
def page() -> ResponseReturnValue:
    """For everybody; its times are those of the settings."""
    return render_template("privacy/page.html", settings=current(), kept_days=SIGN_INS_KEPT.days)
