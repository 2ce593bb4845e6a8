"""A past of some weeks for figures: the demo's people, a few dozen stories by dice, and the rare ones by name."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid4

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from favorites.db import clock
from favorites.demo import month, people
from favorites.demo.cast import ANA, BEN, CHLOE, MARCO, NADIA, OMAR, Person
from favorites.demo.people import Cast
from favorites.demo.story import Booking, Story
from favorites.dispatch import answers
from favorites.dispatch import people as standing
from favorites.dispatch.actors import SYSTEM, Actor
from favorites.dispatch.flags import set_flag
from favorites.dispatch.money import grant_credits
from favorites.models.consultation import PaidBy
from favorites.models.feature_flag import PRIORITY
from tests.database import sql

FAVORITES = ((ANA, MARCO), (ANA, NADIA), (BEN, OMAR))
DAYS = 120


class Histories:
    """What was written: `bookings` by session request, and the people's ids."""

    def __init__(self, app: Flask, session: Session, seed: int) -> None:
        self.session, self.dice = session, Random(seed)
        set_flag(session, PRIORITY, True, SYSTEM)
        with app.app_context():  # passwords are hashed as the application has it
            self.cast: Cast = people.add(session)
        self.bookings: dict[UUID, Booking] = {}
        for customer_id in self.cast.customers.values():
            grant_credits(session, customer_id, 1000, SYSTEM, "Test")
        self.now: datetime = session.execute(select(clock())).scalar_one()

    def happen(self, many: int) -> None:
        """So many by dice, anywhen in `DAYS`, and one of each rare kind."""
        for _ in range(many):
            self.ends(self._story(), lambda story: month._play(story, self.dice))
        for rare in (_unavailable, _given_back, _taken_unannounced, _extended, _nobody, _given, _given_to_another):
            self.ends(self.booked(*self.dice.choice(FAVORITES)), lambda story, rare=rare: rare(self, story))
        self.ends(self.booked(CHLOE), Story.expired)

    def ends(self, story: Story, how: Callable[[Story], object]) -> None:
        """It goes so, and was over some time ago."""
        how(story)
        story.ended(self.now - timedelta(days=self.dice.uniform(0.2, DAYS)))
        sql("UPDATE mechanics SET back_at = clock_timestamp()")

    def booked(self, customer: Person, favorite: Person | None = None) -> Story:
        """Paid by credits or online, as the dice have it."""
        plan, paid_by = self.dice.choice(("chat10", "video15")), self.dice.choice((PaidBy.CREDITS, PaidBy.PAYMENT))
        return self._told(Booking(customer, plan, paid_by, favorite))

    def _story(self) -> Story:
        customer, favorite = self.dice.choice(FAVORITES) if self.dice.random() < 0.8 else (CHLOE, None)
        return self.booked(customer, favorite)

    def _told(self, booking: Booking) -> Story:
        story = Story(self.session, self.cast, self.dice, booking)
        self.bookings[story.request_id] = booking
        return story


def _preferred(story: Story) -> Person:
    assert story.booked.preferred
    return story.booked.preferred


def _other(story: Story) -> Person:
    return next(each for each in (MARCO, NADIA, OMAR) if each is not _preferred(story))


def _unavailable(past: Histories, story: Story) -> None:
    mechanic_id = past.cast.mechanics[_preferred(story).first_name]
    story._pass(3)
    standing.suspend_mechanic(past.session, mechanic_id, SYSTEM)
    standing.approve_mechanic(past.session, mechanic_id, SYSTEM)
    story.cancelled(after=1)


def _given_back(_: Histories, story: Story) -> None:
    story.accepted_by(_preferred(story), after=2.5)
    story.released_by(_preferred(story), after=4)
    story.cancelled(after=2)


def _taken_unannounced(_: Histories, story: Story) -> None:
    """The window is over, no poll came, and somebody else takes it."""
    helper = _other(story)
    story.accepted_by(helper, after=11)
    story.held_by(helper)


def _extended(_: Histories, story: Story) -> None:
    story.shown_to(_preferred(story))
    story.extended_by(_preferred(story), after=story.window * 0.8)
    story.accepted_by(_preferred(story), after=story.window * 0.5)  # after the end that it had
    story.held_by(_preferred(story))


def _given(past: Histories, story: Story) -> None:
    """To who was asked first, by the owner: no answer of theirs."""
    _assign(past, story, _preferred(story), after=4)


def _given_to_another(past: Histories, story: Story) -> None:
    _assign(past, story, _other(story), after=3)


def _assign(past: Histories, story: Story, to: Person, after: float) -> None:
    story._pass(after)
    answers.assign(past.session, story.request_id, past.cast.mechanics[to.first_name], Actor.admin(uuid4()))
    story.held_by(to)


def _nobody(_: Histories, story: Story) -> None:
    story.lapsed()
    story.expired()
