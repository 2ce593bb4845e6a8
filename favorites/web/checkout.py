"""Checkout: free, by credits, or paid. Whatever pays, the same fulfillment asks for a mechanic."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from favorites.db import db
from favorites.dispatch import fulfillment, money
from favorites.dispatch.errors import NotFound, PlanNotAvailable, Refusal
from favorites.models.consultation import PaidBy
from favorites.queries import customer as queries
from favorites.settings import current
from favorites.web import demo_payment
from favorites.web.answers import done, wants_json
from favorites.web.payments import Provider
from favorites.web.people import current_customer, customers_only
from favorites.web.steps import own_booking, step

bp = Blueprint("checkout", __name__)
bp.register_blueprint(demo_payment.bp)


def provider() -> Provider | None:
    """The payment provider in use; None: paid plans are not available."""
    return demo_payment.DemoProvider() if demo_payment.is_offered() else None


@bp.get("/checkout/<uuid:session_id>")
@customers_only
def show(session_id: UUID) -> ResponseReturnValue:
    """The ways to pay for this consultation; who is past it goes on."""
    place = step(own_booking(session_id))
    if place != url_for("checkout.show", session_id=session_id):
        return redirect(place, code=303)
    return _page(session_id)


def _page(session_id: UUID, problem: Refusal | None = None) -> str:
    customer_id, found = current_customer().id, own_booking(session_id)
    plan = found.consultation.plan
    return render_template(
        "checkout/show.html",
        consultation=found.consultation,
        plan=plan,
        problem=problem,
        open_request_id=queries.open_request_id(db.session(), customer_id),
        credits_left=queries.credits_left(db.session(), customer_id),
        free_is_used=any(
            offer.is_used for offer in queries.offers(db.session(), customer_id) if offer.plan.code == plan.code
        ),
        is_confirmed=current_user.confirmed_at is not None,
        can_be_paid=provider() is not None,
    )


@bp.post("/checkout/<uuid:session_id>/free")
@customers_only
def free(session_id: UUID) -> ResponseReturnValue:
    """Take the free session."""
    return _fulfill(session_id, PaidBy.FREE)


@bp.post("/checkout/<uuid:session_id>/credits")
@customers_only
def by_credits(session_id: UUID) -> ResponseReturnValue:
    """Pay with credits."""
    return _fulfill(session_id, PaidBy.CREDITS)


def _fulfill(session_id: UUID, paid_by: PaidBy) -> ResponseReturnValue:
    try:
        request_id = fulfillment.fulfill(db.session(), session_id, paid_by, current_customer().id)
    except NotFound:
        abort(404)
    except Refusal as refusal:
        return _refused(session_id, refusal)
    return done("requests.show", request_id=request_id)


def _refused(session_id: UUID, refusal: Refusal) -> ResponseReturnValue:
    """The checkout page again, with the sentence; programs get it from the error handler."""
    if wants_json():
        raise refusal
    return _page(session_id, refusal), refusal.status


@bp.post("/checkout/<uuid:session_id>/pay")
@customers_only
def pay(session_id: UUID) -> ResponseReturnValue:
    """Start a payment, and go where it is made."""
    found, shop = own_booking(session_id), provider()
    if step(found) != url_for("checkout.show", session_id=session_id):
        return redirect(step(found), code=303)
    if shop is None or found.consultation.price_cents == 0:
        return _refused(session_id, PlanNotAvailable())
    started = shop.start(found.consultation, current().public_url + url_for("checkout.paid", session_id=session_id))
    money.start_payment(db.session(), session_id, shop.name, started.reference)
    return redirect(started.url, code=303)


@bp.get("/checkout/<uuid:session_id>/paid")
@customers_only
def paid(session_id: UUID) -> ResponseReturnValue:
    """Back from the provider: what it proves to be paid is fulfilled, once."""
    shop = provider() or abort(404)
    own_booking(session_id)
    reference = shop.verify(request)
    if reference is None:
        flash("The payment was not made. Nothing was booked; you can try again.", "warning")
        return redirect(url_for("checkout.show", session_id=session_id), code=303)
    return _confirmed(session_id, shop, reference)


def _confirmed(session_id: UUID, shop: Provider, reference: str) -> ResponseReturnValue:
    try:
        request_id = fulfillment.confirm_payment(db.session(), shop.name, reference)
    except Refusal as refusal:
        if shop.refund(reference):
            flash("Your money was given back.", "info")
        return _refused(session_id, refusal)
    return redirect(url_for("requests.show", request_id=request_id), code=303)
