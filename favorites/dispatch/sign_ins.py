"""Sign-ins: one row each; who holds its key is signed in until the row ends."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from favorites.db import Session, clock
from favorites.dispatch.verb import verb
from favorites.models import SignIn


def hash_of(key: str) -> str:
    """What is stored of a key: SHA-256 in hex. The key is random, so it needs no salt and no slowness."""
    return hashlib.sha256(key.encode()).hexdigest()


@verb
def begin(session: Session, user_id: UUID, days: int) -> tuple[UUID, str]:
    """A new sign-in that lasts `days` at most: its id and its 256-bit key, which is nowhere else."""
    session.flush()  # a changed password, still unwritten, ends all sign-ins by a trigger: this one must come after
    key = secrets.token_urlsafe(32)
    sign_in = SignIn(user_id=user_id, key_hash=hash_of(key), expires_at=clock() + timedelta(days=days))
    session.add(sign_in)
    session.flush()
    return sign_in.id, key


@verb
def see(session: Session, sign_in_id: UUID, every: timedelta) -> None:
    """Notes that it was used, unless that was noted within `every`."""
    due = SignIn.seen_at < clock() - every
    session.execute(update(SignIn).where(SignIn.id == sign_in_id, due).values(seen_at=clock()))


@verb
def end(session: Session, sign_in_id: UUID) -> None:
    """Ends it; its cookie is worthless from now on, copies included."""
    open_one = (SignIn.id == sign_in_id, SignIn.ended_at.is_(None))
    session.execute(update(SignIn).where(*open_one).values(ended_at=clock()))
