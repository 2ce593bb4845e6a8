"""One past consultation, told by the verbs of the present: each step happens now, then moves back in time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from favorites.db import clock
from favorites.demo.cast import Person
from favorites.demo.past import move_back
from favorites.demo.people import Cast
from favorites.demo.words import ENDS, INTAKES, TALKS, WAIVER
from favorites.dispatch import answers, booking, fallback, fulfillment, paying, people, refunds
from favorites.dispatch.actors import Actor
from favorites.dispatch.payments import Page, Seen, State
from favorites.dispatch.refunds import Refund, RefundState
from favorites.models import Message, Plan, SessionRequest
from favorites.models.consultation import PaidBy
from favorites.settings import current


class Booking(NamedTuple):
    """What is booked: the plan, how it is paid, and who is asked first or through which workshop."""

    customer: Person
    plan: str
    paid_by: PaidBy
    preferred: Person | None = None
    is_for_harbor_garage: bool = False


class Story:
    """A consultation under way; every method is a step of it, and `minutes` pass before the next."""

    def __init__(self, session: Session, cast: Cast, dice: Random, booked: Booking) -> None:
        self.session, self.cast, self.dice, self.booked = session, cast, dice, booked
        self.customer_id = cast.customers[booked.customer.first_name]
        self.consultation_id = self._intake()
        self._pass(1.5)
        booking.sign_waiver(session, self.consultation_id, full_name=_name(booked.customer), **WAIVER)
        self.request_id = self._pay()

    def shown_to(self, mechanic: Person) -> None:
        """The offer is on a screen of theirs a few seconds later."""
        self._pass(0.1)
        answers.deliver(self.session, self.request_id, self._id(mechanic))

    def accepted_by(self, mechanic: Person, after: float) -> None:
        """The mechanic takes it."""
        self._pass(after)
        answers.accept(self.session, self.request_id, self._id(mechanic))

    def extended_by(self, mechanic: Person, after: float) -> None:
        """The preferred mechanic takes five minutes more."""
        self._pass(after)
        answers.extend(self.session, self.request_id, self._id(mechanic))

    def declined_by(self, mechanic: Person, after: float, reason: str | None) -> None:
        """The preferred mechanic says no."""
        self._pass(after)
        answers.decline(self.session, self.request_id, self._id(mechanic), reason)

    def released_by(self, mechanic: Person, after: float) -> None:
        """The mechanic gives it back."""
        self._pass(after)
        answers.release(self.session, self.request_id, Actor.mechanic(self._id(mechanic)))

    def opened(self, after: float) -> None:
        """The customer asks everyone now."""
        self._pass(after)
        answers.open_to_everyone(self.session, self.request_id, Actor.customer(self.customer_id))

    def cancelled(self, after: float) -> None:
        """The customer cancels."""
        self._pass(after)
        answers.cancel(self.session, self.request_id, Actor.customer(self.customer_id))
        self._give_back()

    @property
    def window(self) -> int:
        """How long the favorite alone is asked, minutes."""
        its = select(SessionRequest.priority_window_minutes).where(SessionRequest.id == self.request_id)
        return self.session.scalars(its).one()

    def lapsed(self) -> None:
        """The window ends without an answer, and the poll says so; the mechanic is there again for the next."""
        self._pass(self.window)
        self._poll(SessionRequest.priority_notified_at, fallback.broadcast_lapsed_windows)
        if self.booked.preferred:
            people.come_back(self.session, self._id(self.booked.preferred))

    def expired(self) -> None:
        """Nobody takes it, and the poll says so."""
        self._pass(current().request_lifetime_minutes)
        self._poll(SessionRequest.expires_at, fallback.expire_stale_requests)
        self._give_back()

    def held_by(self, mechanic: Person) -> None:
        """They meet, talk and finish within the plan's minutes."""
        self._pass(self.dice.uniform(1, 5))
        answers.start(self.session, self.request_id, self._id(mechanic))
        minutes = self.session.scalars(select(Plan.minutes).where(Plan.code == self.booked.plan)).one()
        self._talk(mechanic, minutes * self.dice.uniform(0.5, 0.9))
        answers.complete(self.session, self.request_id, Actor.mechanic(self._id(mechanic)))

    def ended(self, at: datetime) -> None:
        """All of it was then, its end at `at`."""
        now: datetime = self.session.execute(select(clock())).scalar_one()
        move_back(self.session, self.consultation_id, now - at)

    def _id(self, mechanic: Person) -> UUID:
        return self.cast.mechanics[mechanic.first_name]

    def _pass(self, minutes: float) -> None:
        move_back(self.session, self.consultation_id, timedelta(minutes=minutes))

    def _poll(self, deadline: InstrumentedAttribute[datetime | None], poll: Callable[[Session], object]) -> None:
        # The poll takes the begin of its transaction for now, and this one began with the whole month: for its eyes
        # alone the deadline is earlier by that much.
        behind = self.session.execute(select(clock() - func.now())).scalar_one()
        row = update(SessionRequest).where(SessionRequest.id == self.request_id)
        self.session.execute(row.values({deadline: deadline - behind}))
        poll(self.session)
        self.session.execute(row.values({deadline: deadline + behind}))
        self.session.commit()

    def _intake(self) -> UUID:
        preferred = self.booked.preferred
        return booking.start_intake(
            self.session,
            self.customer_id,
            self.dice.choice(INTAKES[self.booked.customer.first_name]) | ENDS[self.booked.customer.first_name],
            self.booked.plan,
            preferred_mechanic_id=str(self._id(preferred)) if preferred else None,
            routing_type="priority_broadcast" if preferred else None,
            workshop_id=self.cast.harbor_garage if self.booked.is_for_harbor_garage else None,
        )

    def _pay(self) -> UUID:
        if self.booked.paid_by is not PaidBy.PAYMENT:
            return fulfillment.fulfill(self.session, self.consultation_id, self.booked.paid_by)
        reference = f"demo-{self.consultation_id}"
        paying.start_payment(self.session, self.consultation_id, "demo", Page(reference, ""))
        paying.hear_payment(self.session, "demo", Seen(reference, State.PAID, fee_cents=0))
        its = select(SessionRequest.id).where(SessionRequest.session_id == self.consultation_id)
        return self.session.scalars(its).one()

    def _give_back(self) -> None:
        """What it cost, at once: no money had moved."""
        while owed := refunds.claim_refund(self.session):
            refunds.hear_refund(self.session, owed, Refund(RefundState.DONE))

    def _talk(self, mechanic: Person, minutes: float) -> None:
        self._pass(minutes)
        lines = self.dice.choice(TALKS)
        for turn, body in enumerate(lines):
            speaker = mechanic if turn % 2 == 0 else self.booked.customer
            said_at = clock() - timedelta(minutes=minutes * (len(lines) - turn) / (len(lines) + 1))
            user_id = self.cast.users[speaker.first_name]
            message = Message(session_id=self.consultation_id, user_id=user_id, body=body, at=said_at, number=turn + 1)
            message.mechanic_id = self._id(mechanic)
            self.session.add(message)
        self.session.commit()


def _name(person: Person) -> str:
    return f"{person.first_name} {person.last_name}"
