"""What the poll tells of itself."""

from datetime import datetime

from sqlalchemy import Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from favorites.db import Base


class EngineBeat(Base):
    __tablename__ = "engine_beats"
    __table_args__ = (
        Index("engine_beats_at_idx", "at"),
        {"comment": "One row a poll; the newest tells that the scheduler lives"},
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True, comment="Counts")
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"), comment="When the poll ended")
    leader: Mapped[str] = mapped_column(comment="Host and process that polled")
    lapsed: Mapped[int] = mapped_column(comment="Windows broadcast")
    expired: Mapped[int] = mapped_column(comment="Session requests expired")
    lateness_ms: Mapped[float | None] = mapped_column(
        comment="Of the latest broadcast after its window's end; NULL: none"
    )
