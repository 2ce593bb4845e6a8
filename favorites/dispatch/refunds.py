"""What we ask a provider by ourselves: for refunds, what became of a payment nobody told us of, and what it costs.

Writing when it is asked again is the claim, in one statement; so any number of processes may ask, and one that dies in
between holds up nobody. A refund is asked for until the provider has confirmed it, however long that takes.
"""

from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, text, update

from favorites.db import Session
from favorites.dispatch import payments
from favorites.dispatch.verb import say, verb
from favorites.models import Payment
from favorites.models.money import PaymentStatus

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
LOUD = 5  # tries, after which the log says it as an error

OLDEST = "SELECT id FROM payments WHERE {0} <= clock_timestamp() ORDER BY {0} LIMIT 1 FOR UPDATE SKIP LOCKED"
# Each pause is twice the one before.
REFUND = text(
    f"""UPDATE payments SET refund_tries = refund_tries + 1,
          refund_due_at = clock_timestamp() + least(:first * power(2, least(refund_tries, 9)), :longest)
        WHERE id = ({OLDEST.format("refund_due_at")})
        RETURNING id, provider, reference, charge, refund_tries"""
)
# The older it is the later.
QUESTION = text(
    f"""UPDATE payments SET ask_due_at = clock_timestamp()
          + least(greatest((clock_timestamp() - coalesce(paid_at, created_at)) / 2, :first), :longest)
        WHERE id = ({OLDEST.format("ask_due_at")})
        RETURNING provider, reference"""
)


class Owed(NamedTuple):
    """A refund that is ours to ask for, for the `tries`-th time; `charge`: None where we were never told."""

    id: UUID
    provider: str
    reference: str
    charge: str | None
    tries: int


class Question(NamedTuple):
    """A payment to ask about."""

    provider: str
    reference: str


class RefundState(StrEnum):
    """What the provider says of a refund."""

    DONE = "done"
    PENDING = "pending"  # it will tell, or is asked again
    FAILED = "failed"
    DISPUTED = "disputed"  # the bank took it back before us


class Refund(NamedTuple):
    """The provider's answer; `problem`: its code, where it was not done."""

    state: RefundState
    reference: str | None = None
    problem: str | None = None


@verb
def claim_refund(session: Session) -> Owed | None:
    """The refund that has been due for the longest, ours until it is due again; None: nothing is due."""
    row = session.execute(REFUND, {"first": FIRST_PAUSE, "longest": LONGEST_PAUSE}).one_or_none()
    return Owed(*row) if row else None


@verb
def claim_question(session: Session) -> Question | None:
    """The payment to ask about, ours until it is asked about again; None: nothing is due."""
    row = session.execute(QUESTION, {"first": FIRST_PAUSE, "longest": LONGEST_PAUSE}).one_or_none()
    return Question(*row) if row else None


@verb
def hear_refund(session: Session, owed: Owed, refund: Refund) -> None:
    """Write the provider's answer down. A repeat changes nothing."""
    if refund.state is RefundState.DONE:
        if payments.is_back(session, owed.id, refund.reference):
            say(session, "[Payment] Given back", payment=owed.id, tries=owed.tries)
        return
    _note(session, owed, refund)
    if refund.state is RefundState.DISPUTED and payments.dispute(session, owed.id):
        say(session, "[Payment] Disputed: the bank decides, we give nothing back", is_error=True, payment=owed.id)
    elif refund.state is RefundState.FAILED:
        is_loud = owed.tries >= LOUD
        say(session, "[Payment] Not given back yet", is_error=is_loud, payment=owed.id, problem=refund.problem)


def _note(session: Session, owed: Owed, refund: Refund) -> None:
    noted = update(Payment).where(Payment.id == owed.id, Payment.status == PaymentStatus.REFUNDING)
    reference = func.coalesce(refund.reference, Payment.refund_reference)
    noted = noted.values(refund_reference=reference, refund_problem=refund.problem)
    session.execute(noted.execution_options(synchronize_session=False))
