"""Settling: a thread that gives back what is owed, and asks about payments that nobody told us of.

Killed between the provider's answer and the row, the same thing is asked again with the same idempotency key, and
happens once.
"""

from collections.abc import Callable

import structlog
from sqlalchemy.orm import Session

from favorites import crash, db
from favorites.dispatch.paying import apply_kept_event, hear_payment, let_go
from favorites.dispatch.refunds import Owed, Question, Refund, RefundState, claim_question, claim_refund, hear_refund
from favorites.providers import provider_of
from favorites.providers.port import Away
from favorites.rounds import Rounds

log = structlog.get_logger(__name__)

ROUND = 3.0  # seconds between two looks


class Settling(Rounds):
    """Settles what is due every few seconds, while `leads` says that this process polls."""

    def __init__(self, leads: Callable[[], bool]) -> None:
        super().__init__("settling", ROUND, leads, self.settle)

    def settle(self, session: Session) -> None:
        """All that is due now: events that were kept, refunds, questions. What fails holds up nothing else."""
        for part in (self._apply_kept, self._give_back, self._ask):
            try:
                part(session)
            except Exception as error:
                session.rollback()
                log.error(
                    "[Payment] Settling failed, the next look tries again",
                    error=type(error).__name__,
                    why=db.reason(error),
                )
        let_go(session)

    def _apply_kept(self, session: Session) -> None:
        while self.goes_on and apply_kept_event(session):
            pass

    def _give_back(self, session: Session) -> None:
        while self.goes_on and (owed := claim_refund(session)):
            answer = _refunded(owed)
            crash.here("refund.answered")
            hear_refund(session, owed, answer)

    def _ask(self, session: Session) -> None:
        while self.goes_on and (question := claim_question(session)):
            _hear(session, question)


def _refunded(owed: Owed) -> Refund:
    provider = provider_of(owed.provider)
    if provider is None:
        return Refund(RefundState.FAILED, problem="no_key")
    try:
        return provider.refund(owed)
    except Away as away:
        return Refund(RefundState.FAILED, problem=away.code)


def _hear(session: Session, question: Question) -> None:
    provider = provider_of(question.provider)
    try:
        seen = provider.look(question.reference) if provider else None
    except Away:
        return
    if seen:
        hear_payment(session, question.provider, seen)
