"""What erasing somebody leaves of each table. The rows are locked by now; see `privacy`."""

import secrets
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, delete, literal, select, update

from favorites.db import Base, Session, clock
from favorites.dispatch.money import give_back
from favorites.models import (
    Consultation,
    CreditEntry,
    Customer,
    CustomerFavorite,
    Intake,
    Mail,
    Mechanic,
    MechanicStatus,
    Message,
    Payment,
    Photo,
    RequestEvent,
    SessionRead,
    SessionRequest,
    SignIn,
    User,
    Vehicle,
    Waiver,
)
from favorites.models.consultation import ConsultationStatus
from favorites.models.money import RefundReason
from favorites.models.people import FORMER_CUSTOMER, FORMER_MECHANIC

REMOVED = "This was removed."  # in place of a message
AN_ID = "^[0-9a-fA-F-]{32,36}$"  # of a mechanic, as a customer's choice names it; anything else they typed


def forget_customer(session: Session, customer_id: UUID) -> None:
    """Who they are, their cars, what they told, signed and wrote, and what was written to them in their talks."""
    theirs = Consultation.customer_id == customer_id
    its = select(Consultation.id).where(theirs)
    drafts = session.scalars(its.where(Consultation.status == ConsultationStatus.DRAFT)).all()
    give_back(session, drafts, RefundReason.CANCELLED)
    for table in (Vehicle, CustomerFavorite):
        session.execute(delete(table).where(table.customer_id == customer_id))
    session.execute(_emptied(Intake).where(Intake.session_id.in_(its)))
    session.execute(_emptied(Waiver, "version").where(Waiver.session_id.in_(its)))
    _remove_messages(session, Message.session_id.in_(its))
    _empty_choices(session, customer_id, theirs)
    session.execute(update(Payment).where(Payment.session_id.in_(its)).values(url=None))
    asked = update(SessionRequest).where(SessionRequest.customer_id == customer_id)
    session.execute(asked.values(customer_name=FORMER_CUSTOMER, room=None))
    session.execute(update(CreditEntry).where(CreditEntry.customer_id == customer_id).values(note=""))
    them = _emptied(Customer, first_name=FORMER_CUSTOMER, wants_mail=False, erased_at=clock())
    session.execute(them.where(Customer.id == customer_id))


def _empty_choices(session: Session, customer_id: UUID, theirs: ColumnElement[bool]) -> None:
    """What they chose. In the events ids stay; whatever else was sent as a mechanic's id is their own words."""
    none: dict[str, Any] = {"meta": {}, "form_key": None, "summary": None, "summary_at": None}
    session.execute(update(Consultation).where(theirs).values(none))
    preferred = RequestEvent.payload["preferred"].astext
    requests = select(SessionRequest.id).where(SessionRequest.customer_id == customer_id)
    words = (RequestEvent.session_request_id.in_(requests), ~preferred.regexp_match(AN_ID))
    without = RequestEvent.payload.op("-")(literal("preferred", Text))
    session.execute(update(RequestEvent).where(*words).values(payload=without))


def forget_mechanic(session: Session, mechanic_id: UUID, user_id: UUID) -> None:
    """Who they are, and what they wrote; the summaries stay with the customers they were written for."""
    session.execute(delete(CustomerFavorite).where(CustomerFavorite.mechanic_id == mechanic_id))
    _remove_messages(session, Message.user_id == user_id)
    them = _emptied(
        Mechanic,
        first_name=FORMER_MECHANIC,
        status=MechanicStatus.SUSPENDED.value,
        takes_favorites=False,
        erased_at=clock(),
    )
    session.execute(them.where(Mechanic.id == mechanic_id))


def forget_account(session: Session, user_id: UUID) -> None:
    """The account opens no more, and its address is free; every sign-in ends, and with it what is pushed there."""
    key = secrets.token_hex(32)
    nobody = {"email": f"erased-{key[:32]}@erased.invalid", "active": False, "fs_uniquifier": key, "time_zone": "UTC"}
    for table in (SignIn, Mail, SessionRead):
        session.execute(delete(table).where(table.user_id == user_id))
    session.execute(_emptied(User, "role", **nobody).where(User.id == user_id))


def _remove_messages(session: Session, which: ColumnElement[bool]) -> None:
    """Their numbers stay, since the other one has read up to one of them."""
    ids: Select[UUID] = select(Message.id).where(which)
    session.execute(delete(Photo).where(Photo.message_id.in_(ids)))
    session.execute(update(Message).where(which).values(body=REMOVED, client_key=None))


def _emptied(table: type[Base], *keep: str, **values: Any) -> Any:
    """An update that leaves no words and nothing that can be nothing, in columns of later migrations, too.

    Beside `keep`; `values` are there instead.
    """
    columns = [column for column in table.__table__.columns if not column.primary_key and column.name not in keep]
    none = {column.name: None for column in columns if column.nullable}
    words = {column.name: "" for column in columns if isinstance(column.type, Text) and not column.nullable}
    return update(table).values({**none, **words, **values})
