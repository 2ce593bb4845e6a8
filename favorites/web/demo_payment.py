"""The demo's payment provider: a page with Pay and Decline. It exists in demo and tests only and moves no money."""

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeSerializer

from favorites.dispatch.payments import Page, Seen, State
from favorites.providers import Demo
from favorites.providers.port import Bill, Way
from favorites.settings import current
from favorites.web.people import customers_only

bp = Blueprint("demo_payment", __name__)


def is_offered() -> bool:
    """Whether this process is a demo or a test."""
    return current().demo or current_app.testing


def _signer(purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt=f"demo payment: {purpose}")


class DemoProvider(Demo):
    """Plays a provider: its payment page's address and its proof of payment are signed, so neither can be made up."""

    pays_at = ""

    def start(self, bill: Bill, attempt: int, way: Way) -> Page:
        """A random reference, and the address of our own payment page."""
        reference = secrets.token_urlsafe(16)
        asked = {"reference": reference, "cents": bill.cents, "currency": bill.currency, "return_url": way.paid}
        return Page(reference, url_for("checkout.demo_payment.show", token=_signer("bill").dumps(asked)))

    def named(self, sent: Mapping[str, str]) -> str | None:
        """The reference of a signed proof in `?paid=`; or in `?checkout=`, which proves nothing."""
        return _proved(sent) or sent.get("checkout") or None

    def verify(self, sent: Mapping[str, str]) -> Seen | None:
        """The proof is all there is to know; it costs nothing."""
        reference = _proved(sent)
        return Seen(reference, State.PAID, fee_cents=0) if reference else None


def _proved(sent: Mapping[str, str]) -> str | None:
    try:
        return str(_signer("proof").loads(sent.get("paid", "")))
    except BadSignature:
        return None


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
