"""Before the asking: the intake, the waiver, and asking again after an expiry."""

from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Select, literal, select, true, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql.dml import ReturningInsert

from favorites.db import Session, clock
from favorites.dispatch.errors import NotExpired, NotFound, PlanNotAvailable, VehicleGone
from favorites.dispatch.facts import open_request_of, refuse_a_second
from favorites.dispatch.locks import kept_customer, lock_customer
from favorites.dispatch.vehicles import CAR, is_known, saving, theirs, told_of
from favorites.dispatch.verb import Again, verb
from favorites.models import Consultation, Intake, Plan, SessionRequest, Status, Vehicle, Waiver


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
    vehicle_id: UUID | None = None,
    saves_vehicle: bool = False,
) -> UUID:
    """Store a checked intake as a draft consultation; its id. A second call with the same `form_key` gets the first's.

    `intake` has the columns of `Intake`; what was not chosen leaves no key in the metadata. `vehicle_id`: the car is
    this saved one, whatever `intake` says of a car. `saves_vehicle`: keep the car that `intake` tells of, if it can be.
    Raises `PlanNotAvailable`, `VehicleGone` or `HasOpenRequest`; `NotFound` when the customer has just been erased.
    """
    chosen = {"preferred_mechanic_id": preferred_mechanic_id, "routing_type": routing_type, "workshop_id": workshop_id}
    meta = {key: str(value) for key, value in chosen.items() if value is not None}
    saved = select(Vehicle).where(*theirs(customer_id, vehicle_id)) if vehicle_id else None
    is_there = [] if saved is None else [saved.exists()]
    draft = _draft(customer_id, plan_code, meta, form_key, *is_there).cte("draft")
    stored = _stored(draft, intake, saved).returning(Intake.session_id)
    if vehicle_id:
        stored = stored.add_cte(_used(draft, vehicle_id))
    elif saves_vehicle and is_known(intake):
        stored = stored.add_cte(saving(customer_id, told_of(intake).select_from(draft)).cte("saved"))
    return session.execute(stored).scalar_one_or_none() or _instead(
        session, customer_id, plan_code, form_key, vehicle_id
    )


def _stored(draft: CTE, intake: dict[str, Any], saved: Select[Any] | None) -> Insert:
    """The intake of the draft, with the car of `saved` in place of its own."""
    if saved is None:
        return insert(Intake).from_select(["session_id", *intake], select(draft.c.id, *_values(Intake, intake)))
    others = {name: value for name, value in intake.items() if name not in CAR}
    car = saved.subquery()
    told = select(draft.c.id, *(car.c[name] for name in CAR), *_values(Intake, others)).join_from(draft, car, true())
    return insert(Intake).from_select(["session_id", *CAR, *others], told)


def _used(draft: CTE, vehicle_id: UUID) -> CTE:
    """The car comes first in the list from now on."""
    used = update(Vehicle).where(Vehicle.id == vehicle_id, select(draft.c.id).exists()).values(used_at=clock())
    return used.cte("used")


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
        ["session_id", *told],
        select(Consultation.id, *_values(Waiver, told)).where(
            *theirs, kept_customer(Consultation.customer_id).is_not(None)
        ),
    )
    price = select(Consultation.price_cents).where(*theirs)
    row = session.execute(signed.on_conflict_do_nothing().returning(price.scalar_subquery())).one_or_none()
    if row is None and session.execute(price).first() is None:
        raise NotFound
    return row[0] if row else None


def _values(table: type[Intake | Waiver], told: dict[str, Any]) -> list[ColumnElement[Any]]:
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


def _draft(
    customer_id: UUID, plan_code: str, meta: dict[str, Any], form_key: str | None, *conditions: ColumnElement[bool]
) -> ReturningInsert[UUID]:
    """At the plan's price as it is now; no row where `_instead` has the answer."""
    plan = select(
        literal(customer_id),
        Plan.code,
        Plan.session_type,
        Plan.price_cents,
        Plan.currency,
        literal(meta, Consultation.meta.type),
        literal(form_key),
    ).where(Plan.code == plan_code, Plan.is_active, ~open_request_of(customer_id).exists(), *conditions)
    plan = plan.where(kept_customer(customer_id).is_not(None))
    columns = ["customer_id", "plan_code", "session_type", "price_cents", "currency", "metadata", "form_key"]
    draft = (
        insert(Consultation)
        .from_select(columns, plan)
        .on_conflict_do_nothing(index_elements=["customer_id", "form_key"])
    )
    return draft.returning(Consultation.id)


def _instead(
    session: Session, customer_id: UUID, plan_code: str, form_key: str | None, vehicle_id: UUID | None = None
) -> UUID:
    """The draft that was stored with this form before. Raises what keeps a new one from being stored."""
    same = select(Consultation.id).where(Consultation.customer_id == customer_id, Consultation.form_key == form_key)
    if form_key and (earlier := session.execute(same).scalar_one_or_none()):
        return earlier
    refuse_a_second(session, customer_id)
    plan = select(Plan.code).where(Plan.code == plan_code, Plan.is_active)
    if session.execute(plan).first() is None:
        raise PlanNotAvailable
    lock_customer(session, customer_id)
    saved = select(Vehicle.id).where(*theirs(customer_id, vehicle_id)) if vehicle_id else None
    raise Again if saved is None or session.execute(saved).first() else VehicleGone


def _copy(session: Session, table: type[Intake] | type[Waiver], old_id: UUID, new_id: UUID) -> None:
    others = [column for column in table.__table__.columns if column.name != "session_id"]
    copied = select(literal(new_id), *others).where(table.session_id == old_id)
    session.execute(insert(table).from_select(["session_id", *(column.name for column in others)], copied))
