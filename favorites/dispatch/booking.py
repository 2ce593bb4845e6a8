"""Before the asking: the intake, the waiver, and asking again after an expiry."""

from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from favorites.db import Session
from favorites.dispatch.errors import NotExpired, NotFound, PlanNotAvailable
from favorites.dispatch.facts import open_request_of, refuse_a_second
from favorites.dispatch.verb import Again, verb
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
    draft = _draft(customer_id, plan_code, meta, form_key).cte("draft")
    told = select(draft.c.id, *_values(Intake, intake))
    stored = insert(Intake).from_select(["session_id", *intake], told).returning(Intake.session_id)
    return session.execute(stored).scalar_one_or_none() or _instead(session, customer_id, plan_code, form_key)


@verb
def sign_waiver(
    session: Session,
    consultation_id: UUID,
    *,
    version: str,
    full_name: str,
    ip: str | None,
    user_agent: str,
    customer_id: UUID | None = None,
) -> int | None:
    """Store the signature; the consultation's price in cents, None where it was signed before: the first one stands.

    `customer_id`: whose it must be. Raises `NotFound`.
    """
    theirs = [Consultation.id == consultation_id, *([Consultation.customer_id == customer_id] if customer_id else [])]
    told = {"version": version, "full_name": full_name, "ip": ip, "user_agent": user_agent[:400]}
    signed = insert(Waiver).from_select(
        ["session_id", *told], select(Consultation.id, *_values(Waiver, told)).where(*theirs)
    )
    price = select(Consultation.price_cents).where(*theirs)
    row = session.execute(signed.on_conflict_do_nothing().returning(price.scalar_subquery())).one_or_none()
    if row is None and session.execute(price).first() is None:
        raise NotFound
    return row[0] if row else None


def _values(table: type[Intake] | type[Waiver], told: dict[str, Any]) -> list[BindParameter[Any]]:
    return [literal(value, table.__table__.c[name].type) for name, value in told.items()]


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
    old: Consultation = row.Consultation
    new_id = session.execute(_draft(customer_id, old.plan_code, old.meta, key)).scalar_one_or_none()
    if new_id is None:
        return _instead(session, customer_id, old.plan_code, key)
    _copy(session, Intake, old.id, new_id)
    _copy(session, Waiver, old.id, new_id)
    return new_id


def _draft(customer_id: UUID, plan_code: str, meta: dict[str, Any], form_key: str | None) -> ReturningInsert[UUID]:
    """At the plan's price as it is now; no row where `_instead` has the answer."""
    plan = select(
        literal(customer_id),
        Plan.code,
        Plan.session_type,
        Plan.price_cents,
        Plan.currency,
        literal(meta, Consultation.meta.type),
        literal(form_key),
    ).where(Plan.code == plan_code, Plan.is_active, ~open_request_of(customer_id).exists())
    columns = ["customer_id", "plan_code", "session_type", "price_cents", "currency", "metadata", "form_key"]
    draft = (
        insert(Consultation)
        .from_select(columns, plan)
        .on_conflict_do_nothing(index_elements=["customer_id", "form_key"])
    )
    return draft.returning(Consultation.id)


def _instead(session: Session, customer_id: UUID, plan_code: str, form_key: str | None) -> UUID:
    """The draft that was stored with this form before. Raises what keeps a new one from being stored."""
    same = select(Consultation.id).where(Consultation.customer_id == customer_id, Consultation.form_key == form_key)
    if form_key and (earlier := session.execute(same).scalar_one_or_none()):
        return earlier
    refuse_a_second(session, customer_id)
    plan = select(Plan.code).where(Plan.code == plan_code, Plan.is_active)
    raise Again if session.execute(plan).first() else PlanNotAvailable


def _copy(session: Session, table: type[Intake] | type[Waiver], old_id: UUID, new_id: UUID) -> None:
    others = [column for column in table.__table__.columns if column.name != "session_id"]
    copied = select(literal(new_id), *others).where(table.session_id == old_id)
    session.execute(insert(table).from_select(["session_id", *(column.name for column in others)], copied))
