"""What Stripe tells us by itself. It proves itself by its signature over the body as it was sent, and by its time."""

import structlog
from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch.paying import receive_event
from favorites.providers import stripe_shop
from favorites.settings import current
from favorites.web.csrf import csrf

bp = Blueprint("webhooks", __name__)
log = structlog.get_logger(__name__)


@bp.post("/webhooks/stripe")
@csrf.exempt  # type: ignore[untyped-decorator] # ships no types
def stripe() -> ResponseReturnValue:
    """204 once it is written with its effect, or kept, or is nothing to us; else Stripe sends it again, for days."""
    shop, secret = stripe_shop(), current().stripe_webhook_secret.get_secret_value()
    if shop is None or not secret:
        abort(404)
    from favorites.providers.stripe import NotStripe, told

    try:
        event = told(request.get_data(), request.headers.get("Stripe-Signature", ""), secret)
    except NotStripe:
        log.warning("[Payment] Something was sent as Stripe's that is not, or too late")
        abort(400, "This has no good signature.")
    if event:
        receive_event(db.session(), shop.name, event)
    return "", 204
