"""Who asks, and whether this is for them."""

from collections.abc import Callable
from functools import wraps
from typing import NamedTuple, NoReturn, ParamSpec
from uuid import UUID

import structlog
from flask import Response, abort, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from werkzeug import Response as BaseResponse

from favorites.models import Customer, Mechanic, MechanicStatus, Role
from favorites.queries.sentences import REFUSED_BECAUSE, SUSPENDED_BECAUSE
from favorites.web import next_page
from favorites.web.answers import is_part, problem, wants_json

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]

log = structlog.get_logger(__name__)

# Where a mechanic stands who may not work here: the title and the sentence.
STANDINGS = {
    MechanicStatus.PENDING: (
        "Your application is with the owner",
        "Once it is approved, your board opens at this address. There is nothing else to do.",
    ),
    MechanicStatus.SUSPENDED: (
        "You are suspended",
        "You are not asked and cannot accept at the moment. The owner of this site can tell you more.",
    ),
    MechanicStatus.REFUSED: ("Your application was refused", "The owner of this site can tell you more."),
}


def current_sign_in_id() -> UUID:
    """The row of `sign_ins` this request came with. Only for who is signed in."""
    sign_in_id: UUID = g.sign_in_id if current_user.is_authenticated else _deny()
    return sign_in_id


def current_customer() -> Customer:
    """The signed-in customer, with `user` loaded. 403 for everyone else."""
    if not current_user.is_authenticated or current_user.role != Role.CUSTOMER:
        _deny()
    customer: Customer | None = current_user.customer
    return customer or _deny()


def current_mechanic() -> Mechanic:
    """The signed-in person's mechanic's row, approved or not, with `user` and `workshop` loaded. 403 without one."""
    if not current_user.is_authenticated or current_user.role == Role.CUSTOMER:
        _deny()
    mechanic: Mechanic | None = current_user.mechanic
    return mechanic or _deny()


def customers_only(view: View[P]) -> View[P]:
    """For customers; anonymous people sign in first, everyone else gets 403."""
    return _for(view, current_customer)


def mechanics_only(view: View[P]) -> View[P]:
    """For approved mechanics, an owner's own row included; the others read where they stand, with 403."""
    return _for(view, _check_mechanic)


def admins_only(view: View[P]) -> View[P]:
    """For owners."""
    return _for(view, _check_admin)


def _for(view: View[P], check: Callable[[], object]) -> View[P]:
    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if not current_user.is_authenticated:
            return sign_in_first()
        check()
        return view(*args, **kwargs)

    return guarded


def sign_in_first() -> Response | BaseResponse:
    """401 for programs, fragments and streams; people go to the sign-in and come back from there."""
    if wants_json() or is_part():
        return problem(401, "Please sign in.", "SIGN_IN")
    return redirect(url_for("security.login", next=next_page.here() or None), code=303)


def signed_in_only() -> ResponseReturnValue | None:
    """Before each route of a blueprint that asks itself whose it is: somebody there must be to ask about."""
    return None if current_user.is_authenticated else sign_in_first()


def _check_mechanic() -> None:
    mechanic = current_mechanic()
    if mechanic.status != MechanicStatus.APPROVED:
        _log_denial()
        abort(_standing(mechanic))


class Standing(NamedTuple):
    """Where a mechanic stands who may not work here; `because`, `words`: why, as a sentence and as the owner wrote."""

    title: str
    sentence: str
    because: str
    words: str


def standing_of(mechanic: Mechanic) -> Standing | None:
    """What they read of it; None for an approved one."""
    if mechanic.status == MechanicStatus.APPROVED:
        return None
    reasons = {MechanicStatus.REFUSED: REFUSED_BECAUSE, MechanicStatus.SUSPENDED: SUSPENDED_BECAUSE}
    status = MechanicStatus(mechanic.status)
    because = reasons.get(status, {}).get(mechanic.reason or "", "")
    return Standing(*STANDINGS[status], because, mechanic.reason_words)


def _standing(mechanic: Mechanic) -> Response:
    standing = standing_of(mechanic)
    if standing and (wants_json() or is_part()):
        return problem(403, f"{standing.title}. {standing.sentence}", "NOT_APPROVED")
    return make_response(render_template("accounts/standing.html", standing=standing), 403)


def _check_admin() -> None:
    if current_user.role != Role.ADMIN:
        _deny()


def _deny() -> NoReturn:
    _log_denial()
    abort(403)


def _log_denial() -> None:
    log.info("[Accounts] Denied", user_id=getattr(current_user, "id", None), endpoint=request.endpoint)
