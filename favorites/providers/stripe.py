"""Stripe behind the payment port: Checkout, its webhooks and refunds. Cards, names and addresses stay with Stripe.

Fields as in Stripe's API reference: https://docs.stripe.com/api/checkout/sessions/object and its neighbors.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import urlsplit

import stripe
import structlog
from stripe import RequestsClient, SignatureVerificationError, StripeClient, StripeError, Webhook

from favorites.dispatch.payments import DISPUTED, Page, Seen, State, Told
from favorites.dispatch.refunds import Owed, Refund, RefundState
from favorites.models.money import AT_THE_BANK, PaymentEventKind
from favorites.providers.port import Away, Bill, Way
from favorites.settings import current

log = structlog.get_logger(__name__)

OWN_API = "https://api.stripe.com"
OWN_PAGES = "https://checkout.stripe.com"
PATIENCE = (3.0, 8.0)  # seconds to connect, and to answer; somebody waits
RETRIES = 1  # by the library, with the same idempotency key
LASTS = timedelta(minutes=30)  # the least that Stripe takes
SPARE = timedelta(seconds=150)  # our clock may be a little behind Stripe's
LINES = BoundedSemaphore(4)  # questions at a time: a Stripe that hangs leaves half of our threads to everybody else
TOLERANCE = 300  # seconds that a signature is good
ALL = ["payment_intent.latest_charge.balance_transaction"]
KINDS = {kind.value: kind for kind in PaymentEventKind}
OVER = {PaymentEventKind.EXPIRED, PaymentEventKind.FAILED}
REFUNDS = {"succeeded": RefundState.DONE, "failed": RefundState.FAILED, "canceled": RefundState.FAILED}


class NotStripe(ValueError):
    """What was sent has no good signature, or is none of Stripe's events."""


@cache
def shop() -> "Stripe":
    """By the settings of this process."""
    settings = current()
    return Stripe(settings.stripe_secret_key.get_secret_value(), settings.stripe_api_url)


class Stripe:
    """One account of Stripe's."""

    name = "stripe"

    def __init__(self, key: str, api_url: str) -> None:
        """`key`: secret or restricted, of the test mode or the live one."""
        web = RequestsClient(timeout=PATIENCE)
        where: Any = {"api": api_url}
        self._client = StripeClient(key, base_addresses=where, max_network_retries=RETRIES, http_client=web)
        self._api = api_url

    @property
    def pays_at(self) -> str:
        """Of Stripe's own Checkout; in tests, of the server that plays Stripe."""
        return OWN_PAGES if self._api == OWN_API else "{0.scheme}://{0.netloc}".format(urlsplit(self._api))

    def start(self, bill: Bill, attempt: int, way: Way) -> Page:
        """A page for half an hour. Pressed twice in one minute it is the same one; see docs/decisions/0023."""
        until = _end_of_minute(datetime.now(UTC) + LASTS)
        about = {"consultation": str(bill.consultation_id), "customer": str(bill.customer_id)}
        price = {"currency": bill.currency.lower(), "unit_amount": bill.cents, "product_data": {"name": bill.plan}}
        asked: Any = {
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "client_reference_id": str(bill.consultation_id),
            "metadata": about,
            "payment_intent_data": {"metadata": about},
            "expires_at": int(until.timestamp()),
            "success_url": way.paid + "?checkout={CHECKOUT_SESSION_ID}",
            "cancel_url": way.cancelled,
        }
        key = f"checkout-{bill.consultation_id}-{attempt}-{int(until.timestamp())}"
        with _patience("start"):
            made = self._client.v1.checkout.sessions.create(asked, {"idempotency_key": key})
        if not made.url:
            raise Away("no_url")
        return Page(made.id, made.url, datetime.fromtimestamp(made.expires_at, UTC))

    def named(self, sent: Mapping[str, str]) -> str | None:
        """Stripe's key of the payment; it proves nothing by itself."""
        return sent.get("checkout") or None

    def verify(self, sent: Mapping[str, str]) -> Seen | None:
        """Asks Stripe: what stands in an address anybody can write."""
        reference = self.named(sent)
        return self.look(reference) if reference else None

    def look(self, reference: str) -> Seen | None:
        """With charge and fee, once they are known."""
        with _patience("look"):
            found = self._client.v1.checkout.sessions.retrieve(reference, {"expand": ALL})
        return _seen(found.to_dict())

    def refund(self, owed: Owed) -> Refund:
        """All that is left of it. Asked again, what was asked for before is looked for first."""
        try:
            return self._refund(owed)
        except StripeError as error:
            return _refused(error)

    def _refund(self, owed: Owed) -> Refund:
        charge = owed.charge or self._charge_of(owed.reference)
        if charge is None:
            return Refund(RefundState.FAILED, problem="no_charge")
        ours, failed = self._earlier(owed, charge) if owed.tries > 1 else (None, 0)
        if ours:
            return ours
        asked: Any = {"payment_intent": charge, "metadata": {"payment": str(owed.id)}}
        key = f"refund-{owed.id}-{failed}"
        return _answer(self._client.v1.refunds.create(asked, {"idempotency_key": key}).to_dict())

    def _earlier(self, owed: Owed, charge: str) -> tuple[Refund | None, int]:
        """Ours that is done or on its way, and how many of ours have failed: the next is another one for Stripe."""
        asked: Any = {"payment_intent": charge, "limit": 100}
        found = [refund.to_dict() for refund in self._client.v1.refunds.list(asked).data]
        ours = [_answer(one) for one in found if (one.get("metadata") or {}).get("payment") == str(owed.id)]
        alive = [answer for answer in ours if answer.state is not RefundState.FAILED]
        return (alive[0] if alive else None), len(ours) - len(alive)

    def _charge_of(self, reference: str) -> str | None:
        return _key(self._client.v1.checkout.sessions.retrieve(reference).payment_intent)

    def clock(self) -> datetime:
        """Stripe's own time, as it stands on any answer. Raises `Away`, where the key is not taken, too."""
        with _patience("clock"):
            answer = self._client.v1.checkout.sessions.list({"limit": 1}).last_response
        sent = answer.headers.get("Date") if answer else None
        if not sent:
            raise Away("no_date")
        return parsedate_to_datetime(sent)


def told(body: bytes, signature: str, secret: str) -> Told | None:
    """One event, if Stripe has signed it within the last five minutes; None: of a kind that we do nothing about.

    Raises `NotStripe`.
    """
    try:
        event = Webhook.construct_event(body, signature, secret, TOLERANCE).to_dict()
    except (SignatureVerificationError, ValueError, UnicodeDecodeError) as error:
        raise NotStripe from error
    kind = KINDS.get(event["type"])
    if kind is None:
        return None
    thing: dict[str, Any] = event["data"]["object"]
    reference, payload = _told_of(kind, thing)
    return Told(event["id"], kind, reference, datetime.fromtimestamp(event["created"], UTC), payload)


def _told_of(kind: PaymentEventKind, thing: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Which payment it is about, and what of it we keep."""
    if kind.startswith("checkout."):
        seen = _seen(thing)
        state = State.OVER if kind in OVER else seen.state
        kept = {"state": state.value, "charge": seen.charge, "cents": seen.cents, "currency": seen.currency}
        return seen.reference, {**kept, "consultation": (thing.get("metadata") or {}).get("consultation")}
    reference = _key(thing.get("payment_intent")) or _key(thing.get("charge")) or thing["id"]
    kept = {"cents": thing.get("amount"), "currency": (thing.get("currency") or "").upper()}
    if kind is PaymentEventKind.REFUNDED:
        return reference, {**kept, "cents": thing.get("amount_refunded"), "is_back": bool(thing.get("refunded"))}
    if kind is PaymentEventKind.DISPUTED:
        return reference, {**kept, "dispute": thing["id"], "reason": thing.get("reason")}
    stands, refund, problem = _answer(thing)
    whose = (thing.get("metadata") or {}).get("payment")  # ours, as we asked for it
    return reference, {**kept, "refund": refund, "refund_state": stands.value, "problem": problem, "payment": whose}


def _seen(checkout: dict[str, Any]) -> Seen:
    intent = checkout.get("payment_intent")
    return Seen(
        checkout["id"],
        _state(checkout),
        _key(intent),
        checkout.get("amount_total"),
        (checkout.get("currency") or "").upper() or None,
        _fee(intent, checkout.get("currency")),
    )


def _state(checkout: dict[str, Any]) -> State:
    if checkout.get("payment_status") in ("paid", "no_payment_required"):
        return State.PAID
    if checkout.get("status") == "expired" or _was_refused(checkout):
        return State.OVER
    return State.AWAITED if checkout.get("status") == "complete" else State.OPEN


def _was_refused(checkout: dict[str, Any]) -> bool:
    """After the customer had done their part, by their bank."""
    intent = checkout.get("payment_intent")
    status = intent.get("status") if isinstance(intent, dict) else None
    return checkout.get("status") == "complete" and status in ("requires_payment_method", "canceled")


def _fee(intent: Any, currency: str | None) -> int | None:
    """In the payment's currency, where Stripe has converted it; None until it is booked, or was not asked for."""
    charge = intent.get("latest_charge") if isinstance(intent, dict) else None
    booked = charge.get("balance_transaction") if isinstance(charge, dict) else None
    if not isinstance(booked, dict):
        return None
    rate = 1.0 if booked["currency"] == currency else float(booked.get("exchange_rate") or 1)
    return round(int(booked["fee"]) / rate)


def _key(thing: Any) -> str | None:
    """The id of what is expanded, or not."""
    found = thing.get("id") if isinstance(thing, dict) else getattr(thing, "id", thing)
    return str(found) if found else None


def _answer(refund: dict[str, Any]) -> Refund:
    state = REFUNDS.get(refund.get("status") or "", RefundState.PENDING)
    problems = {RefundState.PENDING: AT_THE_BANK, RefundState.FAILED: refund.get("failure_reason") or "failed"}
    return Refund(state, refund["id"], problems.get(state))


def _refused(error: StripeError) -> Refund:
    code = _code(error)
    if code == "charge_already_refunded":
        return Refund(RefundState.DONE)
    return Refund(RefundState.DISPUTED if code == DISPUTED else RefundState.FAILED, problem=code)


def _code(error: StripeError) -> str:
    """Stripe's code, or the name of the error; never its words, which may hold what somebody typed."""
    return error.code or type(error).__name__


@contextmanager
def _patience(what: str) -> Iterator[None]:
    if not LINES.acquire(blocking=False):
        raise Away("busy")
    try:
        yield
    except StripeError as error:
        ours = isinstance(error, stripe.InvalidRequestError | stripe.AuthenticationError | stripe.PermissionError)
        tell = log.error if ours else log.warning
        tell("[Payment] Stripe does not answer as it should", what=what, code=_code(error), status=error.http_status)
        raise Away(_code(error)) from error
    finally:
        LINES.release()


def _end_of_minute(at: datetime) -> datetime:
    return (at + SPARE).replace(second=0, microsecond=0)
