"""Which event was told to whom by mail. The key is the claim: one mail an event and person, whoever sends."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from favorites.db import Base
from favorites.models.columns import CreatedAt

AFTER, UNTIL = 20, 3600  # seconds after the event: by then an open page was written down; later it helps nobody
LEASE = 120  # seconds until an unsent mail is taken again, twice as long each time; no mail server holds us as long
TRIES = 4

# Events `e` about `r` that their customer `c`, whose account is `u`, may be told by a mail `m`, sent or not. now()
# where an index is to be used, in a transaction just begun. What is no longer so is not told: an acceptance that was
# taken back (a later one has an `accepted_at` after the event), an expiry after which something else was asked.
WORTH_A_MAIL = """
  FROM request_events e
  JOIN session_requests r ON r.id = e.session_request_id
  JOIN customers c ON c.id = r.customer_id
  JOIN users u ON u.id = c.user_id
  LEFT JOIN mails m ON m.event_id = e.id AND m.user_id = u.id
 WHERE e.audience = 'customer' AND e.kind IN ('request_accepted', 'request_expired')
   AND e.at > now() - make_interval(secs => :until) AND e.at <= now() - make_interval(secs => :after)
   AND c.wants_mail AND u.active AND u.confirmed_at IS NOT NULL AND (c.page_seen_at < e.at) IS NOT FALSE
   AND CASE e.kind WHEN 'request_accepted' THEN r.status = 'accepted' AND r.accepted_at <= e.at
       ELSE r.status = 'expired' AND NOT EXISTS (
         SELECT FROM session_requests o WHERE o.customer_id = c.id AND o.status IN ('pending', 'accepted')) END"""
# Tried as often as it is, and the last try is over: it began at `next_try_at` less the longest pause.
GAVE_UP = f"""(m.sent_at IS NULL AND m.tries >= :tries
   AND m.next_try_at <= now() + make_interval(secs => {LEASE * 2 ** (TRIES - 1) - LEASE}))"""


class Mail(Base):
    __tablename__ = "mails"
    __table_args__ = (
        CheckConstraint("tries >= 1", name="was_tried"),
        Index("mails_user_id_idx", "user_id"),
        # What was given up, and little else.
        Index("mails_unsent_idx", "next_try_at", postgresql_where=text("sent_at IS NULL")),
        {"comment": "Events told by mail because no page was open; a row is written before the mail is sent"},
    )

    event_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("request_events.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        comment="Of what",
    )
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, comment="Whom")
    tries: Mapped[int] = mapped_column(server_default=text("1"), comment="How often it was taken to be sent")
    next_try_at: Mapped[datetime] = mapped_column(comment="When it may be taken again, unless it was sent")
    sent_at: Mapped[datetime | None] = mapped_column(comment="When the mail server had taken it; NULL: it has not")
    created_at: Mapped[CreatedAt]
