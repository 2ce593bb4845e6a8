"""The demo's payment provider: a page with Pay and Decline. It exists in demo and tests only and moves no money."""

import secrets
from typing import Any

from flask import Blueprint, Request, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeSerializer

from favorites.models import Consultation
from favorites.settings import current
from favorites.web.payments import Started
from favorites.web.people import customers_only

bp = Blueprint("demo_payment", __name__)


def is_offered() -> bool:
    """Whether this process is a demo or a test."""
    return current().demo or current_app.testing


def _signer(purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt=f"demo payment: {purpose}")


class DemoProvider:
    """Plays a provider: its payment page's address and its proof of payment are signed, so neither can be made up."""

    name = "demo"

    def start(self, consultation: Consultation, return_url: str) -> Started:
        """A random reference, and the address of our own payment page."""
        reference = secrets.token_urlsafe(16)
        bill = {"reference": reference, "cents": consultation.price_cents, "currency": consultation.currency}
        token = _signer("bill").dumps({**bill, "return_url": return_url})
        return Started(reference, url_for("checkout.demo_payment.show", token=token))

    def verify(self, answer: Request) -> str | None:
        """The reference of a signed proof in `?paid=`."""
        try:
            return str(_signer("proof").loads(answer.args.get("paid", "")))
        except BadSignature:
            return None

    def refund(self, reference: str) -> bool:
        """Nothing was taken, so there is nothing to give back."""
        return True


@bp.get("/demo-payment/<token>")
@customers_only
def show(token: str) -> ResponseReturnValue:
    """The provider's page."""
    return render_template("checkout/demo_payment.html", token=token, bill=_bill(token))


@bp.post("/demo-payment/<token>")
@customers_only
def answer(token: str) -> ResponseReturnValue:
    """Pay or decline, and go back to the shop, with a proof only when paid."""
    bill = _bill(token)
    proof = _signer("proof").dumps(bill["reference"]) if request.form.get("answer") == "pay" else ""
    return redirect(f"{bill['return_url']}?paid={proof}", code=303)


def _bill(token: str) -> dict[str, Any]:
    if not is_offered():
        abort(404)
    try:
        bill: dict[str, Any] = _signer("bill").loads(token)
    except BadSignature:
        abort(404)
    return bill
