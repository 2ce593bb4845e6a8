"""A consultation on its way from intake to fulfillment, as its customer sees it."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from favorites.db import Session
from favorites.models import Consultation, Intake, Plan, SessionRequest


class Booking(NamedTuple):
    """A consultation with intake and waiver, and its session request once there is one."""

    consultation: Consultation
    request_id: UUID | None


def booking(session: Session, customer_id: UUID, consultation_id: UUID) -> Booking | None:
    """The customer's own consultation; None for anybody else's."""
    row = session.execute(
        select(Consultation, SessionRequest.id)
        .outerjoin(SessionRequest, SessionRequest.session_id == Consultation.id)
        .where(Consultation.id == consultation_id, Consultation.customer_id == customer_id)
        .options(joinedload(Consultation.intake), joinedload(Consultation.waiver))
    ).one_or_none()
    return Booking(*row) if row else None


def last_intake(session: Session, customer_id: UUID) -> Intake | None:
    """The customer's newest intake: it fills the next one."""
    newest = (
        select(Intake)
        .join(Consultation, Consultation.id == Intake.session_id)
        .where(Consultation.customer_id == customer_id)
    )
    return session.scalar(newest.order_by(Consultation.created_at.desc()).limit(1))


def plan(session: Session, code: str) -> Plan | None:
    """The plan, if it is offered."""
    return session.scalar(select(Plan).where(Plan.code == code, Plan.is_active))
