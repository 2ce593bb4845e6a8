"""What happened to the money of a session request, as steps of its story."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import NamedTuple

from favorites.models import CreditEntry, OwnerEvent, OwnerKind, Payment
from favorites.models.money import EntryKind, PaymentStatus, RefundReason
from favorites.queries.money.cost import Cost
from favorites.queries.owner_board import Row
from favorites.queries.sentences import REASONS, WENT_BACK_BECAUSE

ACTS = (OwnerKind.PAYMENT_REFUNDED, OwnerKind.CREDITS_REFUNDED)
SYSTEM = "Book Again, by the clock"
MOMENT = timedelta(seconds=1)
NOT_PAID = {
    PaymentStatus.STARTED: "Went to pay, and has not paid yet",
    PaymentStatus.FAILED: "Went to pay, and it was not paid",
}
# An end of the session request, by which it was owed back in the same transaction.
AT_ITS_END = (RefundReason.CANCELLED, RefundReason.EXPIRED)


class Told(NamedTuple):
    """One step. `who` did it, None where the row alone is left; `heard`: who was told; `why`, `note`: the owner's.

    `cents`, `currency`: the money that it was about.
    """

    at: datetime
    what: str
    who: str | None = None
    rule: str | None = None
    heard: Sequence[str] = ()
    why: str | None = None
    note: str | None = None
    cents: int | None = None
    currency: str | None = None


def money_steps(
    row: Row, cost: Cost, acts: Sequence[OwnerEvent], owners: Mapping[str, str]
) -> list[tuple[datetime, Told]]:
    """By when they belong there, oldest first; of the owner's acts those about money alone count.

    What nobody did by hand is told after the end of the session request, which it may share a transaction with.
    """
    writer = _Writer(row, [act for act in acts if act.kind in ACTS], owners)
    steps = [
        *(step for payment in cost.payments for step in writer.payment(payment)),
        *(writer.entry(entry) for entry in cost.entries),
    ]
    placed = ((step.at if step.who not in (SYSTEM, None) else step.at + MOMENT, step) for step in steps)
    return sorted(placed, key=itemgetter(0))


def owner_name(owners: Mapping[str, str], actor: str) -> str:
    """By the actor's words, `admin:ID`."""
    return f"{owners.get(actor.partition(':')[2], 'a former owner')}, owner"


@dataclass
class _Writer:
    row: Row
    acts: list[OwnerEvent]
    owners: Mapping[str, str]

    @property
    def customer(self) -> str:
        return f"{self.row.customer.name}, customer"

    def payment(self, payment: Payment) -> Iterator[Told]:
        cents = payment.amount_cents if payment.received_cents is None else payment.received_cents
        currency = payment.received_currency or payment.currency
        return (step._replace(cents=cents, currency=currency) for step in self._payment(payment))

    def _payment(self, payment: Payment) -> Iterator[Told]:
        if payment.paid_at is None:
            yield Told(payment.created_at, NOT_PAID[PaymentStatus(payment.status)], self.customer)
            return
        yield Told(payment.paid_at, "Paid online", self.customer)
        because = RefundReason(payment.refund_reason) if payment.refund_reason else None
        is_ours = because is not RefundReason.BY_PROVIDER
        if because and is_ours:
            yield self._owed(payment, because, payment.paid_at)
        if payment.disputed_at:
            yield Told(payment.disputed_at, "The customer’s bank took the payment back")
        if payment.refunded_at:
            why = None if is_ours else WENT_BACK_BECAUSE[RefundReason.BY_PROVIDER]
            yield Told(payment.refunded_at, "The provider gave the payment back", why=why)

    def _owed(self, payment: Payment, because: RefundReason, paid_at: datetime) -> Told:
        what = "The payment goes back"
        if act := self._act("payment_id", payment.id):
            return self._by_owner(act, what)
        ended_at = self.row.request.closed_at if because in AT_ITS_END else None
        return Told(ended_at or paid_at, what, SYSTEM, why=WENT_BACK_BECAUSE[because])

    def entry(self, entry: CreditEntry) -> Told:
        credits = "1 credit" if abs(entry.credits) == 1 else f"{abs(entry.credits)} credits"
        if entry.kind == EntryKind.SPEND:
            return Told(entry.at, f"Paid with {credits}", self.customer)
        if act := self._act("entry_id", entry.id):
            return self._by_owner(act, f"{credits} went back")
        return Told(entry.at, f"{credits} went back", SYSTEM)

    def _act(self, key: str, id_: object) -> OwnerEvent | None:
        return next((act for act in self.acts if act.payload.get(key) == str(id_)), None)

    def _by_owner(self, act: OwnerEvent, what: str) -> Told:
        why = REASONS.get(act.payload.get("reason", ""))
        return Told(act.at, what, owner_name(self.owners, act.actor), why=why, note=act.note or None)
