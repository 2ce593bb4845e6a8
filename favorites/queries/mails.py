"""What a mail says, from the rows as they are when it is sent."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from favorites.db import Session
from favorites.models import Customer, Intake, Kind, Mechanic, Plan, RequestEvent, Role, SessionRequest, User
from favorites.queries.sentences import ALARMS, ASSIGNED, MAIL_NEXT, SENTENCES, YOU, YOURS, filled


class Letter(NamedTuple):
    """To whom, and what; `at` in the reader's own zone. `consultation_id`: what there is to open, if anything."""

    email: str
    first_name: str
    happened: str
    next: str
    at: datetime
    about: str
    request_id: UUID
    consultation_id: UUID | None


class Alarm(NamedTuple):
    """To which owner, and why; `at` in their own zone."""

    email: str
    why: str
    at: datetime
    about: str
    request_id: UUID


def alarm(session: Session, event_id: int, user_id: UUID) -> Alarm | None:
    """The mail that tells this owner of a session request that needs them; None when there is nothing to tell."""
    told = (RequestEvent.id == event_id, RequestEvent.kind == Kind.REQUEST_UNATTENDED)
    row = session.execute(
        select(RequestEvent.payload, RequestEvent.at, SessionRequest.id, User, Customer.first_name, Plan.name)
        .join_from(RequestEvent, SessionRequest, SessionRequest.id == RequestEvent.session_request_id)
        .join(Customer, Customer.id == SessionRequest.customer_id)
        .join(Plan, Plan.code == SessionRequest.plan_code)
        .join(User, User.id == user_id)
        .where(*told, User.role == Role.ADMIN)
    ).one_or_none()
    if row is None:
        return None
    why = ALARMS.get(row.payload.get("reason", ""), ALARMS["rescue"])
    return Alarm(row.User.email, why, row.at.astimezone(row.User.zone), f"{row.first_name}, {row.name}", row.id)


def letter(session: Session, event_id: int, user_id: UUID) -> Letter | None:
    """The mail that tells this person of this event; None when its reader or its session request is gone."""
    row = session.execute(
        select(RequestEvent.kind, RequestEvent.at, SessionRequest, User, Customer.first_name, Plan.name, Intake)
        .join_from(RequestEvent, SessionRequest, SessionRequest.id == RequestEvent.session_request_id)
        .join(Customer, Customer.id == SessionRequest.customer_id)
        .join(User, User.id == Customer.user_id)
        .join(Plan, Plan.code == SessionRequest.plan_code)
        .outerjoin(Intake, Intake.session_id == SessionRequest.session_id)
        .add_columns(Mechanic.first_name.label("mechanic"))
        .outerjoin(Mechanic, Mechanic.id == SessionRequest.mechanic_id)
        .where(RequestEvent.id == event_id, User.id == user_id)
    ).one_or_none()
    if row is None:
        return None
    kind, wish = Kind(row.kind), row.SessionRequest
    car = row.Intake.vehicle if row.Intake else ""
    return Letter(
        email=row.User.email,
        first_name=row.first_name,
        happened=filled(
            ASSIGNED if wish.assigned_at and kind is Kind.REQUEST_ACCEPTED else SENTENCES[kind],
            row.mechanic or YOURS,
            YOU,
        ),
        next=MAIL_NEXT[kind],
        at=row.at.astimezone(row.User.zone),
        about=f"{row.name} for your {car}" if car else row.name,
        request_id=wish.id,
        consultation_id=wish.session_id if kind is Kind.REQUEST_ACCEPTED else None,
    )
