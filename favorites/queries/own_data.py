"""What we know of somebody, for themselves: each row that is theirs, and of others no more than they may see."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import Session as OneSession

from favorites.db import Base, Session
from favorites.models import (
    Consultation,
    CreditEntry,
    Customer,
    CustomerFavorite,
    Intake,
    Mail,
    Mechanic,
    OwnerEvent,
    Payment,
    PaymentEvent,
    PushSubscription,
    RequestEvent,
    SessionRequest,
    SignIn,
    Vehicle,
    Waiver,
    Workshop,
)
from favorites.models.session_request import is_accepted, is_open
from favorites.queries.own_talks import Whose, messages
from favorites.queries.timeline import timeline

Record = dict[str, Any]

# Keys that open something, and ids that say nothing; the owner's notes are the owner's.
NOT_TOLD = {"erased_at", "id", "user_id", "customer_id", "workshop_id", "identity", "note"}
NOT_TOLD |= {"password", "fs_uniquifier", "key_hash", "form_key", "url"}
# Of a session request, what another decided about whom to ask; the timeline tells it as far as it is theirs to know.
WISH = (
    *("session_id", "session_type", "plan_code", "routing_type", "status", "created_at"),
    *("priority_notified_at", "priority_expires_at", "delivered_at", "extended_at", "declined_at", "accepted_at"),
    *("prolonged_at", "expires_at", "closed_at"),
)


def unfinished(session: Session, person: Whose) -> UUID | None:
    """The session request that has to be over before they can be erased."""
    theirs: list[ColumnElement[bool]] = []
    if person.customer:
        theirs += [(SessionRequest.customer_id == person.customer.id) & is_open]
    if person.mechanic:
        theirs += [(SessionRequest.mechanic_id == person.mechanic.id) & is_accepted]
    return session.scalars(select(SessionRequest.id).where(or_(false(), *theirs)).limit(1)).one_or_none()


def own_data(session: OneSession, person: Whose) -> Record:
    """All of it, as plain values; instants are datetimes. A timeline is read for each session request."""
    user, customer, mechanic = person
    told: Record = {"account": _told(user)}
    if customer:
        told |= {"customer": _told(customer), **_of_customer(session, customer)}
    if mechanic:
        told |= {"mechanic": _of_mechanic(session, mechanic)}
    if customer or mechanic:
        told |= {"session_requests": [_wish(session, row, person) for row in _wishes(session, person)]}
        told |= {"messages": messages(session, person)}
    return told | _of_account(session, person)


def _told(row: Base, *but: str) -> Record:
    """A row's columns by name, without what is not told."""
    columns = row.__mapper__.column_attrs
    return {
        attr.columns[0].name: getattr(row, attr.key)
        for attr in columns
        if not attr.deferred and attr.columns[0].name not in NOT_TOLD | set(but)
    }


def _all(session: Session, table: type[Base], *where: ColumnElement[bool]) -> list[Record]:
    return [_told(row) for row in session.scalars(select(table).where(*where))]


def _of_customer(session: Session, customer: Customer) -> Record:
    favorites = (
        select(Mechanic.first_name.label("mechanic"), CustomerFavorite.created_at.label("since"))
        .join(Mechanic, Mechanic.id == CustomerFavorite.mechanic_id)
        .where(CustomerFavorite.customer_id == customer.id)
    )
    its = select(Consultation.id).where(Consultation.customer_id == customer.id)
    consultations = select(Consultation).where(Consultation.customer_id == customer.id)
    booked = session.scalars(consultations.order_by(Consultation.created_at)).all()
    return {
        "favorites": _rows(session, favorites),
        "cars": _all(session, Vehicle, Vehicle.customer_id == customer.id),
        "consultations": [{"session_id": one.id, **_told(one)} for one in booked],
        "intakes": _all(session, Intake, Intake.session_id.in_(its)),
        "agreements": _all(session, Waiver, Waiver.session_id.in_(its)),
        "payments": _all(session, Payment, Payment.session_id.in_(its)),
        "what_the_payment_provider_told": _told_of(session, its),
        "credits": _all(session, CreditEntry, CreditEntry.customer_id == customer.id),
    }


def _told_of(session: Session, its: Select[UUID]) -> list[Record]:
    """What came of the payments of these consultations, by the provider's own words."""
    known = select(Payment.id).where(
        Payment.session_id.in_(its),
        or_(Payment.reference == PaymentEvent.reference, Payment.charge == PaymentEvent.reference),
    )
    columns = (PaymentEvent.kind, PaymentEvent.reference, PaymentEvent.occurred_at, PaymentEvent.payload)
    return _rows(session, select(*columns).where(known.exists()).order_by(PaymentEvent.occurred_at, PaymentEvent.id))


def _of_mechanic(session: Session, mechanic: Mechanic) -> Record:
    workshop = session.get(Workshop, mechanic.workshop_id) if mechanic.workshop_id else None
    summaries = (
        select(Consultation.id.label("session_id"), Consultation.summary, Consultation.summary_at)
        .join(SessionRequest, SessionRequest.session_id == Consultation.id)
        .where(SessionRequest.mechanic_id == mechanic.id, Consultation.summary.is_not(None))
    )
    favors = select(CustomerFavorite).where(CustomerFavorite.mechanic_id == mechanic.id)
    return {
        **_told(mechanic),
        "workshop": workshop.name if workshop else None,
        "customers_who_favor_you": len(session.scalars(favors).all()),
        "summaries": _rows(session, summaries),
    }


def _of_account(session: Session, person: Whose) -> Record:
    user = person.user
    mails = select(RequestEvent.kind.label("about"), Mail.sent_at).join(Mail, Mail.event_id == RequestEvent.id)
    browsers = session.scalars(select(PushSubscription).where(PushSubscription.user_id == user.id))
    ids = [row.id for row in person if row]
    acts = select(OwnerEvent.at, OwnerEvent.kind).where(
        or_(OwnerEvent.subject_id.in_(ids), OwnerEvent.actor == f"admin:{user.id}")
    )
    return {
        "mails": _rows(session, mails.where(Mail.user_id == user.id)),
        "push": [{"service": urlsplit(one.endpoint).hostname, "since": one.created_at} for one in browsers],
        "sign_ins": _all(session, SignIn, SignIn.user_id == user.id),
        "what_the_owner_did": _rows(session, acts.order_by(OwnerEvent.id)),
    }


def _wishes(session: Session, person: Whose) -> Sequence[SessionRequest]:
    """Those that they asked for, were asked for first, or did."""
    theirs: list[ColumnElement[bool]] = []
    if person.customer:
        theirs += [SessionRequest.customer_id == person.customer.id]
    if person.mechanic:
        has_it = SessionRequest.mechanic_id == person.mechanic.id
        was_first = SessionRequest.preferred_mechanic_id == person.mechanic.id
        theirs += [has_it, was_first & SessionRequest.priority_notified_at.is_not(None)]
    return session.scalars(select(SessionRequest).where(or_(*theirs)).order_by(SessionRequest.created_at)).all()


def _wish(session: OneSession, row: SessionRequest, person: Whose) -> Record:
    is_mine = person.customer is not None and row.customer_id == person.customer.id
    viewer = None if is_mine or person.mechanic is None else person.mechanic.id
    steps = [{"at": entry.at, "what": entry.text} for entry in timeline(session, row.id, viewer)]
    return {"id": row.id, **{name: getattr(row, name) for name in WISH}, "timeline": steps}


def _rows(session: Session, statement: Select[*tuple[Any, ...]]) -> list[Record]:
    return [dict(row._mapping) for row in session.execute(statement)]
