"""The owner's forms: what was typed, checked. Each gives the form, or the mistakes by the field they stand at."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from favorites.db import Session
from favorites.queries import admin as queries

Mistakes = dict[str, str]

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")  # as the table's CHECK
MOST_CREDITS = 1000  # at once: a slip of the finger is not a fortune
LONGEST = 200


class WorkshopForm(NamedTuple):
    slug: str
    name: str


class CreditsForm(NamedTuple):
    email: str
    customer_id: UUID
    credits: int
    note: str


def workshop_form(typed: Mapping[str, str]) -> WorkshopForm | Mistakes:
    """A workshop's link and name; whether the link is taken is the table's to say."""
    form = WorkshopForm(typed.get("slug", "").strip(), typed.get("name", "").strip())
    mistakes = {}
    if not SLUG.fullmatch(form.slug):
        mistakes["slug"] = "Use small letters, digits and hyphens, 63 at most, e.g. harbor-garage."
    if not 0 < len(form.name) <= LONGEST:
        mistakes["name"] = f"Give it a name of at most {LONGEST} characters."
    return mistakes or form


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


def _whole_number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\s*[0-9]{1,9}\s*", text) else None
