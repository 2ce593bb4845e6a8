"""`/admin/customers`: the customers, each one's page, and their credits."""

from collections.abc import Mapping
from uuid import UUID

from flask import abort, flash, request
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import money
from favorites.dispatch.errors import NotSoManyCredits
from favorites.queries import admin_customers
from favorites.web.admin.forms import amount_form, credits_form
from favorites.web.admin.room import bp, number_of_page, owner, page
from favorites.web.answers import done
from favorites.web.choice import printable
from favorites.web.people import admins_only

Typed = Mapping[str, str] | None


@bp.get("/admin/customers")
@admins_only
def customers() -> ResponseReturnValue:
    """All customers, searched by the address, and credits for one of them."""
    return _list()


def _list(typed: Typed = None, errors: Typed = None) -> ResponseReturnValue:
    find = printable(request.args.get("find"))
    found = admin_customers.customers(db.session, find, number_of_page())
    return page("admin/customers/index.html", typed, errors, found=found, find=find)


@bp.post("/admin/credits")
@admins_only
def grant_credits() -> ResponseReturnValue:
    """Give a customer credits, by their address."""
    form = credits_form(db.session, request.form)
    if isinstance(form, dict):
        return _list(request.form, form)
    money.grant_credits(db.session, form.customer_id, form.credits, owner(), form.note)
    flash(f"{form.credits} credits are granted to {form.email}.", "success")
    return done("admin.customers")


@bp.get("/admin/customers/<uuid:customer_id>")
@admins_only
def customer(customer_id: UUID) -> ResponseReturnValue:
    """One customer: all there is to know, and their credits."""
    return _page(customer_id)


def _page(customer_id: UUID, typed: Typed = None, errors: Typed = None) -> ResponseReturnValue:
    known = admin_customers.customer(db.session, customer_id) or abort(404)
    return page("admin/customers/customer.html", typed, errors, known=known)


@bp.post("/admin/customers/<uuid:customer_id>/<any(grant, correct):verb>")
@admins_only
def change_credits(customer_id: UUID, verb: str) -> ResponseReturnValue:
    """Give credits, or put the balance right by one more line of the ledger."""
    form = amount_form(verb, request.form)
    if isinstance(form, dict):
        return _page(customer_id, request.form, form)
    if verb == "grant":
        money.grant_credits(db.session, customer_id, form.credits, owner(), form.note)
    else:
        try:
            money.correct_credits(db.session, customer_id, form.credits, owner(), form.note)
        except NotSoManyCredits as refusal:
            return _page(customer_id, request.form, {"correction": refusal.sentence})
    flash(f"{form.credits:+d} credits are written to the ledger.", "success")
    return done("admin.customer", customer_id=customer_id)
