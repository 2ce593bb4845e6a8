"""Create a session request and ask for a mechanic: one transaction, called from every way of paying."""

from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, func, insert, select, update
from sqlalchemy.orm import joinedload

from favorites.db import Session, clock
from favorites.dispatch import money
from favorites.dispatch.errors import AlreadyCancelled, AlreadyPaid, HasOpenRequest, NotFound, NotSigned
from favorites.dispatch.facts import Choice, choice_of, facts_of, held_preferred, open_request_of
from favorites.dispatch.house import HouseRules, rules_of
from favorites.dispatch.offering import Made, ask
from favorites.dispatch.routing import Facts, Preferred, Route, Stage, decide
from favorites.dispatch.verb import say, verb, worth_another_try
from favorites.models import Consultation, Customer, FallbackReason, RoutingType, SessionRequest, Waiver
from favorites.models.consultation import ConsultationStatus, PaidBy
from favorites.models.session_request import workshop_is_not_alone
from favorites.plans import KEEPS

ROUTING_TYPE = {
    Stage.PRIORITY: RoutingType.PRIORITY_BROADCAST,
    Stage.WORKSHOP: RoutingType.WORKSHOP_ONLY,
    Stage.HEAD_START: RoutingType.HYBRID,
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
    customer = lock_customer_of(session, consultation_id, customer_id)
    consultation, preferred_id, earlier = _signed_draft(session, customer.id, consultation_id)
    return earlier or _fulfill(session, consultation, preferred_id, paid_by, customer)


def fulfill_payment(session: Session, consultation_id: UUID, customer: Named) -> UUID:
    """Ask for a mechanic within the verb that has just heard of the payment and locked the customer.

    Raises as `fulfill`, and `AlreadyPaid` where one was asked for before: by credits, say.
    """
    consultation, preferred_id, earlier = _signed_draft(session, customer.id, consultation_id)
    if earlier:
        raise AlreadyPaid
    return _fulfill(session, consultation, preferred_id, PaidBy.PAYMENT, customer)


def _fulfill(
    session: Session, consultation: Consultation, preferred_id: UUID | None, paid_by: PaidBy, customer: Named
) -> UUID:
    choice = choice_of(session, consultation, preferred_id)
    route, rules = _route(session, customer.id, choice)
    made = _create(session, consultation, customer.name, choice, route, rules)
    ready = update(Consultation).where(
        Consultation.id == consultation.id, Consultation.status == ConsultationStatus.DRAFT
    )
    session.execute(ready.values(status=ConsultationStatus.READY.value, paid_by=paid_by.value))
    money.settle(session, consultation, paid_by)
    ask(session, made, choice, route)
    return made.id


def _route(session: Session, customer_id: UUID, choice: Choice) -> tuple[Route, HouseRules]:
    """Who is asked, and by which rules of the house.

    Where that cannot be found out: as without a favorite, since nobody may wait for it (rule 7).
    """
    try:
        facts, rules = facts_of(session, customer_id, choice)
        return decide(facts), rules
    except Exception as error:
        if worth_another_try(error):
            raise
        say(session, "Whom to ask first is unknown", is_error=True, error=type(error).__name__)
    has_workshop = choice.workshop_id is not None
    route = decide(Facts(False, choice.routing_type, Preferred.NONE, has_workshop, choice.has_head_start))
    return route if has_workshop else Route(route.stage, FallbackReason.ERROR.value), rules_of(None)


def lock_customer_of(session: Session, consultation_id: UUID, customer_id: UUID | None = None) -> Named:
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


def _signed_draft(
    session: Session, customer_id: UUID, consultation_id: UUID
) -> tuple[Consultation, UUID | None, UUID | None]:
    """What is asked for, of whom first, or the session request that it became before.

    Read after the customer's row is locked; from then on the mechanic's is, too.
    """
    whose = {"consultation_id": consultation_id, "customer_id": customer_id}
    consultation, preferred_id, waiver, earlier, another = session.execute(_draft(), whose).one()
    if earlier:
        return consultation, preferred_id, earlier
    if consultation.status != ConsultationStatus.DRAFT:
        raise AlreadyCancelled
    if waiver is None:
        raise NotSigned
    if another:
        raise HasOpenRequest(another)
    return consultation, preferred_id, None


@cache
def _draft() -> Select[*tuple[Any, ...]]:
    """Made once, as every booking asks it."""
    second = open_request_of(bindparam("customer_id", type_=Uuid())).scalar_subquery()
    return (
        select(Consultation, held_preferred(), Waiver.session_id, SessionRequest.id, second)
        .outerjoin(Waiver, Waiver.session_id == Consultation.id)
        .outerjoin(SessionRequest, SessionRequest.session_id == Consultation.id)
        .where(Consultation.id == bindparam("consultation_id", type_=Uuid()))
        .options(joinedload(Consultation.intake))
        .execution_options(populate_existing=True, **KEEPS)
    )


def _create(
    session: Session, consultation: Consultation, name: str, choice: Choice, route: Route, rules: HouseRules
) -> Made:
    """With the times that the house has now: whatever is changed later, it keeps these."""
    is_first = route.stage is Stage.PRIORITY
    minutes = rules.window(consultation.plan_code, consultation.intake is not None and consultation.intake.urgent)
    ahead = timedelta(minutes=rules.workshop_head_start_minutes if route.stage is Stage.HEAD_START else 0)
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
        request_lifetime_minutes=rules.request_lifetime_minutes,
        start_grace_minutes=rules.start_grace_minutes,
        workshop_until=clock() + ahead if ahead else None,
        expires_at=None if is_first else clock() + timedelta(minutes=rules.request_lifetime_minutes) + ahead,
    )
    columns = (
        SessionRequest.id,
        SessionRequest.customer_id,
        SessionRequest.routing_type,
        SessionRequest.workshop_id,
        workshop_is_not_alone,
    )
    return Made(*session.execute(made.returning(*columns)).one(), priority_window_minutes=minutes)
