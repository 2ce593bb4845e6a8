"""K42, K43 and P4: what a provider tells, and kill -9 at each commit between the money and the session request.

Stripe is played in this process and outlives the server: it has taken what it has taken. Whoever was not answered asks
again, as browsers, Stripe and the settling thread do; then every charge has a session request or is back, once.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple

from tests.fake_stripe import KEY, SECRET, Event, FakeStripe, fake_stripe, signed
from tests.faults.crashes import arm, died
from tests.faults.doors import OK, UNKNOWN, Answer, read
from tests.faults.ground import Ground, ground
from tests.faults.registry import fault
from tests.faults.scenes import Case, Stage, done
from tests.faults.suite import by_tests
from tests.server import Server, until

WEBHOOKS = "tests/test_webhooks.py"
BEFORE, TOLD, AFTER = "before_commit", "events_inserted", "after_commit"
PAYMENTS = "SELECT count(*) FROM payments WHERE session_id = %s AND status = ANY(%s)"
HURRY = "UPDATE payments SET refund_due_at = clock_timestamp() WHERE session_id = %s AND refund_due_at IS NOT NULL"
ASK_NOW = "UPDATE payments SET ask_due_at = clock_timestamp() WHERE session_id = %s AND status = 'started'"
NOTHING_TO_ASK = "UPDATE payments SET ask_due_at = NULL WHERE session_id = %s"
AWAY = "UPDATE payments SET reference = reference || '-later' WHERE session_id = %s"
HERE = "UPDATE payments SET reference = left(reference, -6) WHERE session_id = %s"
LANES = 4  # servers, which wait most of the time
LATER = 60.0  # seconds until the settling thread of the next worker has done it


class PayingStage(Stage):
    """With a Stripe."""

    def __init__(self, here: Ground, server: Server, stripe: FakeStripe) -> None:
        super().__init__(here, server)
        self.stripe = stripe


class Payer(Case):
    """A customer who pays by Stripe."""

    stage: PayingStage
    event: Event

    def at_stripe(self) -> "Payer":
        """Ana is at Stripe's page."""
        self.signed()
        done(self.pays())
        return self

    def charged(self) -> "Payer":
        """She has paid, and nobody has heard of it."""
        self.at_stripe()
        self.event = self.stage.stripe.pays(self.checkout["id"])
        return self

    def booked(self) -> "Payer":
        """Everybody knows."""
        done(self.charged().is_told())
        self.find_request()
        return self

    @property
    def checkout(self) -> dict[str, Any]:
        """At Stripe, the newest of hers."""
        mine = [one for one in self.stage.stripe.of("cs") if one["client_reference_id"] == self.consultation_id]
        return mine[-1]

    def pays(self) -> Answer:
        """Presses Pay."""
        return self.stage.http.form(self.ana, f"/checkout/{self.consultation_id}/pay")

    def is_told(self) -> Answer:
        """Stripe sends its webhook."""
        sent = signed(self.event)
        return self._asks("POST", "/webhooks/stripe", sent["data"], sent["headers"])

    def comes_back(self) -> Answer:
        """To the success page."""
        path = f"/checkout/{self.consultation_id}/paid?checkout={self.checkout['id']}"
        return self._asks("GET", path, None, {"Cookie": self.ana.cookie})

    def _asks(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        assert self.stage.server
        connection = HTTPConnection("127.0.0.1", self.stage.server.port, timeout=30)
        try:
            connection.request(method, path, body, headers | {"Connection": "close"})
            answer = connection.getresponse()
            return read(answer.status, answer.headers["Location"] or "", answer.read())
        except (OSError, HTTPException) as error:
            return Answer(UNKNOWN, type(error).__name__)
        finally:
            connection.close()

    def count(self, *states: str) -> int:
        """Her payments in these states."""
        return int(self.stage.town.one(PAYMENTS, self.consultation_id, list(states)))

    def given_back(self) -> int:
        """Cents, by Stripe's own books."""
        charge = self.checkout["payment_intent"]
        return sum(one["amount"] for one in self.stage.stripe.of("re") if one["payment_intent"] == charge)

    def sql(self, statement: str) -> None:
        self.stage.town.sql(statement, self.consultation_id)


class Way(NamedTuple):
    """`act`: what dies, and is done again; None: the thread does it, hurried by `hurry`. `effects` as a `Scene`'s."""

    prepare: Callable[[Payer], object]
    act: Callable[[Payer], Answer] | None
    effects: Callable[[Payer], set[int]]
    provoke: Callable[[Payer], object] = lambda payer: None
    hurry: Callable[[Payer], object] = lambda payer: None


def _cancels(payer: Payer) -> Answer:
    return payer.stage.http.does(payer.ana, "cancel", payer.request_id)


def _owed(payer: Payer) -> set[int]:
    return {payer.count("refunding", "refunded"), payer.events("request_cancelled")}


def _asked_for(payer: Payer) -> set[int]:
    return {payer.find_request(), payer.count("paid"), payer.events("request_offered")}


def _is_kept(payer: Payer) -> None:
    payer.charged().sql(AWAY)
    done(payer.is_told())


hurried = partial(Payer.sql, statement=HURRY)
BACK = Way(
    Payer.booked,
    None,
    lambda payer: {payer.count("refunded")},
    provoke=lambda payer: done(payer.stage.direct.does(payer.ana, "cancel", payer.request_id)),
    hurry=hurried,
)
# By the verb that dies, or the place; and where it does.
WAYS: dict[str, tuple[Way, tuple[str, ...]]] = {
    "start_payment": (Way(Payer.signed, Payer.pays, lambda payer: {payer.count("started")}), (BEFORE, AFTER)),
    "receive_event": (Way(Payer.charged, Payer.is_told, _asked_for), (BEFORE, TOLD, AFTER)),
    "hear_payment": (Way(Payer.charged, Payer.comes_back, _asked_for), (BEFORE, TOLD, AFTER)),
    "cancel": (Way(Payer.booked, _cancels, _owed), (BEFORE, TOLD, AFTER)),
    "apply_kept_event": (Way(_is_kept, None, _asked_for, provoke=partial(Payer.sql, statement=HERE)), (BEFORE, AFTER)),
    "claim_question": (
        Way(
            Payer.charged,
            None,
            _asked_for,
            provoke=partial(Payer.sql, statement=ASK_NOW),
            hurry=partial(Payer.sql, statement=ASK_NOW),
        ),
        (BEFORE, AFTER),
    ),
    "claim_refund": (BACK, (BEFORE, AFTER)),
    "refund": (BACK, ("answered",)),
    "hear_refund": (BACK, (BEFORE, AFTER)),
}
PLACES = tuple(f"{verb}.{when}" for verb, (_, places) in WAYS.items() for when in places)


@contextmanager
def stage() -> Iterator[PayingStage]:
    """A server that takes money, and can be made to die."""
    keys = {"STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET}
    with fake_stripe() as stripe, ground() as here, here.server(STRIPE_API_URL=stripe.url, **keys) as server:
        yield PayingStage(here, server, stripe)


def play(stage: PayingStage, place: str) -> None:
    """Dies once at that place, goes on, and looks at the money."""
    try:
        _play(stage, place)
    except AssertionError as error:  # something did not come in time
        stage.ground.claim(False, f"{place}: {error}")
        stage.ground.switch.unlink(missing_ok=True)


def _play(stage: PayingStage, place: str) -> None:
    verb, _, when = place.partition(".")
    way, payer, claim = WAYS[verb][0], Payer(stage), stage.ground.claim
    way.prepare(payer)
    arm(stage, place)
    way.provoke(payer)
    if way.act:
        answer = way.act(payer)
        claim(answer.outcome == UNKNOWN, f"{place}: who asked was answered {answer}")
    died(stage, place)
    if way.act:
        expected = {int(when == AFTER)}
        claim(way.effects(payer) == expected, f"{place}: half done: {way.effects(payer)}, not {expected}")
        again = way.act(payer)
        claim(again.outcome == OK, f"{place}: asked again, it was answered {again}")
    else:
        until(lambda: _went_on(way, payer), f"{place}: the next worker does it", LATER)
    claim(way.effects(payer) == {1}, f"{place}: in the end {way.effects(payer)} times, not once")
    _settle(payer, place)


def _went_on(way: Way, payer: Payer) -> bool:
    way.hurry(payer)
    return 0 not in way.effects(payer)


def _settle(payer: Payer, place: str) -> None:
    """She pays if she has not, hears of it by every way, cancels; then her money is back, once.

    From before the thread gives it back nothing is to be asked about her: it does one thing after the other, so what it
    had asked is answered by then, and cannot take the death of the next play.
    """
    claim = payer.stage.ground.claim
    if not payer.checkout["payment_intent"]:
        payer.event = payer.stage.stripe.pays(payer.checkout["id"])
    for way in (payer.is_told, payer.comes_back, payer.is_told):
        claim(way().outcome == OK, f"{place}: told again, it was refused")
    claim(payer.find_request() == 1, f"{place}: charged, and there are {payer.find_request()} session requests")
    payer.sql(NOTHING_TO_ASK)
    payer.stage.direct.does(payer.ana, "cancel", payer.request_id)
    until(lambda: hurried(payer) or payer.count("refunded"), f"{place}: the money is back", LATER)
    claim(payer.given_back() == 999, f"{place}: {payer.given_back()} cents of 999 were given back")
    claim(payer.count("started", "failed", "paid", "refunding") == 0, f"{place}: a payment is left over")


def _at_every_commit(times: int) -> int:
    left = deque(list(PLACES) * times)
    with ThreadPoolExecutor(LANES) as threads:
        return sum(threads.map(lambda _: _play_all(left), range(LANES)))


def _play_all(left: deque[str]) -> int:
    with stage() as here:
        with suppress(IndexError):
            while True:
                play(here, left.popleft())
        here.ground.check()
        return len(here.ground.violations)


fault(
    "K42",
    "A webhook replayed, out of order, doubled in parallel, 3 days late, badly signed, by a clock 6 minutes off",
    "400 and nothing, or its effect once; what is paid has a session request or goes back; 2xx after the commit only",
    times=20,
)(by_tests(WEBHOOKS, "-k", "k42"))
fault(
    "K43",
    "A webhook before its payment is written, and while neither transaction sees the other",
    "kept, and has its effect with the row or a little later; what is of nobody ends quietly after 3 days",
    times=20,
)(by_tests(WEBHOOKS, "-k", "k43"))
fault(
    "P4",
    "kill -9 at each commit between the money and the session request: pay, webhook, page, cancel, refund",
    "0 charged without a session request, 0 session requests without a charge, 0 given back twice; every invariant",
    times=20,
)(_at_every_commit)
