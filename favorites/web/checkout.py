"""Checkout: free, by credits, or paid. Whatever pays, the same fulfillment asks for a mechanic."""

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from favorites.db import db
from favorites.dispatch import flags, fulfillment, paying
from favorites.dispatch.errors import NotFound, PlanNotAvailable, ProviderIsAway, Refusal
from favorites.models import Consultation, Payment
from favorites.models.consultation import PaidBy
from favorites.models.money import PaymentStatus
from favorites.providers import stripe_shop
from favorites.providers.port import Away, Bill, Provider, Way
from favorites.queries import customer as queries
from favorites.queries import paying as paying_queries
from favorites.queries.paying import Money
from favorites.settings import current
from favorites.web import demo_payment, headers
from favorites.web.answers import done, is_part, wants_json
from favorites.web.people import current_customer, customers_only
from favorites.web.steps import own_booking, step

bp = Blueprint("checkout", __name__)
bp.register_blueprint(demo_payment.bp)


def provider() -> Provider | None:
    """The payment provider in use; None: paid plans are not available."""
    return stripe_shop() or (demo_payment.DemoProvider() if demo_payment.is_offered() else None)


@bp.get("/checkout/<uuid:session_id>")
@customers_only
def show(session_id: UUID) -> ResponseReturnValue:
    """The ways to pay for this consultation; who is past it goes on."""
    place = step(own_booking(session_id))
    if place != url_for("checkout.show", session_id=session_id):
        return redirect(place, code=303)
    return _page(session_id)


def _page(session_id: UUID, problem: Refusal | None = None) -> Response:
    customer_id, found, shop = current_customer().id, own_booking(session_id), provider()
    plan = found.consultation.plan
    page = render_template(
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
        has_provider=shop is not None,
        is_on_sale=_is_on_sale(found.consultation),
        payments=paying_queries.payments_of(db.session(), session_id),
    )
    answer = make_response(page)
    if shop and shop.pays_at:
        headers.let_forms_go_to(answer, shop.pays_at)  # a browser looks where a form is redirected to, too
    return answer


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
    answer = _page(session_id, refusal)
    answer.status_code = refusal.status
    return answer


@bp.post("/checkout/<uuid:session_id>/pay")
@customers_only
def pay(session_id: UUID) -> ResponseReturnValue:
    """Start a payment, and go where it is made; where one was started and can still be made, there."""
    found, shop = own_booking(session_id), provider()
    if step(found) != url_for("checkout.show", session_id=session_id):
        return redirect(step(found), code=303)
    started = next((money for money in paying_queries.payments_of(db.session(), session_id) if money.is_started), None)
    if started and started.is_awaited:
        return redirect(_way_back(session_id, started.reference), code=303)
    if started and started.is_open:
        return redirect(started.url or "", code=303)
    try:
        return redirect(_start(found.consultation, shop), code=303)
    except Refusal as refusal:
        return _refused(session_id, refusal)


def _start(consultation: Consultation, shop: Provider | None) -> str:
    """Where the new payment is made, or where it goes on since it is made already."""
    session_id = consultation.id
    if shop is None or not consultation.price_cents or not _is_on_sale(consultation):
        raise PlanNotAvailable
    ended = sum(not money.is_started for money in paying_queries.payments_of(db.session(), session_id))
    home = current().public_url or request.host_url.rstrip("/")
    way = Way(
        home + url_for("checkout.paid", session_id=session_id),
        home + url_for("checkout.cancelled", session_id=session_id),
    )
    bill = Bill.of(consultation)
    db.session.rollback()  # no transaction is open while a provider thinks
    try:
        page = shop.start(bill, ended, way)
    except Away as away:
        raise ProviderIsAway from away
    place = paying.start_payment(db.session(), session_id, shop.name, page)
    return place or _way_back(session_id, page.reference)


def _is_on_sale(consultation: Consultation) -> bool:
    return consultation.plan.is_active and flags.paid_plans_are_on(db.session())


def _way_back(session_id: UUID, reference: str) -> str:
    return url_for("checkout.paid", session_id=session_id, checkout=reference)


@bp.get("/checkout/<uuid:session_id>/paid")
@customers_only
def paid(session_id: UUID) -> ResponseReturnValue:
    """Back from the provider: what it says is paid is fulfilled, once, by this page or by the provider's own word."""
    own_booking(session_id)
    shop = provider() or abort(404)
    reference = shop.named(request.args)
    found = paying_queries.payment(db.session(), session_id, shop.name, reference) if reference else None
    if found is None:
        return _not_made(session_id)
    if not found.is_started:
        return _outcome(session_id, found)
    is_heard = _asked(shop, found.reference, request.args)
    found = paying_queries.payment(db.session(), session_id, shop.name, found.reference) or abort(404)
    if found.is_started and is_heard and not found.is_awaited:
        return _not_made(session_id)
    return _outcome(session_id, found)


def _asked(shop: Provider, reference: str, sent: Mapping[str, str]) -> bool:
    """Whether the provider answered; what it said is written down."""
    db.session.rollback()  # no transaction is open while it thinks
    try:
        seen = shop.verify({"checkout": reference, **sent})
    except Away:
        return False
    if seen:
        paying.hear_payment(db.session(), shop.name, seen)
    return True


def _not_made(session_id: UUID) -> ResponseReturnValue:
    flash("The payment was not made. Nothing was booked; you can try again.", "warning")
    return _go_to(url_for("checkout.show", session_id=session_id))


def _outcome(session_id: UUID, money: Money) -> ResponseReturnValue:
    """The page that says what became of it, or the next one."""
    found = own_booking(session_id)
    if money.status == PaymentStatus.FAILED:
        return _not_made(session_id)
    if money.status == PaymentStatus.PAID and found.request_id:
        return _go_to(url_for("requests.show", request_id=found.request_id))
    page = "checkout/_paid.html" if is_part() else "checkout/paid.html"
    return render_template(page, money=money, consultation=found.consultation, request_id=found.request_id)


def _go_to(place: str) -> ResponseReturnValue:
    """303, or for a part of a page the same for all of it."""
    return Response(headers={"HX-Redirect": place}) if is_part() else redirect(place, code=303)


@bp.get("/checkout/<uuid:session_id>/cancelled")
@customers_only
def cancelled(session_id: UUID) -> ResponseReturnValue:
    """Back from the provider without having paid; where it was paid after all, that is what the next page says."""
    own_booking(session_id)
    shop = provider() or abort(404)
    mine = paying_queries.payments_of(db.session(), session_id, Payment.provider == shop.name)
    started = next((money for money in mine if money.is_started), None)
    is_heard = started is None or _asked(shop, started.reference, {})
    newest = next(iter(paying_queries.payments_of(db.session(), session_id)), None)
    if newest and (newest.goes_back or newest.status == PaymentStatus.PAID or newest.is_awaited):
        return redirect(_way_back(session_id, newest.reference), code=303)
    found = own_booking(session_id)
    if step(found) != url_for("checkout.show", session_id=session_id):
        return redirect(step(found), code=303)
    return render_template("checkout/cancelled.html", consultation=found.consultation, is_heard=is_heard)
