"""What a mechanic is told by mail of how they were judged."""

from uuid import UUID

from flask_security.utils import send_mail

from favorites.db import db
from favorites.queries import admin_mechanics
from favorites.web.people import standing_of

SUBJECTS = {
    "approved": "You are approved at Book Again",
    "refused": "Your application at Book Again",
    "suspended": "You are suspended at Book Again",
}


def tell_by_mail(mechanic_id: UUID) -> None:
    """Write to them where they stand now, in the words of their own page; after the commit, and not if that fails."""
    known = admin_mechanics.mechanic(db.session, mechanic_id)
    if known is None or known.person.mechanic.status not in SUBJECTS:
        return
    mechanic = known.person.mechanic
    subject, template = SUBJECTS[mechanic.status], "security/email/judged"
    send_mail(subject, known.person.email, template, mechanic=mechanic, standing=standing_of(mechanic))
