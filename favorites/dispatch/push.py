"""Web Push: which browser is told of which offer or job, by exactly one of however many senders.

What is due is read from the rows as they are: an open window, or a job that the owner gave to somebody, and no row of
`push_sendings` for one of its mechanic's browsers. Writing that row is the claim. It holds for a while only, so a
sender that dies in between holds up nobody.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Interval,
    Row,
    SQLColumnExpression,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from favorites.db import Session, clock
from favorites.dispatch.prepared import Prepared
from favorites.dispatch.verb import verb
from favorites.models import (
    Customer,
    Intake,
    Mechanic,
    Plan,
    PushSending,
    PushSubscription,
    SendingState,
    SessionRequest,
    SignIn,
)
from favorites.models.people import sign_in_holds
from favorites.models.push import TRIES, is_worth_a_push
from favorites.models.session_request import is_accepted, window_is_open

HELD = timedelta(seconds=10)  # longer than one try takes
LONGEST_PAUSE = 60.0  # seconds
JOB_FOR = timedelta(hours=1)  # in which a device that was away is still told of a job


class Key(NamedTuple):
    """One sending: which offer, to which browser."""

    session_request_id: UUID
    subscription_id: UUID


class Sending(NamedTuple):
    """A sending that is now ours to make: an offer or a job to be told of, or its end. The vehicle: year, make, model.

    `endpoint` is None where the browser has gone, or its sign-in has ended; the rest where the session request has.
    """

    key: Key
    is_close: bool
    is_job: bool
    tries: int
    endpoint: str | None
    keys: tuple[str, str]
    first_name: str | None
    vehicle: tuple[int | None, str | None, str | None]
    plan: str | None
    until: datetime | None
    seconds_left: float

    @property
    def is_void(self) -> bool:
        """An offer whose window has just ended, or an end that nobody takes."""
        return self.tries > TRIES if self.is_close else self.seconds_left <= 0


@verb
def subscribe(session: Session, user_id: UUID, sign_in_id: UUID, endpoint: str, p256dh: str, auth: str) -> bool:
    """This browser is reached there from now on, and nowhere else; False when its sign-in has ended meanwhile."""
    open_one = select(SignIn.id).where(SignIn.id == sign_in_id, SignIn.ended_at.is_(None))
    if session.execute(open_one.with_for_update(key_share=True)).one_or_none() is None:
        return False
    other = (PushSubscription.sign_in_id == sign_in_id, PushSubscription.endpoint != endpoint)
    session.execute(delete(PushSubscription).where(*other))
    whose = {"user_id": user_id, "sign_in_id": sign_in_id, "p256dh": p256dh, "auth": auth}
    written = insert(PushSubscription).values(endpoint=endpoint, **whose)
    changed = or_(*(getattr(PushSubscription, name).is_distinct_from(value) for name, value in whose.items()))
    session.execute(written.on_conflict_do_update(index_elements=["endpoint"], set_=whose, where=changed))
    return True


@verb
def unsubscribe(session: Session, sign_in_id: UUID) -> None:
    """This browser hears nothing more; a repeat changes nothing."""
    session.execute(delete(PushSubscription).where(PushSubscription.sign_in_id == sign_in_id))


@verb
def forget_expired(session: Session, idle: timedelta) -> None:
    """A sign-in that nobody ends runs out all the same; where its browser was reached is kept no longer."""
    lives = exists().where(SignIn.id == PushSubscription.sign_in_id, sign_in_holds(idle))
    session.execute(delete(PushSubscription).where(~lives).execution_options(synchronize_session=False))


def has_subscribers(session: Session) -> bool:
    """Whether there is anybody to tell."""
    return bool(session.execute(select(exists().select_from(PushSubscription))).scalar_one())


def claim(session: Session, most: int, idle: timedelta) -> list[Sending]:
    """At most `most` sendings that are due: nobody else makes them for the next seconds. `idle`: as sign-ins have it.

    Commits; takes no lock but on rows that senders alone write.
    """
    keys: list[Any] = []
    if ANYTHING.run(session).scalar_one():
        for claims in CLAIMS:
            keys += claims.run(session, most=most - len(keys), idle=idle)
    session.commit()
    return _told(session, [Key(*key) for key in keys], idle) if keys else []


class _News(NamedTuple):
    """What a mechanic is told: as long as `is_so`, of whom, in which state while it is on its way."""

    state: SendingState
    whose: SQLColumnExpression[UUID | None]
    is_so: ColumnElement[bool]


_MOST = bindparam("most", type_=Integer)
_is_given = and_(is_accepted, SessionRequest.assigned_at > clock() - JOB_FOR)
_OFFER = _News(SendingState.OFFERING, SessionRequest.preferred_mechanic_id, window_is_open)
_JOB = _News(SendingState.ASSIGNING, SessionRequest.mechanic_id, _is_given)


def _new(news: _News) -> Any:
    may_be_taken = and_(PushSending.state == news.state, PushSending.tries < TRIES, PushSending.due_at <= clock())
    due = (
        select(SessionRequest.id, PushSubscription.id, literal(news.state.value), literal(1), clock() + HELD)
        .join(Mechanic, Mechanic.id == news.whose)
        .join(PushSubscription, PushSubscription.user_id == Mechanic.user_id)
        .join(SignIn, SignIn.id == PushSubscription.sign_in_id)
        .outerjoin(PushSending, _is_of(SessionRequest.id, PushSubscription.id))
        .where(is_worth_a_push(bindparam("idle", type_=Interval), news.is_so))
        .where(or_(PushSending.state.is_(None), may_be_taken))
        .order_by(SessionRequest.id, PushSubscription.id)
        .limit(_MOST)
    )
    columns = ["session_request_id", "subscription_id", "state", "tries", "due_at"]
    return (
        insert(PushSending)
        .from_select(columns, due)
        .on_conflict_do_update(
            index_elements=columns[:2],
            set_={"tries": PushSending.tries + 1, "due_at": clock() + HELD},
            where=may_be_taken,
        )
        .returning(PushSending.session_request_id, PushSending.subscription_id)
    )


def _ends() -> Any:
    """What was sent, or may have been, and is no longer so: the window is over, the job is theirs no more."""
    its = SessionRequest.id == PushSending.session_request_id
    their_browser = (PushSubscription.id == PushSending.subscription_id, PushSubscription.user_id == Mechanic.user_id)
    is_job = or_(PushSending.state == SendingState.ASSIGNING, PushSending.state == SendingState.ASSIGNED)
    is_theirs = exists().where(its, _is_given, Mechanic.id == SessionRequest.mechanic_id, *their_browser)
    is_so = or_(and_(is_job, is_theirs), and_(~is_job, exists().where(its, window_is_open)))
    is_sent = or_(PushSending.state == SendingState.OFFERED, PushSending.state == SendingState.ASSIGNED)
    free = or_(is_sent, PushSending.due_at <= clock())
    over = select(PushSending.session_request_id, PushSending.subscription_id).where(free, ~is_so)
    held = over.order_by(*_key).limit(_MOST).with_for_update(skip_locked=True)
    tries = case((PushSending.state == SendingState.CLOSING, PushSending.tries + 1), else_=1)
    return (
        update(PushSending)
        .where(tuple_(*_key).in_(held))
        .values(state=SendingState.CLOSING, tries=tries, due_at=clock() + HELD)
        .returning(*_key)
    )


_key = (PushSending.session_request_id, PushSending.subscription_id)


def _is_of(session_request_id: Any, subscription_id: Any) -> ColumnElement[bool]:
    return and_(PushSending.session_request_id == session_request_id, PushSending.subscription_id == subscription_id)


# Every offer that is made or ends wakes the sender: to build these anew took 6 ms of Python each time (measured). Where
# nobody listens the first is all, for the streams are told meanwhile by the same interpreter.
ANYTHING = Prepared(select(or_(exists().select_from(PushSubscription), exists().select_from(PushSending))))
CLAIMS = (Prepared(_new(_OFFER)), Prepared(_new(_JOB)), Prepared(_ends()))


def _told(session: Session, keys: list[Key], idle: timedelta) -> list[Sending]:
    is_job = PushSending.state == SendingState.ASSIGNING
    until = case((is_job, SessionRequest.assigned_at + JOB_FOR), else_=SessionRequest.priority_expires_at)
    left = func.extract("epoch", until - clock())
    listens = and_(SignIn.id == PushSubscription.sign_in_id, sign_in_holds(idle))
    found = session.execute(
        select(
            *_key,
            PushSending.state,
            PushSending.tries,
            case((SignIn.id.is_not(None), PushSubscription.endpoint)).label("endpoint"),
            PushSubscription.p256dh,
            PushSubscription.auth,
            Customer.first_name,
            Intake.year,
            Intake.make,
            Intake.model,
            Plan.name.label("plan"),
            until.label("until"),
            func.coalesce(left, 0).label("left"),
        )
        .outerjoin(PushSubscription, PushSubscription.id == PushSending.subscription_id)
        .outerjoin(SignIn, listens)
        .outerjoin(SessionRequest, SessionRequest.id == PushSending.session_request_id)
        .outerjoin(Customer, Customer.id == SessionRequest.customer_id)
        .outerjoin(Plan, Plan.code == SessionRequest.plan_code)
        .outerjoin(Intake, Intake.session_id == SessionRequest.session_id)
        .where(tuple_(*_key).in_(keys))
    ).all()
    session.rollback()
    return [_sending(row) for row in found]


def _sending(row: Row[*tuple[Any, ...]]) -> Sending:
    return Sending(
        Key(row.session_request_id, row.subscription_id),
        is_close=row.state == SendingState.CLOSING,
        is_job=row.state == SendingState.ASSIGNING,
        tries=row.tries,
        endpoint=row.endpoint,
        keys=(row.p256dh, row.auth),
        first_name=row.first_name,
        vehicle=(row.year, row.make, row.model),
        plan=row.plan,
        until=row.until,
        seconds_left=float(row.left),
    )


def is_told(session: Session, sending: Sending) -> None:
    """The push service has taken it."""
    if sending.is_close:
        forget(session, sending)
        return
    was, is_ = (_JOB.state, SendingState.ASSIGNED) if sending.is_job else (_OFFER.state, SendingState.OFFERED)
    told = update(PushSending).where(_is_of(*sending.key), PushSending.state == was)
    session.execute(told.values(state=is_))
    session.commit()


def try_later(session: Session, sending: Sending, pause: float = 0) -> None:
    """It was not taken: once more after `pause` (seconds), or the usual time if that is longer; not for ever."""
    if sending.tries >= TRIES:
        give_up(session, sending)
        return
    seconds = min(max(pause, 2.0 ** (sending.tries - 1)), LONGEST_PAUSE)
    later = update(PushSending).where(_is_of(*sending.key), PushSending.tries == sending.tries)
    session.execute(later.values(due_at=clock() + timedelta(seconds=seconds)))
    session.commit()


def give_up(session: Session, sending: Sending) -> None:
    """It will never be taken: that is all for this offer."""
    if sending.is_close:
        forget(session, sending)
        return
    session.execute(update(PushSending).where(_is_of(*sending.key)).values(tries=TRIES, due_at=clock()))
    session.commit()


def forget(session: Session, sending: Sending, *, is_gone: bool = False) -> None:
    """There is nothing more to say; `is_gone`: nor anybody to say it to, from now on."""
    session.execute(delete(PushSending).where(_is_of(*sending.key)))
    if is_gone:
        session.execute(delete(PushSubscription).where(PushSubscription.id == sending.key.subscription_id))
    session.commit()
