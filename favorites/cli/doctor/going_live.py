"""Before customers come: is there anybody to ask, and can they be reached?"""

from collections.abc import Iterator
from datetime import timedelta

from favorites.cli.doctor.check import Finding, Needs, advice, check, ok
from favorites.db import db
from favorites.dispatch.flags import priority_is_on
from favorites.queries import people
from favorites.queries.reach import LATELY, Reach, approved, reach
from favorites.settings import current
from favorites.webpush import services

SECTION = "going-live"
MOST = 20  # mechanics told one by one
PHONE = "On their phone: open the board, Start shift, allow notifications."


@check(SECTION, "people", Needs.SCHEMA)
def anybody() -> Iterator[Finding]:
    """An owner, mechanics, and favorites who are asked first."""
    helpers = approved(db.session)
    if not people.has_owner(db.session):
        yield advice("There is no owner.", "Make one: flask owner add EMAIL.")
    if not helpers:
        yield advice("No mechanic is approved: nobody can accept.", "Approve them on /admin/mechanics.")
    if not priority_is_on(db.session):
        yield advice("Favorites are not asked first: the flag is off.", "Switch it on: flask flag on.")
    if helpers:
        yield ok(f"{helpers} mechanics are approved.")


@check(SECTION, "favorites", Needs.SCHEMA)
def favorites() -> Iterator[Finding]:
    """Whether those whom customers favor hear of an offer."""
    favored = reach(db.session, timedelta(days=current().sign_in_idle_days))
    unsure = [one for one in favored if not (one.has_push and services.are_known())]
    yield from map(_told, unsure[:MOST])
    if len(unsure) > MOST:
        yield advice(f"And {len(unsure) - MOST} more.", PHONE)
    if favored and not unsure:
        yield ok(f"All {len(favored)} whom customers favor are reached on a closed board, too.")
    if not favored:
        yield ok("No customer has a favorite yet who takes first offers.")


def _told(one: Reach) -> Finding:
    customers = f"{one.customers} customer{'' if one.customers == 1 else 's'}"
    how = "only when the board is open" if one.has_board else f"not at all: no board was open in {LATELY.days} days"
    more = "" if one.is_confirmed else " Their e-mail address is not confirmed either."
    return advice(f"{one.name} ({customers}): {how}.{more}", PHONE)
