"""Create a session request and ask for a mechanic: one transaction, called from every way of paying."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, insert, select, update

from favorites.db import Session
from favorites.dispatch import money
from favorites.dispatch.errors import AlreadyCancelled, HasOpenRequest, NotFound, NotSigned
from favorites.dispatch.facts import Choice, choice_of, facts_of, open_request_of
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


class Named(NamedTuple):
    """Whose it is, by the name that the session request keeps."""

    id: UUID
    name: str


@verb
def fulfill(session: Session, consultation_id: UUID, paid_by: PaidBy, customer_id: UUID | None = None) -> UUID:
    """Ask for a mechanic; the session request's id. A repeat answers with the first one's.

    `customer_id`: whose consultation it must be. Raises `NotFound`, `NotSigned`, `HasOpenRequest`, `AlreadyCancelled`
    and what `money.settle` raises.
    """
    return _fulfill(session, consultation_id, paid_by, _lock_customer_of(session, consultation_id, customer_id))


@verb
def confirm_payment(session: Session, provider: str, reference: str) -> UUID:
    """The provider says it is paid: write it down and ask for a mechanic, in one transaction. Raises as `fulfill`."""
    consultation_id = money.consultation_of(session, provider, reference)
    customer = _lock_customer_of(session, consultation_id)
    money.mark_paid(session, provider, reference)
    return _fulfill(session, consultation_id, PaidBy.PAYMENT, customer)


def _fulfill(session: Session, consultation_id: UUID, paid_by: PaidBy, customer: Named) -> UUID:
    consultation, earlier = _signed_draft(session, customer.id, consultation_id)
    if earlier:
        return earlier
    choice = choice_of(session, consultation)
    route = _route(session, customer.id, choice)
    made = _create(session, consultation, customer.name, choice, route)
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
        return decide(facts_of(session, customer_id, choice))
    except Exception as error:
        if worth_another_try(error):
            raise
        say(session, "Whom to ask first is unknown", is_error=True, error=type(error).__name__)
    route = decide(Facts(False, choice.routing_type, Preferred.NONE, choice.workshop_id is not None))
    return route if route.stage is Stage.WORKSHOP else Route(route.stage, FallbackReason.ERROR.value)


def _lock_customer_of(session: Session, consultation_id: UUID, customer_id: UUID | None = None) -> Named:
    """Until the commit nobody else books or spends for this customer."""
    held = (
        select(Customer.id, func.trim(func.concat_ws(" ", Customer.first_name, Customer.last_name)))
        .join(Consultation, Consultation.customer_id == Customer.id)
        .where(Consultation.id == consultation_id)
        .with_for_update(key_share=True, of=Customer)
    )
    row = session.execute(held if customer_id is None else held.where(Customer.id == customer_id)).one_or_none()
    if row is None:
        raise NotFound
    return Named(*row)


def _signed_draft(session: Session, customer_id: UUID, consultation_id: UUID) -> tuple[Consultation, UUID | None]:
    """What is asked for, or the session request that it became before. Read after the customer's row is locked."""
    found = (
        select(Consultation, Waiver.session_id, SessionRequest.id, open_request_of(customer_id).scalar_subquery())
        .outerjoin(Waiver, Waiver.session_id == Consultation.id)
        .outerjoin(SessionRequest, SessionRequest.session_id == Consultation.id)
        .where(Consultation.id == consultation_id)
        .execution_options(populate_existing=True)
    )
    consultation, waiver, earlier, second = session.execute(found).one()
    if earlier:
        return consultation, earlier
    if consultation.status != ConsultationStatus.DRAFT:
        raise AlreadyCancelled
    if waiver is None:
        raise NotSigned
    if second:
        raise HasOpenRequest(second)
    return consultation, None


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
