"""The past month: two or three consultations a day, the same ones every time, so that no page is empty."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from favorites.db import clock
from favorites.demo.cast import ANA, BEN, CAST, CHLOE, MARCO, NADIA, OMAR, RITA, Person
from favorites.demo.people import JOINED, Cast
from favorites.demo.story import Booking, Story
from favorites.dispatch.actors import SYSTEM
from favorites.dispatch.money import grant_credits
from favorites.models import CreditEntry, Mechanic
from favorites.models.consultation import PaidBy
from favorites.models.money import EntryKind
from favorites.settings import current

DAYS = 30
HOURS = (11, 15, 19)  # when a day's consultations end, UTC; an hour of dice before or after
PLENTY = 10_000  # credits to spend in the month; what is left is set at its end
HELPERS = (MARCO, NADIA, OMAR)
NO_REASON, *REASONS = (None, "busy", "not_my_work", "done_for_today")


def play(session: Session, cast: Cast) -> None:
    """Plays the month up to yesterday; the credits end as the cast has them, and nothing is left open."""
    dice = Random(2026)
    for customer_id in cast.customers.values():
        grant_credits(session, customer_id, PLENTY, SYSTEM, "Demo")
    for number, at in enumerate(_ends(session, dice)):
        story = Story(session, cast, dice, _booking(number, dice))
        _play(story, dice)
        story.ended(at)
    _settle(session, cast)


def _ends(session: Session, dice: Random) -> Iterator[datetime]:
    today = session.execute(select(func.date_trunc("day", clock(), "UTC"))).scalar_one()
    for day in range(DAYS, 0, -1):
        for hour in sorted(dice.sample(HOURS, dice.choice((2, 2, 3)))):
            yield today - timedelta(days=day) + timedelta(hours=hour, minutes=dice.uniform(-60, 60))


def _booking(number: int, dice: Random) -> Booking:
    if number < 2:  # their free sessions; Ben still has his
        return Booking((ANA, CHLOE)[number], "free", PaidBy.FREE)
    customer = dice.choice((ANA, ANA, ANA, BEN, BEN, CHLOE))
    plan = dice.choice(("chat10", "chat10", "video15", "diagnostic"))
    paid_by = dice.choice((PaidBy.CREDITS, PaidBy.PAYMENT))
    if customer is CHLOE:
        return Booking(customer, plan, paid_by, is_for_harbor_garage=dice.random() < 0.4)
    favorite = {ANA: (MARCO, MARCO, NADIA), BEN: (OMAR,)}[customer]
    return Booking(customer, plan, paid_by, preferred=dice.choice(favorite) if dice.random() < 0.8 else None)


def _play(story: Story, dice: Random) -> None:
    if story.booked.paid_by is PaidBy.FREE:
        return _taken(story, dice, HELPERS)
    if story.booked.is_for_harbor_garage:
        return _taken(story, dice, (RITA,))
    if story.booked.preferred is None:
        return _everyone(story, dice)
    ways = (_answered, _declined, _lapsed, _opened, _withdrawn)
    return dice.choices(ways, weights=(55, 13, 20, 6, 6))[0](story, dice, story.booked.preferred)


def _answered(story: Story, dice: Random, preferred: Person) -> None:
    story.shown_to(preferred)
    if preferred is OMAR and story.booked.plan == "diagnostic":  # he likes to look twice
        story.extended_by(preferred, after=1)
    story.accepted_by(preferred, after=_within_window(story, dice))
    if dice.random() < 0.06:
        story.released_by(preferred, after=2)
        return _taken(story, dice, _but(preferred))
    return story.held_by(preferred)


def _declined(story: Story, dice: Random, preferred: Person) -> None:
    story.shown_to(preferred)
    story.declined_by(preferred, after=_within_window(story, dice), reason=dice.choice((NO_REASON, *REASONS)))
    _taken(story, dice, _but(preferred))


def _lapsed(story: Story, dice: Random, _preferred: Person) -> None:
    story.lapsed()
    _everyone(story, dice)


def _opened(story: Story, dice: Random, preferred: Person) -> None:
    story.opened(after=_within_window(story, dice))
    _taken(story, dice, _but(preferred))


def _withdrawn(story: Story, dice: Random, _preferred: Person) -> None:
    story.cancelled(after=_within_window(story, dice))


def _everyone(story: Story, dice: Random) -> None:
    ways: tuple[Callable[[], None], ...] = (
        lambda: _taken(story, dice, HELPERS),
        lambda: story.cancelled(after=_within_lifetime(dice)),
        story.expired,
    )
    dice.choices(ways, weights=(80, 9, 11))[0]()


def _taken(story: Story, dice: Random, by: tuple[Person, ...]) -> None:
    mechanic = dice.choice(by)
    story.accepted_by(mechanic, after=_within_lifetime(dice))
    story.held_by(mechanic)


def _but(mechanic: Person) -> tuple[Person, ...]:
    return tuple(helper for helper in HELPERS if helper is not mechanic)


def _within_window(story: Story, dice: Random) -> float:
    return story.window * dice.uniform(0.05, 0.8)


def _within_lifetime(dice: Random) -> float:
    return current().request_lifetime_minutes * dice.uniform(0.03, 0.4)


def _settle(session: Session, cast: Cast) -> None:
    """What the month began with is what it took plus what is left; and the mechanics were last seen yesterday."""
    granted = session.execute(select(clock())).scalar_one() - JOINED
    for person in CAST:
        if customer_id := cast.customers.get(person.first_name):
            spent = select(func.sum(CreditEntry.credits) - PLENTY).where(CreditEntry.customer_id == customer_id)
            left = person.credits - session.scalars(spent).one()
            first = update(CreditEntry).where(
                CreditEntry.customer_id == customer_id, CreditEntry.kind == EntryKind.GRANT
            )
            session.execute(first.values(credits=left, at=granted, note="Welcome to the demo"))
    seen = clock() - timedelta(hours=5)
    session.execute(update(Mechanic).where(Mechanic.id.in_(cast.mechanics.values())).values(board_seen_at=seen))
    session.commit()
