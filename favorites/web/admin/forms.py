"""The owner's forms: what was typed, checked. Each gives the form, or the mistakes by the field they stand at."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from favorites.db import Session
from favorites.dispatch.owner_events import Why
from favorites.models.owner_event import Reason
from favorites.models.people import SLUG, MechanicReason, WorkshopRouting
from favorites.queries import admin as queries
from favorites.queries.admin_mechanics import mechanic_by_email
from favorites.queries.sentences import REFUSED_BECAUSE, SUSPENDED_BECAUSE

Mistakes = dict[str, str]

MOST_CREDITS = 1000  # at once: a slip of the finger is not a fortune
LONGEST, LONGEST_WORDS = 200, 500
JUDGED_FOR = {"refuse": REFUSED_BECAUSE.keys(), "suspend": SUSPENDED_BECAUSE.keys()}


class WorkshopForm(NamedTuple):
    slug: str
    name: str
    routing: WorkshopRouting


class JudgeForm(NamedTuple):
    reason: MechanicReason | None  # None: approve
    words: str


class AmountForm(NamedTuple):
    credits: int
    note: str


class CreditsForm(NamedTuple):
    email: str
    customer_id: UUID
    credits: int
    note: str


def workshop_form(typed: Mapping[str, str]) -> WorkshopForm | Mistakes:
    """A workshop's link and name; whether the link is taken is the table's to say."""
    slug, told = typed.get("slug", "").strip(), routing_choice(typed)
    mistakes = told if isinstance(told, dict) else {}
    if not re.fullmatch(SLUG, slug):
        mistakes = {"slug": "Use small letters, digits and hyphens, 63 at most, e.g. harbor-garage."} | mistakes
    return mistakes if mistakes or isinstance(told, dict) else WorkshopForm(slug, *told)


def routing_choice(typed: Mapping[str, str]) -> tuple[str, WorkshopRouting] | Mistakes:
    """A workshop's name, and whom it asks: its own mechanics alone where nothing else is said."""
    name, routing = typed.get("name", "").strip(), typed.get("routing", WorkshopRouting.WORKSHOP_ONLY.value)
    mistakes = {}
    if not 0 < len(name) <= LONGEST:
        mistakes["name"] = f"Give it a name of at most {LONGEST} characters."
    if routing not in list(WorkshopRouting):
        mistakes["routing"] = "Choose one of the two."
    return mistakes or (name, WorkshopRouting(routing))


def workshop_member(session: Session, typed: Mapping[str, str]) -> UUID | Mistakes:
    """The mechanic with this address."""
    found = mechanic_by_email(session, typed.get("email", ""))
    return found or {"email": "No mechanic has this e-mail address."}


def judge_form(verb: str, typed: Mapping[str, str]) -> JudgeForm | Mistakes:
    """Why somebody is refused or suspended, by a code and in words that they read; "another reason" needs the words."""
    if verb == "approve":
        return JudgeForm(None, "")
    reason, words = typed.get("reason", ""), typed.get("words", "").strip()
    mistakes = {}
    if reason not in JUDGED_FOR[verb]:
        mistakes["reason"] = "Choose a reason."
    if len(words) > LONGEST_WORDS:
        mistakes["words"] = f"At most {LONGEST_WORDS} characters."
    elif reason == MechanicReason.OTHER and not words:
        mistakes["words"] = "Tell them the reason in a sentence."
    return mistakes or JudgeForm(MechanicReason(reason), words)


def amount_form(verb: str, typed: Mapping[str, str]) -> AmountForm | Mistakes:
    """Credits to give; or to correct by, which may be less than none and needs a reason."""
    number, why = ("credits", "note") if verb == "grant" else ("correction", "why")
    least = 1 if verb == "grant" else -MOST_CREDITS
    credits, note = _whole_number(typed.get(number, "")), typed.get(why, "").strip()
    mistakes = {}
    if not credits or not least <= credits <= MOST_CREDITS:
        but_none = "" if verb == "grant" else ", but not 0"
        mistakes[number] = f"Give a whole number from {least} to {MOST_CREDITS}{but_none}."
    if len(note) > LONGEST or (verb == "correct" and not note):
        mistakes[why] = f"Say why, in at most {LONGEST} characters." if not note else f"At most {LONGEST} characters."
    return mistakes if mistakes or credits is None else AmountForm(credits, note)


def credits_form(session: Session, typed: Mapping[str, str]) -> CreditsForm | Mistakes:
    """Whose credits, and how many."""
    email, note = typed.get("email", "").strip(), typed.get("note", "").strip()
    customer_id = queries.customer_by_email(session, email)
    credits = _whole_number(typed.get("credits", ""))
    mistakes = {}
    if customer_id is None:
        mistakes["email"] = "No customer has this e-mail address."
    if credits is None or not 1 <= credits <= MOST_CREDITS:
        mistakes["credits"] = f"Give a whole number from 1 to {MOST_CREDITS}."
    if len(note) > LONGEST:
        mistakes["note"] = f"At most {LONGEST} characters."
    if mistakes or customer_id is None or credits is None:
        return mistakes
    return CreditsForm(email, customer_id, credits, note)


def workshop_choice(session: Session, typed: Mapping[str, str]) -> UUID | Mistakes | None:
    """The workshop that was chosen; None for none: who chose one that is gone meanwhile did not choose none."""
    chosen = typed.get("workshop_id", "")
    known: dict[str, UUID | None] = {str(workshop.id): workshop.id for workshop in queries.workshops(session)}
    known[""] = None
    return known.get(chosen, {"workshop_id": "This workshop is not here any more."})


def why(typed: Mapping[str, str]) -> Why | Mistakes:
    """Why the owner moves a session request: a reason of the closed set, and a note if they like."""
    reason, note = typed.get("reason", ""), typed.get("note", "").strip()
    mistakes = {}
    if reason not in set(Reason):
        mistakes["reason"] = "Choose a reason."
    if len(note) > LONGEST:
        mistakes["note"] = f"At most {LONGEST} characters."
    return mistakes or Why(Reason(reason), note)


def assignment(typed: Mapping[str, str]) -> UUID | Mistakes:
    """To whom; whether they can take it is for the verb to say."""
    try:
        return UUID(typed.get("mechanic_id", ""))
    except ValueError:
        return {"mechanic_id": "Choose a mechanic."}


def _whole_number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", text) else None
