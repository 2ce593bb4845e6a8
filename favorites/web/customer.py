"""The customer's dashboard: what is open, the favorites, the launcher, what was before."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.models import Customer
from favorites.queries import customer as queries
from favorites.queries.paying import going_back
from favorites.queries.waiting import waiting
from favorites.web.choice import Choice
from favorites.web.outlook import Outlook, outlook
from favorites.web.people import current_customer, customers_only
from favorites.web.workshop_link import current_workshop

bp = Blueprint("customer", __name__)


@bp.get("/customer/dashboard")
@customers_only
def dashboard() -> ResponseReturnValue:
    """The one page a customer comes back to; with an open session request there is no launcher."""
    customer, choice = current_customer(), Choice.of(request.args)
    request_id = queries.open_request_id(db.session(), customer.id)
    return render_template(
        "customer/dashboard.html",
        customer=customer,
        open=waiting(db.session(), customer.id, request_id) if request_id else None,
        favorites=queries.favorites(db.session(), customer.id),
        offers=queries.offers(db.session(), customer.id),
        credits_left=queries.credits_left(db.session(), customer.id),
        going_back=going_back(db.session(), customer.id),
        past=queries.past(db.session(), customer.id),
        choice=choice,
        outlook=outlook_of(customer, choice),
        workshop=current_workshop(),
    )


def outlook_of(customer: Customer, choice: Choice) -> Outlook | None:
    """What the choice of a mechanic will come to; None when nobody was chosen."""
    if not choice.wishes_priority:
        return None
    mechanic_id = choice.mechanic_id
    found = queries.bookable(db.session(), customer.id, mechanic_id) if mechanic_id else None
    return outlook(customer.id, found, current_workshop(), choice.plan, choice.urgent)
