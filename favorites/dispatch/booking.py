"""Before the asking: the intake, the waiver, and asking again after an expiry."""

from typing import Any
from uuid import UUID

from sqlalchemy import literal, select
from sqlalchemy.dialects.postgresql import insert

from favorites.db import Session
from favorites.dispatch.errors import NotExpired, NotFound, PlanNotAvailable
from favorites.dispatch.facts import refuse_a_second
from favorites.dispatch.verb import verb
from favorites.models import Consultation, Intake, Plan, SessionRequest, Status, Waiver


@verb
def start_intake(
    session: Session,
    customer_id: UUID,
    intake: dict[str, Any],
    plan_code: str,
    *,
    preferred_mechanic_id: str | None = None,
    routing_type: str | None = None,
    workshop_id: UUID | None = None,
    form_key: str | None = None,
) -> UUID:
    """Store a checked intake as a draft consultation; its id. A second call with the same `form_key` gets the first's.

    `intake` has the columns of `Intake`; what was not chosen leaves no key in the metadata.
    Raises `PlanNotAvailable` or `HasOpenRequest`.
    """
    chosen = {"preferred_mechanic_id": preferred_mechanic_id, "routing_type": routing_type, "workshop_id": workshop_id}
    meta = {key: str(value) for key, value in chosen.items() if value is not None}
    if earlier := _earlier(session, customer_id, form_key):
        return earlier
    refuse_a_second(session, customer_id)
    consultation_id = _draft(session, customer_id, plan_code, meta, form_key)
    if consultation_id is None:
        return _earlier(session, customer_id, form_key) or _no_such_plan()
    session.execute(insert(Intake).values(session_id=consultation_id, **intake))
    return consultation_id


@verb
def sign_waiver(
    session: Session, consultation_id: UUID, *, version: str, full_name: str, ip: str | None, user_agent: str
) -> None:
    """Store the signature; the first one stands. Raises `NotFound`."""
    if session.get(Consultation, consultation_id) is None:
        raise NotFound
    signed = insert(Waiver).values(
        session_id=consultation_id, version=version, full_name=full_name, ip=ip, user_agent=user_agent[:400]
    )
    session.execute(signed.on_conflict_do_nothing())


@verb
def ask_again(session: Session, request_id: UUID, customer_id: UUID) -> UUID:
    """Copy intake, waiver and choice of an expired one into a new draft; its id, the same for a repeat.

    Raises `NotFound`, `NotExpired`, `PlanNotAvailable` or `HasOpenRequest`.
    """
    found = (
        select(SessionRequest.status, Consultation)
        .join(Consultation, Consultation.id == SessionRequest.session_id)
        .where(SessionRequest.id == request_id, SessionRequest.customer_id == customer_id)
    )
    row = session.execute(found).one_or_none()
    if row is None:
        raise NotFound
    if row.status != Status.EXPIRED:
        raise NotExpired
    key = f"again:{request_id}"
    if earlier := _earlier(session, customer_id, key):
        return earlier
    refuse_a_second(session, customer_id)
    old: Consultation = row.Consultation
    new_id = _draft(session, customer_id, old.plan_code, old.meta, key)
    if new_id is None:
        return _earlier(session, customer_id, key) or _no_such_plan()
    _copy(session, Intake, old.id, new_id)
    _copy(session, Waiver, old.id, new_id)
    return new_id


def _earlier(session: Session, customer_id: UUID, form_key: str | None) -> UUID | None:
    if form_key is None:
        return None
    same = select(Consultation.id).where(Consultation.customer_id == customer_id, Consultation.form_key == form_key)
    return session.execute(same).scalar_one_or_none()


def _draft(
    session: Session, customer_id: UUID, plan_code: str, meta: dict[str, Any], form_key: str | None
) -> UUID | None:
    """At the plan's price as it is now; None when there is no such plan, or the form was stored meanwhile."""
    plan = select(
        literal(customer_id),
        Plan.code,
        Plan.session_type,
        Plan.price_cents,
        Plan.currency,
        literal(meta, Consultation.meta.type),
        literal(form_key),
    ).where(Plan.code == plan_code, Plan.is_active)
    columns = ["customer_id", "plan_code", "session_type", "price_cents", "currency", "metadata", "form_key"]
    draft = (
        insert(Consultation)
        .from_select(columns, plan)
        .on_conflict_do_nothing(index_elements=["customer_id", "form_key"])
    )
    return session.execute(draft.returning(Consultation.id)).scalar_one_or_none()


def _no_such_plan() -> UUID:
    raise PlanNotAvailable


def _copy(session: Session, table: type[Intake] | type[Waiver], old_id: UUID, new_id: UUID) -> None:
    others = [column for column in table.__table__.columns if column.name != "session_id"]
    copied = select(literal(new_id), *others).where(table.session_id == old_id)
    session.execute(insert(table).from_select(["session_id", *(column.name for column in others)], copied))
