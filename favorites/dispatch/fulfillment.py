"""Create a session request and ask for a mechanic: one transaction, called from every way of paying."""

from uuid import UUID

from sqlalchemy import func, insert, select, update

from favorites.db import Session
from favorites.dispatch import money
from favorites.dispatch.errors import AlreadyCancelled, NotFound, NotSigned
from favorites.dispatch.facts import Choice, choice_of, facts_of, refuse_a_second
from favorites.dispatch.offering import Made, ask, lifetime_from_now
from favorites.dispatch.routing import Facts, Preferred, Route, Stage, decide
from favorites.dispatch.verb import say, verb, worth_another_try
from favorites.models import Consultation, Customer, FallbackReason, RoutingType, SessionRequest, Waiver
from favorites.models.consultation import ConsultationStatus, PaidBy
from favorites.settings import current

ROUTING_TYPE = {
    Stage.PRIORITY: RoutingType.PRIORITY_BROADCAST,
    Stage.WORKSHOP: RoutingType.WORKSHOP_ONLY,
    Stage.EVERYONE: RoutingType.BROADCAST,
}


@verb
def fulfill(session: Session, consultation_id: UUID, paid_by: PaidBy) -> UUID:
    """Ask for a mechanic; the session request's id. A repeat answers with the first one's.

    Raises `NotFound`, `NotSigned`, `HasOpenRequest`, `AlreadyCancelled` and what `money.settle` raises.
    """
    return _fulfill(session, consultation_id, paid_by)


@verb
def confirm_payment(session: Session, provider: str, reference: str) -> UUID:
    """The provider says it is paid: write it down and ask for a mechanic, in one transaction. Raises as `fulfill`."""
    consultation_id = money.consultation_of(session, provider, reference)
    _lock_customer_of(session, consultation_id)
    money.mark_paid(session, provider, reference)
    return _fulfill(session, consultation_id, PaidBy.PAYMENT)


def _fulfill(session: Session, consultation_id: UUID, paid_by: PaidBy) -> UUID:
    customer_id, name = _lock_customer_of(session, consultation_id)
    asked = select(SessionRequest.id).where(SessionRequest.session_id == consultation_id)
    if earlier := session.execute(asked).scalar_one_or_none():
        return earlier
    consultation = _signed_draft(session, consultation_id)
    refuse_a_second(session, customer_id)
    choice = choice_of(session, consultation)
    route = _route(session, customer_id, choice)
    made = _create(session, consultation, name, choice, route)
    ready = update(Consultation).where(
        Consultation.id == consultation_id, Consultation.status == ConsultationStatus.DRAFT
    )
    session.execute(ready.values(status=ConsultationStatus.READY.value, paid_by=paid_by.value))
    money.settle(session, consultation, paid_by)
    ask(session, made, choice, route)
    return made.id


def _route(session: Session, customer_id: UUID, choice: Choice) -> Route:
    """Who is asked. Where that cannot be found out: as without a favorite, since nobody may wait for it (rule 7)."""
    try:
        with session.begin_nested():
            return decide(facts_of(session, customer_id, choice))
    except Exception as error:
        if worth_another_try(error):
            raise
        say(session, "Whom to ask first is unknown", is_error=True, error=type(error).__name__)
    route = decide(Facts(False, choice.routing_type, Preferred.NONE, choice.workshop_id is not None))
    return route if route.stage is Stage.WORKSHOP else Route(route.stage, FallbackReason.ERROR.value)


def _lock_customer_of(session: Session, consultation_id: UUID) -> tuple[UUID, str]:
    """Until the commit nobody else books or spends for this customer; their id and name."""
    held = (
        select(Customer.id, func.trim(func.concat_ws(" ", Customer.first_name, Customer.last_name)))
        .join(Consultation, Consultation.customer_id == Customer.id)
        .where(Consultation.id == consultation_id)
        .with_for_update(key_share=True, of=Customer)
    )
    row = session.execute(held).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1]


def _signed_draft(session: Session, consultation_id: UUID) -> Consultation:
    found = (
        select(Consultation, Waiver.session_id)
        .outerjoin(Waiver, Waiver.session_id == Consultation.id)
        .where(Consultation.id == consultation_id)
        .execution_options(populate_existing=True)
    )
    consultation, waiver = session.execute(found).one()
    if consultation.status != ConsultationStatus.DRAFT:
        raise AlreadyCancelled
    if waiver is None:
        raise NotSigned
    return consultation


def _create(session: Session, consultation: Consultation, name: str, choice: Choice, route: Route) -> Made:
    is_first = route.stage is Stage.PRIORITY
    minutes = current().priority_window_minutes
    made = insert(SessionRequest).values(
        customer_id=consultation.customer_id,
        session_id=consultation.id,
        customer_name=name,
        session_type=consultation.session_type,
        plan_code=consultation.plan_code,
        routing_type=ROUTING_TYPE[route.stage].value,
        workshop_id=choice.workshop_id,
        preferred_mechanic_id=choice.preferred_id if is_first else None,
        priority_window_minutes=minutes,
        expires_at=None if is_first else lifetime_from_now(),
    )
    columns = (SessionRequest.id, SessionRequest.customer_id, SessionRequest.routing_type, SessionRequest.workshop_id)
    return Made(*session.execute(made.returning(*columns)).one(), priority_window_minutes=minutes)
