"""A Stripe of the tests' own, on loopback: what our library asks of it, and the faults that it may have.

It keeps what it was asked for as Stripe does: idempotency keys answer the first answer again, 500 included, and refuse
other parameters. What customers, banks and owners do there are its methods; each gives the event that Stripe sends.
"""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from stripe import WebhookSignature

KEY = "sk_test_fake"
SECRET = "whsec_fake"
FEE = 59  # cents
# Of a card and its holder: nothing of it may be stored or logged.
PRIVATE = ("0042", "Ana C. Cardholder", "holder@bank.example", "Holder Street 7")

Event = dict[str, Any]


class Refused(Exception):
    """What is answered instead, by Stripe's own code."""

    def __init__(self, status: int, code: str, kind: str = "invalid_request_error") -> None:
        super().__init__(code)
        self.status, self.body = status, {"error": {"type": kind, "code": code, "message": f"Refused: {PRIVATE[1]}"}}


class FakeStripe(ThreadingHTTPServer):
    """Answers; `is_down`: hangs up at once. `delay`: seconds before each answer. `breaks_after`: so many next posts
    are done and answered with 500; `breaks_before`: not done. `refunds_are`: the status of new refunds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.lock = threading.RLock()
        self.forget()

    def forget(self) -> None:
        """As new."""
        self.things: dict[str, dict[str, Any]] = {}
        self.answered: dict[str, tuple[str, int, dict[str, Any]]] = {}
        self.asked: list[tuple[str, str]] = []
        self.is_down, self.delay, self.breaks_after, self.breaks_before = False, 0.0, 0, 0
        self.refunds_are, self.clock_is_ahead = "succeeded", 0

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All sessions (cs), payments (pi) or refunds (re), in their order."""
        return [thing for key, thing in self.things.items() if key.startswith(f"{kind}_")]

    def given_back(self) -> int:
        """Cents, of all refunds that did not fail."""
        return sum(refund["amount"] for refund in self.of("re") if refund["status"] not in ("failed", "canceled"))

    # What is asked over HTTP

    def answer(self, method: str, path: str, fields: dict[str, str], key: str) -> tuple[int, dict[str, Any]]:
        """As Stripe, once a key."""
        with self.lock:
            self.asked.append((method, path))
            if method == "GET" or not key:
                return self._done(method, path, fields)
            written = json.dumps([path, fields], sort_keys=True)
            if key in self.answered:
                before, status, body = self.answered[key]
                if before == written:
                    return status, body
                return 400, Refused(400, "idempotency_key_reused", "idempotency_error").body
            status, body = self._broken(method, path, fields)
            self.answered[key] = (written, status, body)
            return status, body

    def _broken(self, method: str, path: str, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if self.breaks_before:
            self.breaks_before -= 1
            return 500, Refused(500, "api_error", "api_error").body
        status, body = self._done(method, path, fields)
        if self.breaks_after:
            self.breaks_after -= 1
            return 500, Refused(500, "api_error", "api_error").body
        return status, body

    def _done(self, method: str, path: str, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        kind, _, id_ = path.removeprefix("/v1/").removeprefix("checkout/").partition("/")
        try:
            if method == "POST":
                return 200, {"sessions": self._new_session, "refunds": self._new_refund}[kind](fields)
            if kind == "refunds":
                mine = [refund for refund in self.of("re") if refund["payment_intent"] == fields["payment_intent"]]
                return 200, {"object": "list", "data": mine[::-1], "has_more": False, "url": path}
            if not id_:
                return 200, {"object": "list", "data": self.of("cs")[-1:], "has_more": False, "url": path}
            return 200, self._expanded(id_) if fields else self._found(id_)
        except Refused as refused:
            return refused.status, refused.body

    def _found(self, id_: str) -> dict[str, Any]:
        if id_ not in self.things:
            raise Refused(404, "resource_missing")
        return self.things[id_]

    def _expanded(self, id_: str) -> dict[str, Any]:
        session = dict(self._found(id_))
        if intent := session["payment_intent"]:
            session["payment_intent"] = self.things[intent]
        return session

    def _new_session(self, fields: dict[str, str]) -> dict[str, Any]:
        until = int(fields["expires_at"])
        if not 1800 <= until - time.time() <= 86400:
            raise Refused(400, "expires_at_out_of_range")
        id_ = f"cs_test_{uuid.uuid4().hex}"
        price = "line_items[0][price_data]"
        self.things[id_] = {
            "id": id_,
            "object": "checkout.session",
            "url": f"{self.url}/pay/{id_}",
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "amount_total": int(fields[f"{price}[unit_amount]"]),
            "currency": fields[f"{price}[currency]"],
            "client_reference_id": fields["client_reference_id"],
            "metadata": {name: fields[f"metadata[{name}]"] for name in ("consultation", "customer")},
            "expires_at": until,
            "success_url": fields["success_url"],
            "cancel_url": fields["cancel_url"],
        }
        return self.things[id_]

    def _new_refund(self, fields: dict[str, str]) -> dict[str, Any]:
        intent = self._found(fields["payment_intent"])
        if intent["latest_charge"]["disputed"]:
            raise Refused(400, "charge_disputed")
        left = intent["amount_received"] - sum(
            refund["amount"]
            for refund in self.of("re")
            if refund["payment_intent"] == intent["id"] and refund["status"] not in ("failed", "canceled")
        )
        if left <= 0:
            raise Refused(400, "charge_already_refunded")
        return self._refunded(intent, int(fields.get("amount", left)), {"payment": fields["metadata[payment]"]})

    def _refunded(self, intent: dict[str, Any], cents: int, about: dict[str, str]) -> dict[str, Any]:
        refund = {
            "id": f"re_{uuid.uuid4().hex}",
            "object": "refund",
            "status": self.refunds_are,
            "amount": cents,
            "currency": intent["currency"],
            "payment_intent": intent["id"],
            "metadata": about,
        }
        self.things[refund["id"]] = refund
        return refund

    # What happens there

    def session(self, id_: str | None = None) -> dict[str, Any]:
        """That one, or the newest."""
        return self.things[id_] if id_ else self.of("cs")[-1]

    def pays(self, id_: str | None = None, cents: int | None = None, currency: str | None = None) -> Event:
        """The customer pays, and their bank says yes at once."""
        session = self._with_intent(self.session(id_), "succeeded")
        session["amount_total"] = cents or session["amount_total"]
        session["currency"] = currency or session["currency"]
        return self._settled(session, "checkout.session.completed")

    def is_unsure(self, id_: str | None = None) -> Event:
        """The customer has done their part; their bank takes some days."""
        return self.told("checkout.session.completed", self._with_intent(self.session(id_), "processing"))

    def bank_says_yes(self, id_: str | None = None) -> Event:
        return self._settled(self.session(id_), "checkout.session.async_payment_succeeded")

    def bank_says_no(self, id_: str | None = None) -> Event:
        session = self.session(id_)
        self.things[session["payment_intent"]]["status"] = "requires_payment_method"
        return self.told("checkout.session.async_payment_failed", session)

    def runs_out(self, id_: str | None = None) -> Event:
        session = self.session(id_)
        if session["status"] == "open":
            session["status"] = "expired"
        return self.told("checkout.session.expired", {**session, "status": "expired"})

    def owner_refunds(self, id_: str | None = None, cents: int | None = None) -> Event:
        """By hand, in the dashboard."""
        intent = self.things[self.session(id_)["payment_intent"]]
        refund = self._refunded(intent, cents or intent["amount_received"], {})
        return self.refund_is_told(refund)

    def refund_is_told(self, refund: dict[str, Any]) -> Event:
        """`charge.refunded`, as Stripe sends it with every refund."""
        intent = self.things[refund["payment_intent"]]
        back = sum(one["amount"] for one in self.of("re") if one["payment_intent"] == intent["id"])
        charge = {**intent["latest_charge"], "amount_refunded": back, "refunded": back >= intent["amount_received"]}
        return self.told("charge.refunded", charge)

    def refund_becomes(self, status: str, refund: dict[str, Any] | None = None) -> Event:
        """`refund.updated`, or `refund.failed`."""
        refund = refund or self.of("re")[-1]
        refund["status"] = status
        if status == "failed":
            refund["failure_reason"] = "expired_or_canceled_card"
        return self.told("refund.failed" if status == "failed" else "refund.updated", refund)

    def is_disputed(self, id_: str | None = None) -> Event:
        """The customer went to their bank."""
        intent = self.things[self.session(id_)["payment_intent"]]
        intent["latest_charge"]["disputed"] = True
        dispute = {"id": f"du_{uuid.uuid4().hex}", "object": "dispute", "amount": intent["amount_received"]}
        about = {"currency": intent["currency"], "payment_intent": intent["id"], "reason": "fraudulent"}
        return self.told("charge.dispute.created", {**dispute, **about, "evidence": {"customer_name": PRIVATE[1]}})

    def _with_intent(self, session: dict[str, Any], status: str) -> dict[str, Any]:
        intent = {"id": f"pi_{uuid.uuid4().hex}", "object": "payment_intent", "status": status, "latest_charge": None}
        self.things[intent["id"]] = {**intent, "amount_received": 0, "currency": session["currency"]}
        session.update(status="complete", payment_intent=intent["id"], url=None)
        session["customer_details"] = {"name": PRIVATE[1], "email": PRIVATE[2], "address": {"line1": PRIVATE[3]}}
        return session

    def _settled(self, session: dict[str, Any], kind: str) -> Event:
        intent = self.things[session["payment_intent"]]
        cents, currency = session["amount_total"], session["currency"]
        booked = {"id": "txn_1", "object": "balance_transaction", "fee": FEE, "currency": currency}
        intent.update(status="succeeded", amount_received=cents, currency=currency)
        intent["latest_charge"] = {
            "id": f"ch_{uuid.uuid4().hex}",
            "object": "charge",
            "payment_intent": intent["id"],
            "amount": cents,
            "currency": currency,
            "disputed": False,
            "balance_transaction": booked,
            "billing_details": {"name": PRIVATE[1], "email": PRIVATE[2], "address": {"line1": PRIVATE[3]}},
            "payment_method_details": {"card": {"last4": PRIVATE[0], "brand": "visa"}},
        }
        session["payment_status"] = "paid"
        return self.told(kind, session)

    def told(self, kind: str, thing: dict[str, Any]) -> Event:
        """The event, as it stands now."""
        return {
            "id": f"evt_{uuid.uuid4().hex}",
            "object": "event",
            "type": kind,
            "created": int(time.time()),
            "livemode": False,
            "data": {"object": json.loads(json.dumps(thing))},
        }


def signed(event: Event, secret: str = SECRET, ago: float = 0) -> dict[str, Any]:
    """The body and headers of its webhook; `ago`: signed so many seconds before now."""
    body = json.dumps(event)
    signature = WebhookSignature.generate_signature_header(body, secret, int(time.time() - ago))
    return {"data": body, "headers": {"Content-Type": "application/json", "Stripe-Signature": signature}}


class _Handler(BaseHTTPRequestHandler):
    server: FakeStripe
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path = urlsplit(self.path)
        if self.server.is_down:
            self.close_connection = True
            return
        time.sleep(self.server.delay)
        if path.path.startswith("/pay/"):
            self._send(200, "<!DOCTYPE html><title>Pay</title><h1>Pay</h1>", "text/html")
            return
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self._send(401, json.dumps(Refused(401, "api_key_invalid").body))
            return
        fields = dict(parse_qsl(sent or path.query))
        status, body = self.server.answer(method, path.path, fields, self.headers.get("Idempotency-Key", ""))
        self._send(status, json.dumps(body))

    def _send(self, status: int, body: str, kind: str = "application/json") -> None:
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string(int(time.time() + self.server.clock_is_ahead)))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.send_header("Stripe-Should-Retry", "false" if status < 500 else "true")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def fake_stripe() -> Iterator[FakeStripe]:
    """One that answers; gone at the end."""
    with FakeStripe() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
